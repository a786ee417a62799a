//! The launcher of Python programs, run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::{Expect, expect};
use kiln_targets::ActionKind;
use tempfile::TempDir;

use crate::world::world;

/// Prints what a program sees of how it was started; the test's folder is `T`.
const MAIN: &str = r#"
import os, sys
print("main", os.path.relpath(sys.argv[0], os.environ["T"]), sys.argv[1:])
print("path", [os.path.relpath(p, os.environ["T"]) for p in os.environ["PYTHONPATH"].split(":")])
print("runfiles", os.path.relpath(os.environ["RUNFILES_DIR"], os.environ["T"]))
import lib
print(lib.__name__, __name__)
"#;

struct Case(TempDir);

impl Case {
    /// The program `//p/q:x` as it is built: in `bin/`, its runfiles beside it.
    fn new() -> Case {
        let case = Case(tempfile::tempdir().expect("a folder"));
        let files = "=== p/q/BUILD\n\
            py_binary(name = 'x', srcs = ['x.py'], deps = ['//p:lib'])\n\
            === p/BUILD\n\
            py_library(name = 'lib', srcs = ['inner/lib.py'], imports = ['inner'], \
            visibility = ['//visibility:public'])\n\
            === p/q/x.py p/inner/lib.py";
        let target = world(files).analyze("//p/q:x").expect("it is fine");
        let text = target.actions.iter().find_map(|action| match &action.kind {
            ActionKind::Write {
                content,
                executable: true,
            } => Some(content.clone()),
            _ => None,
        });
        let launcher = text.expect("a launcher");
        for place in ["bin/p/q/x", "bin/p/q/x.runfiles/_main/p/q/x"] {
            let path = case.write(place, &launcher);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permitted");
        }
        case.write("bin/p/q/x.runfiles/_main/p/q/x.py", MAIN);
        case.write("bin/p/q/x.runfiles/_main/p/inner/lib.py", "");
        case.write("bin/p/q/x.runfiles/dep/d.py", "");
        case
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("written");
        fs::write(&path, text).expect("written");
        path
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("T", self.0.path())
            .current_dir(self.0.path());
        command
    }

    fn check(&self, command: &mut Command, expected: Expect) {
        let output = command.output().expect("it can be started");
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        expected.assert_eq(&text.replace(&*self.0.path().to_string_lossy(), "T"));
    }
}

#[test]
fn from_where_it_is_built() {
    let case = Case::new();
    case.check(
        case.command(case.path("bin/p/q/x")).args(["a b", "$c", ""]),
        expect![[r#"
            main bin/p/q/x.runfiles/_main/p/q/x.py ['a b', '$c', '']
            path ['bin/p/q/x.runfiles', 'bin/p/q/x.runfiles/_main/p/inner', 'bin/p/q/x.runfiles/_main', 'bin/p/q/x.runfiles/dep']
            runfiles bin/p/q/x.runfiles
            lib __main__
        "#]],
    );
    // By a path relative to where it is started.
    case.check(&mut case.command("bin/p/q/x"), expect![[r#"
        main bin/p/q/x.runfiles/_main/p/q/x.py []
        path ['bin/p/q/x.runfiles', 'bin/p/q/x.runfiles/_main/p/inner', 'bin/p/q/x.runfiles/_main', 'bin/p/q/x.runfiles/dep']
        runfiles bin/p/q/x.runfiles
        lib __main__
    "#]]);
}

#[test]
fn from_its_runfiles() {
    let case = Case::new();
    let program = case.path("bin/p/q/x.runfiles/_main/p/q/x");
    case.check(&mut case.command(&program), expect![[r#"
        main bin/p/q/x.runfiles/_main/p/q/x.py []
        path ['bin/p/q/x.runfiles', 'bin/p/q/x.runfiles/_main/p/inner', 'bin/p/q/x.runfiles/_main', 'bin/p/q/x.runfiles/dep']
        runfiles bin/p/q/x.runfiles
        lib __main__
    "#]]);
    let own = case.path("bin/p/q/x.runfiles");
    // A program that starts another one hands its own runfiles on.
    case.write(
        "other.runfiles/_main/p/q/x.py",
        "import os; print(os.environ['RUNFILES_DIR'])",
    );
    case.check(
        case.command(&program)
            .env("RUNFILES_DIR", case.path("other.runfiles")),
        expect![[r#"
            T/other.runfiles
        "#]],
    );
    // Where they are not the program's, its own are found.
    fs::remove_file(case.path("other.runfiles/_main/p/q/x.py")).expect("removed");
    case.check(
        case.command(&program)
            .env("RUNFILES_DIR", case.path("other.runfiles"))
            .env("PYTHONPATH", &own),
        expect![[r#"
            main bin/p/q/x.runfiles/_main/p/q/x.py []
            path ['bin/p/q/x.runfiles', 'bin/p/q/x.runfiles/_main/p/inner', 'bin/p/q/x.runfiles/_main', 'bin/p/q/x.runfiles/dep', 'bin/p/q/x.runfiles']
            runfiles bin/p/q/x.runfiles
            lib __main__
        "#]],
    );
}

#[test]
fn by_links_and_by_an_interpreter() {
    let case = Case::new();
    fs::create_dir(case.path("links")).expect("made");
    symlink("../bin/p/q/x", case.path("links/one")).expect("linked");
    symlink(case.path("links/one"), case.path("links/two")).expect("linked");
    case.check(&mut case.command(case.path("links/two")), expect![[r#"
        main bin/p/q/x.runfiles/_main/p/q/x.py []
        path ['bin/p/q/x.runfiles', 'bin/p/q/x.runfiles/_main/p/inner', 'bin/p/q/x.runfiles/_main', 'bin/p/q/x.runfiles/dep']
        runfiles bin/p/q/x.runfiles
        lib __main__
    "#]]);
    case.check(
        case.command("/usr/bin/python3").arg("bin/p/q/x").arg("a b"),
        expect![[r#"
            main bin/p/q/x.runfiles/_main/p/q/x.py ['a b']
            path ['bin/p/q/x.runfiles', 'bin/p/q/x.runfiles/_main/p/inner', 'bin/p/q/x.runfiles/_main', 'bin/p/q/x.runfiles/dep']
            runfiles bin/p/q/x.runfiles
            lib __main__
        "#]],
    );
    case.check(
        case.command("x").env(
            "PATH",
            format!("{}:/usr/bin:/bin", case.path("bin/p/q").display()),
        ),
        expect![[r#"
            main bin/p/q/x.runfiles/_main/p/q/x.py []
            path ['bin/p/q/x.runfiles', 'bin/p/q/x.runfiles/_main/p/inner', 'bin/p/q/x.runfiles/_main', 'bin/p/q/x.runfiles/dep']
            runfiles bin/p/q/x.runfiles
            lib __main__
        "#]],
    );
}

#[test]
fn without_runfiles() {
    let case = Case::new();
    fs::rename(case.path("bin/p/q/x"), case.path("alone")).expect("moved");
    case.check(&mut case.command(case.path("alone")), expect![[r#"
        T/alone: cannot find the runfiles of this program (no _main/p/q/x.py in $RUNFILES_DIR, nor beside T/alone)
    "#]]);
}
