//! What comes back from an action.

use expect_test::{Expect, expect};
use kiln_base::Digest;
use kiln_process::{ExecError, Exit, Process};
use kiln_tree::Node;

use crate::Test;
use crate::support::{self, Fixture, command, paths, sh};

pub const TESTS: &[Test] = &[
    (
        "outputs are files, folders and links (PX-015, PX-025)",
        kinds,
    ),
    ("a tree goes in and comes out the same", round_trip),
    (
        "outputs of failures are kept, missing ones left out",
        failures,
    ),
    (
        "outputs among inputs, and inputs that are outputs",
        among_inputs,
    ),
    ("special files and odd names are refused (R15)", refused),
    ("no output leads outside", hostile),
    ("huge output", huge),
    ("programs that cannot run (PX-016)", cannot_run),
    (
        "scripts without an interpreter line run in the shell",
        no_shebang,
    ),
    ("working directory (PX-018)", workdir),
    ("a missing blob is told apart", missing_blob),
    ("200 actions at once", many),
    ("a laxer root", writable_root),
    ("nothing of an action is left for the next", no_left_overs),
    (
        "no shared memory, semaphore or queue is left",
        no_objects_left,
    ),
];

fn outputs(fixture: &Fixture, process: &Process) -> String {
    let result = fixture.run(process).unwrap();
    let mut text = fixture.show(&result);
    result.outputs.walk(false, &mut |path, node| {
        text += &match node {
            Node::File { digest, executable } => {
                let x = if *executable { " x" } else { "" };
                format!("{path}{x}: {:?}\n", fixture.text(digest))
            }
            Node::Symlink(target) => format!("{path} -> {target}\n"),
            Node::Dir(_) => format!("{path}/\n"),
        };
    });
    text
}

fn check(fixture: &Fixture, script: &str, declared: &[&str], expected: Expect) {
    let mut process = sh(script);
    process.outputs = paths(declared);
    expected.assert_eq(&outputs(fixture, &process));
}

