//! What an action sees of the machine, and what it can change.

use expect_test::{Expect, expect};

use crate::Test;
use crate::support::{Fixture, command, paths, sh};

pub const TESTS: &[Test] = &[
    ("only declared inputs are visible", only_declared_inputs),
    ("identity and names are the same everywhere", identity),
    ("the environment is exact (PX-011)", environment),
    ("the root is read-only", read_only),
    ("what is mounted beneath stays hidden", nothing_beneath),
    ("inputs cannot be changed", inputs_cannot_be_changed),
    ("no network, unless it is asked for", network),
    ("a port is free again for the next action", ports),
    ("the exec root's path (PX-013)", chroot),
    ("large folders are shown whole", large_folders),
    ("exit codes and signals (PX-017)", exits),
];

fn check(fixture: &Fixture, script: &str, expected: Expect) {
    expected.assert_eq(&fixture.shell(&sh(script)));
}

fn only_declared_inputs(fixture: &Fixture) {
    let mut process = sh("find . | sort; cat a/b.txt l; a/run.sh; ls /; ls /tmp /dev/shm; pwd");
    process.inputs = fixture.tree(&[
        ("a/b.txt", "hello\n"),
        ("a/run.sh", "#!/bin/sh\necho ran\n"),
        ("empty/", ""),
        ("l -> a/b.txt", ""),
        ("dangling -> nowhere", ""),
    ]);
    expect![[r#"
        Code(0)
        .
        ./a
        ./a/b.txt
        ./a/run.sh
        ./dangling
        ./empty
        ./l
        hello
        hello
        ran
        bin
        dev
        etc
        kiln
        lib
        lib64
        proc
        sbin
        tmp
        usr
        /dev/shm:

        /tmp:
        /kiln
    "#]]
    .assert_eq(&fixture.shell(&process));
}

fn identity(fixture: &Fixture) {
    check(
        fixture,
        "id; id -u; id -g; hostname; umask; cat /proc/self/cgroup >/dev/null; [ $(ls -d /proc/[0-9]* | wc -l) -lt 9 ] && echo few processes; \
         ls -l /proc/self/fd | grep -v '/proc\\|/fd' | grep -c '[0-9] ->'; readlink /proc/self/fd/0; cat; \
         grep -E 'CapEff|NoNewPrivs' /proc/self/status; cat /proc/1/environ | wc -c; ls /sys/class/net 2>/dev/null; cat /proc/net/dev | tail -n +3 | cut -d: -f1",
        expect![[r#"
            Code(0)
            uid=1000(kiln) gid=1000(kiln) groups=1000(kiln)
            1000
            1000
            localhost
            0022
            few processes
            3
            /dev/null
            CapEff:	0000000000000000
            NoNewPrivs:	1
            0
                lo
            cat: /proc/1/environ: Permission denied
        "#]],
    );
}

fn environment(fixture: &Fixture) {
    let mut process = command(&["/usr/bin/env"]);
    process.env.insert("A".to_owned(), "1 2".to_owned());
    process.env.insert("ÄÖ".to_owned(), "=x".to_owned());
    expect![[r#"
        Code(0)
        A=1 2
        ÄÖ==x
    "#]]
    .assert_eq(&fixture.shell(&process));
}

/// The store is mounted beneath `/tmp`, where nothing may bring it to light.
fn nothing_beneath(fixture: &Fixture) {
    let process = sh(
        "umount /tmp; unshare -Urm sh -c 'umount /tmp; umount -l /tmp; ls /tmp; \
         mount --move /tmp /dev/shm; ls /tmp; mkdir /tmp/a; mount --rbind / /tmp/a; ls /tmp/a/tmp' | \
         grep -v '^a$'; echo end",
    );
    let shown = fixture.shell(&process);
    let output: Vec<&str> = shown
        .lines()
        .take_while(|line| !line.contains(": "))
        .collect();
    assert_eq!(output, ["Code(0)", "end"], "{shown}");
}

fn read_only(fixture: &Fixture) {
    let mut process = sh(
        "for f in x src/x out/x out/sub/x out/y /x /usr/x /etc/x /tmp/x /dev/shm/x /dev/x /proc/x; do \
         echo hi > $f && echo $f ok; done; mkdir d; rm src/a; chmod 777 src; ls out; true",
    );
    process.inputs = fixture.tree(&[("src/a", "a"), ("out/sub/in", "b"), ("out/f", "c")]);
    process.outputs = paths(&["out/x"]);
    expect![[r#"
        Code(0)
        out/x ok
        out/y ok
        /tmp/x ok
        /dev/shm/x ok
        f
        sub
        x
        y
        /bin/sh: 1: cannot create x: Read-only file system
        /bin/sh: 1: cannot create src/x: Read-only file system
        /bin/sh: 1: cannot create out/sub/x: Read-only file system
        /bin/sh: 1: cannot create /x: Read-only file system
        /bin/sh: 1: cannot create /usr/x: Read-only file system
        /bin/sh: 1: cannot create /etc/x: Read-only file system
        /bin/sh: 1: cannot create /dev/x: Read-only file system
        /bin/sh: 1: cannot create /proc/x: Directory nonexistent
        mkdir: cannot create directory 'd': Read-only file system
        rm: cannot remove 'src/a': Read-only file system
        chmod: changing permissions of 'src': Read-only file system
    "#]]
    .assert_eq(&fixture.shell(&process));
}

fn inputs_cannot_be_changed(fixture: &Fixture) {
    let mut process = sh(
        "for f in src/a out/b; do chmod 777 $f; echo x > $f; echo x >> $f; rm $f; mv $f $f.x; \
         ln $f out/l; mount -o remount,rw $f 2>/dev/null || echo no mount; done; cat src/a out/b",
    );
    process.inputs = fixture.tree(&[("src/a", "a\n"), ("out/b", "b\n")]);
    process.outputs = paths(&["out/o"]);
    expect![[r#"
        Code(0)
        no mount
        no mount
        a
        b
        chmod: changing permissions of 'src/a': Read-only file system
        /bin/sh: 1: cannot create src/a: Read-only file system
        /bin/sh: 1: cannot create src/a: Permission denied
        rm: cannot remove 'src/a': Read-only file system
        mv: cannot move 'src/a' to 'src/a.x': Read-only file system
        ln: failed to create hard link 'out/l' => 'src/a': Invalid cross-device link
        chmod: changing permissions of 'out/b': Read-only file system
        /bin/sh: 1: cannot create out/b: Read-only file system
        /bin/sh: 1: cannot create out/b: Permission denied
        rm: cannot remove 'out/b': Device or resource busy
        mv: cannot move 'out/b' to 'out/b.x': Device or resource busy
        ln: failed to create hard link 'out/l' => 'out/b': Invalid cross-device link
    "#]]
    .assert_eq(&fixture.shell(&process));
    fixture.verify();
}

fn exits(fixture: &Fixture) {
    check(
        fixture,
        "exit 7",
        expect![[r#"
        Code(7)
    "#]],
    );
    check(
        fixture,
        "kill -TERM $$",
        expect![[r#"
        Signal(15)
    "#]],
    );
    check(
        fixture,
        "kill -9 $$",
        expect![[r#"
        Signal(9)
    "#]],
    );
}

/// From its third time on a large folder is shown whole; nothing may look different then.
fn large_folders(fixture: &Fixture) {
    let executor = fixture.executor();
    let names: Vec<String> = (0..200).map(|i| format!("big/d{}/f{i}", i / 70)).collect();
    let mut entries: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
    entries.extend([
        ("big/d0/l -> f1", ""),
        ("big/e/", ""),
        ("big/t.sh", "#!/bin/sh\necho t\n"),
        ("out/big/d0/f0", "beside an output\n"),
    ]);
    let beside: Vec<String> = (0..100).map(|i| format!("out/big/g{i}")).collect();
    entries.extend(beside.iter().map(|name| (name.as_str(), "y\n")));
    let mut process = sh(
        "find . -printf '%P %y %m %l\\n' | sort | sha256sum; cat big/*/* big/*/l out/big/d0/* | sha256sum; \
         big/t.sh; for f in big/d0/f0 big/new out/big/new; do echo x > $f; done; chmod 777 big/d0/f0; \
         echo o > out/o; realpath big/d0/l",
    );
    process.inputs = fixture.tree(&entries);
    process.outputs = paths(&["out/o"]);
    let run = || {
        let run = crate::support::run(&executor, &process);
        fixture.show(&fixture.runtime.block_on(run).unwrap())
    };
    let first = run();
    expect![[r#"
        Code(0)
        b91e55bd1284eca66cea547c1816776aa9f4b240e8c09d935b1398fd083ef242  -
        df6cd086fea9794bd5972853dcbe5c1bf43d885c790971469fd3877e9a0e7b5a  -
        t
        /kiln/big/d0/f1
        /bin/sh: 1: cannot create big/d0/f0: Read-only file system
        /bin/sh: 1: cannot create big/new: Read-only file system
        /bin/sh: 1: cannot create out/big/new: Read-only file system
        chmod: changing permissions of 'big/d0/f0': Read-only file system
    "#]]
    .assert_eq(&first);
    let trees = || {
        let scratch = std::fs::read_dir(fixture.folder.path().join("scratch")).unwrap();
        let own = scratch
            .map(|entry| entry.unwrap().path().join("trees"))
            .next()
            .unwrap();
        let names = std::fs::read_dir(own)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| !name.to_string_lossy().starts_with('.'))
            .count()
    };
    assert_eq!(trees(), 0);
    assert_eq!(run(), first);
    while trees() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(run(), first);
    assert_eq!(run(), first);
    fixture.verify();
}

/// Connects to a port of 127.0.0.1.
fn connect(port: u16) -> kiln_process::Process {
    let script = format!(
        "import socket\ntry: socket.create_connection(('127.0.0.1', {port}), 5); print('connected')\n\
         except OSError as error: print(error)"
    );
    command(&["/usr/bin/python3", "-c", &script])
}

fn network(fixture: &Fixture) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut process = connect(listener.local_addr().unwrap().port());
    expect![[r#"
        Code(0)
        [Errno 111] Connection refused
    "#]]
    .assert_eq(&fixture.shell(&process));
    process.network = true;
    expect![[r#"
        Code(0)
        connected
    "#]]
    .assert_eq(&fixture.shell(&process));
}

/// A server that closes first leaves its port busy for a minute; the next action must not notice.
fn ports(fixture: &Fixture) {
    let script = "import socket\n\
        server = socket.socket(); server.bind(('127.0.0.1', 4321)); server.listen()\n\
        client = socket.create_connection(('127.0.0.1', 4321))\n\
        there, _ = server.accept(); there.close(); client.close(); print('served')";
    let process = command(&["/usr/bin/python3", "-c", script]);
    let executor = fixture.executor();
    for _ in 0..3 {
        let run = crate::support::run(&executor, &process);
        let result = fixture.runtime.block_on(run).unwrap();
        assert_eq!(fixture.show(&result), "Code(0)\nserved\n");
    }
}

fn chroot(fixture: &Fixture) {
    let mut process = sh("echo {chroot}/x $ROOT");
    process.env.insert("ROOT".to_owned(), "{chroot}".to_owned());
    assert_eq!(fixture.shell(&process), "Code(0)\n/kiln/x /kiln\n");
}
