//! What the messages of programs tell of undeclared files.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_base::{Digest, RelPath};
use kiln_process::{CacheScope, Process, Scene, Undeclared, undeclared};
use kiln_tree::{Node, Tree};

fn process(argv: &[&str]) -> Process {
    Process {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: BTreeMap::new(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: Vec::new(),
        timeout: None,
        network: false,
        platform: BTreeMap::new(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    }
}

const WORKSPACE: [&str; 10] = [
    "a/b.h",
    "a/data.txt",
    "a",
    "lib/include/x/y.h",
    "w/local.txt",
    "tools/gen",
    "in.txt",
    "odd name.txt",
    "py/mod.py",
    "py/pack/__init__.py",
];

/// What is found in a workspace at `/home/me/ws`, on a machine that has `/opt/tool`.
fn find(process: &Process, sources: &str, written: &str) -> Vec<Undeclared> {
    let exists = |path: &Path| match path.strip_prefix("/home/me/ws") {
        Ok(source) => WORKSPACE.contains(&source.to_str().unwrap()),
        Err(_) => path == Path::new("/opt/tool"),
    };
    let sources = RelPath::new(sources).unwrap();
    let workdir = sources.append(&process.workdir);
    let scene = Scene {
        process,
        workdir: &workdir,
        sources: &sources,
        workspace: Path::new("/home/me/ws"),
        exists: &exists,
    };
    undeclared(&scene, written)
}

/// `in.txt` is declared.
fn check(argv: &[&str], written: &str, expected: Expect) {
    check_in("", argv, written, expected);
}

fn check_in(sources: &str, argv: &[&str], written: &str, expected: Expect) {
    let mut process = process(argv);
    let declared = RelPath::new(sources).unwrap().join("in.txt").unwrap();
    let digest = Digest::EMPTY;
    let executable = false;
    process.inputs = Tree::single(&declared, Node::File { digest, executable });
    let found = find(&process, sources, written);
    let lines = found.iter().map(|found| {
        let places: Vec<String> = found.places.iter().map(ToString::to_string).collect();
        let line = format!("{:?} {} {}", found.kind, found.path, places.join(" "));
        line.trim_end().to_owned()
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn compilers() {
    check(
        &["gcc", "-c", "a/x.c", "-Ilib/include"],
        "a/x.c:1:10: fatal error: a/b.h: No such file or directory\n    1 | #include \"a/b.h\"\n\
         compilation terminated.\n\
         a/x.c:2:10: fatal error: b.h: No such file or directory\n\
         a/x.c:3:10: fatal error: x/y.h: No such file or directory\n\
         a/x.c:3:10: fatal error: none.h: No such file or directory\n\
         cc1: fatal error: a/data.txt: No such file or directory\n\
         gcc: error: tools/gen: No such file or directory\n",
        expect![[r#"
            Read a/b.h
            Read lib/include/x/y.h
            Absent none.h none.h a/none.h lib/include/none.h
            Read a/data.txt
            Read tools/gen"#]],
    );
    check(
        &["clang", "-isystem", "lib/include"],
        "./a/x.c:1:10: fatal error: 'b.h' file not found\n\
         clang: error: no such file or directory: 'a/data.txt'\n\
         /kiln/a/x.c:3:10: fatal error: 'x/y.h' file not found\n",
        expect![[r#"
            Read a/b.h
            Read a/data.txt
            Read lib/include/x/y.h"#]],
    );
    check(
        &["gcc"],
        "Assembler messages:\nFatal error: can't create src/x.o: Read-only file system\n\
         /usr/bin/ld: cannot open output file bin/prog: Read-only file system\n\
         collect2: error: ld returned 1 exit status\n\
         /usr/bin/ld: cannot find a/data.txt: No such file or directory\n",
        expect![[r#"
            Write src/x.o
            Write bin/prog
            Read a/data.txt"#]],
    );
}

#[test]
fn shells_and_small_tools() {
    check(
        &["sh"],
        "cat: a/data.txt: No such file or directory\n\
         cat: 'odd name.txt': No such file or directory\n\
         cat: elsewhere.txt: No such file or directory\n\
         cat: in.txt: No such file or directory\n\
         cp: cannot stat 'a/b.h': No such file or directory\n\
         cp: cannot stat ‘w/local.txt’: No such file or directory\n\
         bash: line 1: tools/gen: No such file or directory\n\
         /bin/sh: 1: cannot open lib/include/x/y.h: No such file\n",
        expect![[r#"
            Read a/data.txt
            Read odd name.txt
            Absent elsewhere.txt elsewhere.txt
            Read a/b.h
            Read w/local.txt
            Read tools/gen
            Read lib/include/x/y.h"#]],
    );
    check(
        &["sh"],
        "/bin/sh: 1: ./tools/gen: not found\n",
        expect!["Read tools/gen"],
    );
    check(
        &["sh"],
        "/bin/sh: 1: cannot create src/x: Read-only file system\n\
         bash: line 1: src/y: Read-only file system\n\
         bash: src/y: Read-only file system\n\
         cp: cannot create regular file 'src/z': Read-only file system\n\
         mkdir: cannot create directory ‘d’: Read-only file system\n\
         touch: cannot touch '/kiln/e/f': Read-only file system\n\
         rm: cannot remove 'src/a': Read-only file system\n\
         tar: t/u: Cannot open: Read-only file system\n\
         sed: couldn't open temporary file ./sedAbC: Read-only file system\n\
         touch: cannot touch '/usr/lib/x': Read-only file system\n\
         /bin/sh: 1: cannot create no/dir/x: Directory nonexistent\n",
        expect![[r#"
            Write src/x
            Write src/y
            Write src/z
            Write d
            Write e/f
            Write src/a
            Write t/u
            Write sedAbC
            Write /usr/lib/x
            Write no/dir/x"#]],
    );
}

#[test]
fn python() {
    check(
        &["python3", "x.py"],
        "Traceback (most recent call last):\n  File \"/kiln/x.py\", line 1, in <module>\n    \
         open('a/data.txt')\n\
         FileNotFoundError: [Errno 2] No such file or directory: 'a/data.txt'\n\
         OSError: [Errno 30] Read-only file system: 'gen/out.txt'\n\
         python3: can't open file '/kiln/tools/gen': [Errno 2] No such file or directory\n\
         ModuleNotFoundError: No module named 'py.mod'\n\
         ModuleNotFoundError: No module named 'py.pack'\n\
         ModuleNotFoundError: No module named 'numpy'\n",
        expect![[r#"
            Read a/data.txt
            Write gen/out.txt
            Read tools/gen
            Import py/mod.py
            Import py/pack/__init__.py"#]],
    );
}

#[test]
fn nothing_is_found_where_nothing_is() {
    check(&["x"], "", expect![[r#""#]]);
    check(
        &["x"],
        "error: expected ';' before '}' token\n",
        expect![[r#""#]],
    );
    check(
        &["x"],
        ": No such file or directory\n'''‘: Read-only file system",
        expect![[r#""#]],
    );
    check(&["x"], "'ä: Read-only file system: '’", expect!["Write ä"]);
    check(
        &["x"],
        "cat: ../../etc/passwd: No such file or directory\n",
        expect![[r#""#]],
    );
    let many: String = (0..100)
        .map(|i| format!("sh: f{i}: Read-only file system\n"))
        .collect();
    assert_eq!(find(&process(&["x"]), "", &many).len(), 20);
}

#[test]
fn absolute_paths() {
    check(
        &["sh"],
        "cat: /home/me/ws/a/data.txt: No such file or directory\n\
         cat: /home/me/ws/in.txt: No such file or directory\n\
         cat: /home/me/ws/none.txt: No such file or directory\n\
         cat: /opt/tool: No such file or directory\n\
         cat: /opt/none: No such file or directory\n",
        expect![[r#"
            Read a/data.txt
            Outside /home/me/ws/in.txt
            Absent none.txt none.txt
            Outside /opt/tool"#]],
    );
}

/// Landlock and plain folders refuse access where mounts make files absent or read-only.
#[test]
fn without_mounts() {
    check(
        &["sh"],
        "/bin/sh: 1: cannot create in/undeclared: Permission denied\n\
         touch: cannot touch 'x': Permission denied\n\
         bash: line 1: ./in.txt: Permission denied\n\
         cat: /home/me/ws/a/data.txt: Permission denied\n\
         cat: /opt/tool: Permission denied\n\
         cat: /opt/none: Permission denied\n",
        expect![[r#"
            Write in/undeclared
            Write x
            Read a/data.txt
            Outside /opt/tool"#]],
    );
}

/// A test runs in its runfiles, which stand for the workspace.
#[test]
fn runfiles() {
    check_in(
        "out/t.runfiles/_main",
        &["sh"],
        "cat: a/data.txt: No such file or directory\n\
         cat: in.txt: No such file or directory\n\
         cat: none.txt: No such file or directory\n\
         cat: /kiln/out/t.runfiles/_main/a/b.h: No such file or directory\n\
         cat: ../other/x.txt: No such file or directory\n",
        expect![[r#"
            Read a/data.txt
            Absent none.txt none.txt
            Read a/b.h"#]],
    );
}

#[test]
fn paths_are_relative_to_the_working_directory() {
    let mut process = process(&["sh"]);
    process.workdir = RelPath::new("w").unwrap();
    let stderr = "cat: local.txt: No such file or directory\n\
                  cat: ../a/b.h: No such file or directory\n\
                  sh: x/y: Read-only file system\n";
    let found = find(&process, "", stderr);
    let paths: Vec<&str> = found.iter().map(|u| u.path.as_str()).collect();
    assert_eq!(paths, ["w/local.txt", "a/b.h", "w/x/y"]);
}