fn kinds(fixture: &Fixture) {
    check(
        fixture,
        "echo a > out/a; echo x > out/x; chmod 4711 out/x; chmod 000 out/a; mkdir -p out/d/e/empty out/none; \
         echo y > out/d/e/y; ln -s ../nowhere out/d/l; ln -s a out/l; ln -s d out/ld; echo u > out/undeclared; \
         chmod 000 out/d/e; ln out/x out/d/hard",
        &[
            "out/a",
            "out/x",
            "out/d",
            "out/l",
            "out/ld",
            "out/none",
            "out/missing",
            "out/d/e/y",
        ],
        expect![[r#"
            Code(0)
            out/a: "a\n"
            out/d/e/empty/
            out/d/e/y: "y\n"
            out/d/hard x: "x\n"
            out/d/l -> ../nowhere
            out/l -> a
            out/ld -> d
            out/none/
            out/x x: "x\n"
        "#]],
    );
}

fn round_trip(fixture: &Fixture) {
    let mut process = sh("cp -a in/. out");
    let corpus = fixture.tree(&[
        ("plain", "text"),
        ("run.sh", "#!/bin/sh\n"),
        ("empty", ""),
        ("hollow/", ""),
        ("deep/er/hollow/", ""),
        ("deep/link -> ../plain", ""),
        ("dangling -> /no/where", ""),
        ("loop -> loop", ""),
        ("white space/\t tab\nnewline", "odd"),
        ("quotes'\"\\$(x)`*?[]{}<>|&;#!~", "odd"),
        ("-rf", "odd"),
        ("ünïcödé/日本語/𝄞", "odd"),
        ("u\u{308}", "decomposed"),
        ("ü", "composed"),
        ("...", "dots"),
        ("A", "upper"),
        ("a", "lower"),
    ]);
    process.inputs = kiln_tree::Tree::single(&paths(&["in"])[0], Node::Dir(corpus.clone()));
    process.outputs = paths(&["out"]);
    let script = "mkdir out; cp -a in/. out";
    process.argv[2] = script.to_owned();
    let result = fixture.run(&process).unwrap();
    assert_eq!(fixture.show(&result), "Code(0)\n");
    match result.outputs.get(&paths(&["out"])[0]) {
        Some(Node::Dir(tree)) => assert_eq!(tree.digest(), corpus.digest(), "{tree:?}"),
        other => panic!("{other:?}"),
    }
    fixture.verify();
}

fn failures(fixture: &Fixture) {
    check(
        fixture,
        "echo partly > a; echo sorry >&2; exit 4",
        &["a", "b", "c/d/e"],
        expect![[r#"
            Code(4)
            sorry
            a: "partly\n"
        "#]],
    );
}

fn among_inputs(fixture: &Fixture) {
    let mut process = sh(
        "ls -R p | tr '\\n' ' '; cat p/in p/sub/x; echo more >> p/change; echo new > p/d/new; rm p/d/old; \
         echo o > p/out; ./p/tool.sh; echo no > p/sub/x",
    );
    process.inputs = fixture.tree(&[
        ("p/in", "in\n"),
        ("p/sub/x", "x\n"),
        ("p/change", "original\n"),
        ("p/d/old", "old"),
        ("p/d/kept", "kept"),
        ("p/tool.sh", "#!/bin/sh\necho tool\n"),
        ("p/link -> in", ""),
    ]);
    process.outputs = paths(&["p/change", "p/d", "p/out"]);
    expect![[r#"
        Code(2)
        p: change d in link sub tool.sh  p/d: kept old  p/sub: x in
        x
        tool
        /bin/sh: 1: cannot create p/sub/x: Read-only file system
        p/change: "original\nmore\n"
        p/d/kept: "kept"
        p/d/new: "new\n"
        p/out: "o\n"
    "#]]
    .assert_eq(&outputs(fixture, &process));
    fixture.verify();
}

fn refused(fixture: &Fixture) {
    for (script, expected) in [
        (
            "mkfifo out/p",
            expect![[r#"
            error: output `out/p` is a named pipe; outputs are files, folders and links
            hint: let the action remove it before it ends, or make it in `/tmp`"#]],
        ),
        (
            "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"out/p\")'",
            expect![[r#"
            error: output `out/p` is a socket; outputs are files, folders and links
            hint: let the action remove it before it ends, or make it in `/tmp`"#]],
        ),
        (
            "mkdir out/p; mkfifo out/p/q",
            expect![[r#"
            error: output `out/p/q` is a named pipe; outputs are files, folders and links
            hint: let the action remove it before it ends, or make it in `/tmp`"#]],
        ),
        (
            "mkdir out/p; touch \"out/p/$(printf 'a\\377b')\"",
            expect![[r#"
            error: the name of a file in output `out/p` is not UTF-8: `a\xffb`
            hint: names in caches are UTF-8 everywhere; let the action use another name"#]],
        ),
        (
            "ln -s \"$(printf 'a\\377b')\" out/p",
            expect![[r#"
            error: the target of link `out/p` is not UTF-8: `a\xffb`
            hint: names in caches are UTF-8 everywhere; let the action use another name"#]],
        ),
    ] {
        let mut process = sh(script);
        process.outputs = paths(&["out/p"]);
        let error = fixture.run(&process).unwrap_err();
        expected.assert_eq(&error.to_string());
    }
}

fn hostile(fixture: &Fixture) {
    // The folder of an output becomes a link to where secrets are.
    for script in [
        "rm -rf out/d; ln -s /etc out/d",
        "rm -rf out/d; ln -s /proc/self/root/etc out/d",
        "rm -rf out/d; echo > out/d",
    ] {
        let mut process = sh(script);
        process.outputs = paths(&["out/o", "out/d/passwd"]);
        let error = fixture.run(&process).unwrap_err();
        let message = "error: output `out/d/passwd` is below something that is no folder any more: \
                       the action replaced `d`";
        assert_eq!(error.to_string(), message);
    }
    // A link as an output is a link, wherever it points.
    let passwd = fixture.folder.path().join("secret");
    std::fs::write(&passwd, "secret").unwrap();
    let mut process = sh(&format!("ln -s {} out", passwd.display()));
    process.outputs = paths(&["out"]);
    let result = fixture.run(&process).unwrap();
    assert!(matches!(
        result.outputs.entry("out"),
        Some(Node::Symlink(_))
    ));
    // Folders too deep to be followed.
    let mut process = command(&[
        "/usr/bin/python3",
        "-c",
        "import os\nfor i in range(1500): os.mkdir('d'); os.chdir('d')",
    ]);
    process.outputs = paths(&["d"]);
    let error = fixture.run(&process).unwrap_err().to_string();
    assert!(
        error.ends_with("is nested more than 200 folders deep"),
        "{error}"
    );
}

fn huge(fixture: &Fixture) {
    let mut process = sh(
        "head -c 50000000 /dev/zero; head -c 100000 /dev/zero >&2; head -c 50000000 /dev/zero > out",
    );
    process.outputs = paths(&["out"]);
    let result = fixture.run(&process).unwrap();
    let zeros = vec![0; 50_000_000];
    assert_eq!(result.stdout, Digest::of(&zeros));
    assert_eq!(result.stderr, Digest::of(&zeros[..100_000]));
    match result.outputs.entry("out") {
        Some(Node::File { digest, .. }) => assert_eq!(*digest, result.stdout),
        other => panic!("{other:?}"),
    }
}

fn cannot_run(fixture: &Fixture) {
    for (argv, expected) in [
        (
            vec!["nonsense"],
            expect![[r#"
            error: cannot run `nonsense`: no such program
               = looked for in `PATH`, which is `/bin:/usr/local/bin`"#]],
        ),
        (
            vec!["tools/nonsense", "x"],
            expect![[r#"
            error: cannot run `tools/nonsense`: there is no such file in the sandbox
            hint: declare it as an input or a tool of the action"#]],
        ),
        (
            vec!["a/plain"],
            expect![[r#"
            error: cannot run `a/plain`: permission denied
            hint: is the file executable?"#]],
        ),
        (
            vec!["a/script.sh"],
            expect![
                "error: cannot run `a/script.sh`: its interpreter `/opt/none/python3` is not in the sandbox"
            ],
        ),
        (
            vec![""],
            expect!["error: the command is empty: there is no program to run"],
        ),
        (
            vec![],
            expect!["error: the command is empty: there is no program to run"],
        ),
        (
            vec!["a"],
            expect![[r#"
            error: cannot run `a`: no such program
               = looked for in `PATH`, which is `/bin:/usr/local/bin`"#]],
        ),
        (
            vec!["./a"],
            expect![[r#"
            error: cannot run `./a`: permission denied
            hint: is the file executable?"#]],
        ),
        (
            vec!["/bin/echo", "a\0b"],
            expect!["error: cannot run `/bin/echo`: an argument or variable contains a NUL byte"],
        ),
    ] {
        let mut process = command(&argv);
        process
            .env
            .insert("PATH".to_owned(), "/bin:/usr/local/bin".to_owned());
        process.inputs = fixture.tree(&[
            ("a/plain", "text"),
            ("a/script.sh", "#!/opt/none/python3 -x\n"),
        ]);
        let error = fixture.run(&process).unwrap_err();
        assert!(matches!(error, ExecError::Failed(_)));
        expected.assert_eq(&error.to_string());
    }
    let error = fixture.run(&command(&["true"])).unwrap_err();
    expect![[r#"
        error: cannot run `true`: no such program
        hint: `PATH` is not set for this action, so give the program's path"#]]
    .assert_eq(&error.to_string());
}

fn no_shebang(fixture: &Fixture) {
    let mut process = command(&["./a.sh", "x y", "z"]);
    process.inputs = fixture.tree(&[("a.sh", "echo \"$0|$1|$2\"\n")]);
    let result = fixture.run(&process).unwrap();
    assert_eq!(fixture.show(&result), "Code(0)\n./a.sh|x y|z\n");
}

fn workdir(fixture: &Fixture) {
    let mut process = command(&["./tool.sh"]);
    process.workdir = paths(&["deep/w"])[0].clone();
    process.inputs = fixture.tree(&[("deep/w/tool.sh", "#!/bin/sh\n/bin/pwd; echo o > sub/out\n")]);
    process.outputs = paths(&["sub/out"]);
    expect![[r#"
        Code(0)
        /kiln/deep/w
        sub/out: "o\n"
    "#]]
    .assert_eq(&outputs(fixture, &process));
}

fn missing_blob(fixture: &Fixture) {
    let mut process = sh("true");
    let digest = Digest::of(b"never stored");
    let executable = false;
    process.inputs = kiln_tree::Tree::single(&paths(&["a"])[0], Node::File { digest, executable });
    match fixture.run(&process) {
        Err(ExecError::MissingBlob(missing)) => assert_eq!(missing, digest),
        other => panic!("{other:?}"),
    }
}

fn many(fixture: &Fixture) {
    let executor = fixture.executor();
    let tool = "#!/bin/sh\ncp in/f out/f; chmod +x out/f; ./out/f\n";
    let processes: Vec<Process> = (0..200)
        .map(|i| {
            // What is written here and run at once must not be busy (PX-024).
            let mut process = command(&["./tool.sh"]);
            process.env.insert("PATH".to_owned(), "/bin".to_owned());
            let script = format!("#!/bin/sh\necho {i}\n");
            process.inputs = fixture.tree(&[("tool.sh", tool), ("in/f", &script)]);
            process.outputs = paths(&["out/f"]);
            process
        })
        .collect();
    fixture.runtime.block_on(async {
        let runs = processes
            .iter()
            .map(|process| support::run(&executor, process));
        for (i, result) in futures::future::join_all(runs)
            .await
            .into_iter()
            .enumerate()
        {
            let result = result.unwrap();
            assert_eq!(fixture.show(&result), format!("Code(0)\n{i}\n"));
            assert_eq!(result.outputs.count(), 1);
        }
    });
    fixture.verify();
}

fn writable_root(fixture: &Fixture) {
    let mut config = fixture.config();
    config.writable_root = true;
    let executor = fixture.executor_with(config);
    let mut process = sh(
        "echo a > new; echo b > src/beside; mkdir x; echo no > src/in; cat new src/beside src/in; ls",
    );
    process.inputs = fixture.tree(&[("src/in", "in\n")]);
    let result = fixture
        .runtime
        .block_on(support::run(&executor, &process))
        .unwrap();
    expect![[r#"
        Code(0)
        a
        b
        in
        new
        src
        x
        /bin/sh: 1: cannot create src/in: Read-only file system
    "#]]
    .assert_eq(&fixture.show(&result));
    fixture.verify();
}

/// Each kind alone, so that each is found.
fn no_objects_left(fixture: &Fixture) {
    let python = |call: &str| format!("python3 -c 'import ctypes; c = ctypes.CDLL(None); {call}'");
    let executor = fixture.executor();
    for (leave, look) in [
        ("ipcmk -M 100", "ipcs -m | grep -c 0x".to_owned()),
        ("ipcmk -S 1", "ipcs -s | grep -c 0x".to_owned()),
        ("ipcmk -Q", "ipcs -q | grep -c 0x".to_owned()),
        (
            &python("exit(c.mq_open(b\"/q\", 0o102, 0o600, None) < 0)"),
            python("print(int(c.mq_open(b\"/q\", 2) >= 0))"),
        ),
    ] {
        let results = fixture.runtime.block_on(async {
            let first = support::run(&executor, &sh(&format!("{leave}; {look}"))).await;
            [
                first.unwrap(),
                support::run(&executor, &sh(&look)).await.unwrap(),
            ]
        });
        let shown = results.map(|result| fixture.show(&result).lines().last().map(str::to_owned));
        assert_eq!(
            shown,
            [Some("1".to_owned()), Some("0".to_owned())],
            "{leave}"
        );
    }
}

fn no_left_overs(fixture: &Fixture) {
    let executor = fixture.executor();
    let mut dirty = sh(
        "echo l > out/left; mkdir -p out/d/e; chmod 0 out/d out; echo > /tmp/x; echo > /dev/shm/y; echo out; \
         echo err >&2; ipcmk -M 100 >/dev/null",
    );
    dirty.outputs = paths(&["out/o"]);
    let mut clean =
        sh("ls -la out | tail -n +2 | cut -c1-10; ls /tmp /dev/shm; ipcs -m | grep -c 0x");
    clean.outputs = paths(&["out/o"]);
    fixture.runtime.block_on(async {
        let first = support::run(&executor, &dirty).await.unwrap();
        assert_eq!(first.exit, Exit::Code(0));
        let second = support::run(&executor, &clean).await.unwrap();
        expect![[r#"
            Code(1)
            drwxr-xr-x
            drwxr-xr-x
            /dev/shm:

            /tmp:
            0
        "#]]
        .assert_eq(&fixture.show(&second));
    });
}
