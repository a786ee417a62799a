//! The runfiles libraries of the prelude, for Bash and for Python, run on real trees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::{Expect, expect};
use kiln_bazel::prelude;
use tempfile::TempDir;

const BASH: (&str, &str) = ("bazel_tools", "tools/bash/runfiles/runfiles.bash");
const PYTHON: &[(&str, &str)] = &[
    ("rules_python", "python/runfiles/__init__.py"),
    ("rules_python", "python/runfiles/runfiles.py"),
    ("bazel_tools", "tools/python/runfiles/runfiles.py"),
];

/// `T` is the folder that all is in, both in what is run and in what comes out.
struct Case {
    folder: TempDir,
    env: Vec<(&'static str, &'static str)>,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Case {
        let case = Case {
            // A fixed ending: a random one could be the `T` that stands for the folder.
            folder: tempfile::Builder::new()
                .suffix("-case")
                .tempdir()
                .expect("a folder"),
            env: Vec::new(),
        };
        for (path, text) in files {
            case.write(path, text);
        }
        case
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Case {
        self.env.push((name, value));
        self
    }

    /// Puts a file of the prelude into the runfiles tree `r`.
    fn embed(self, (repository, path): (&str, &str)) -> Case {
        let file = prelude::file(repository, path).expect("it is embedded");
        self.write(&format!("r/{repository}/{path}"), file.text);
        self
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn real(&self, text: &str) -> String {
        text.replace("T/", &format!("{}/", self.root().display()))
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("written");
        fs::write(&path, self.real(text)).expect("written");
        path
    }

    /// Runs a script that lies at `path`; everything it prints, and how it ends if not well.
    fn run(&self, program: &str, path: &str, script: &str, expected: Expect) {
        let script = self.write(path, script);
        let output = Command::new(program)
            .arg(script)
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/local/bin")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(
                self.env
                    .iter()
                    .map(|(name, value)| (*name, self.real(value))),
            )
            .current_dir(self.root())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text += &String::from_utf8_lossy(&output.stderr);
        if let Some(code) = output.status.code().filter(|code| *code != 0) {
            text += &format!("exit code {code}\n");
        }
        let root = format!("{}/", self.root().display());
        expected.assert_eq(&text.replace(&root, "T/"));
    }

    fn bash(&self, path: &str, script: &str, expected: Expect) {
        let source = format!("source {}/r/{}/{}\n", self.root().display(), BASH.0, BASH.1);
        self.run("bash", path, &(source + script), expected);
    }

    fn python(&self, path: &str, script: &str, expected: Expect) {
        let header = format!(
            "import sys\nsys.path[:0] = ['{root}/r', '{root}/r/rules_python']\n",
            root = self.root().display()
        );
        self.run("python3", path, &(header + script), expected);
    }
}

fn bash(files: &[(&str, &str)]) -> Case {
    Case::new(files).embed(BASH)
}

fn python(files: &[(&str, &str)]) -> Case {
    let case = Case::new(files);
    PYTHON.iter().fold(case, |case, file| case.embed(*file))
}

#[test]
fn bash_looks_into_the_folder() {
    let case = bash(&[("r/_main/data.txt", "")]).env("RUNFILES_DIR", "T/r");
    case.bash(
        "script",
        "rlocation _main/data.txt; rlocation other/absent; rlocation /abs/olute",
        expect![[r#"
            T/r/_main/data.txt
            T/r/other/absent
            /abs/olute
        "#]],
    );
}

#[test]
fn bash_finds_the_folder_by_itself() {
    let script = "rlocation _main/d; echo $RUNFILES_DIR";
    bash(&[("s/_main/d", "")]).env("TEST_SRCDIR", "T/s").bash(
        "script",
        script,
        expect![[r#"
            T/s/_main/d
            T/s
        "#]],
    );
    bash(&[("script.runfiles/_main/d", "")]).bash(
        "script",
        script,
        expect![[r#"
        T/script.runfiles/_main/d
        T/script.runfiles
    "#]],
    );
    bash(&[("x.runfiles/_main/d", "")]).bash(
        "x.runfiles/_main/pkg/script",
        script,
        expect![[r#"
        T/x.runfiles/_main/d
        T/x.runfiles
    "#]],
    );
}

#[test]
fn bash_without_runfiles() {
    bash(&[]).bash(
        "script",
        "rlocation _main/d || echo status $?; runfiles_export_envvars || echo status $?",
        expect![[r#"
            status 1
            status 1
            rlocation: there are no runfiles (neither RUNFILES_DIR nor RUNFILES_MANIFEST_FILE is set)
        "#]],
    );
}

#[test]
fn bash_reads_a_manifest() {
    bash(&[(
        "manifest",
        "_main/a T/a.txt\n_main/dir T/folder\nx_main/a no\n",
    )])
    .env("RUNFILES_MANIFEST_FILE", "T/manifest")
    .bash(
        "script",
        "rlocation _main/a; rlocation _main/dir/b/c; rlocation main/a || echo none",
        expect![[r#"
                T/a.txt
                T/folder/b/c
                none
            "#]],
    );
}

#[test]
fn bash_refuses_paths_that_are_not_normalized() {
    bash(&[]).env("RUNFILES_DIR", "T/r").bash(
        "script",
        "for p in '' ../a a/.. a/../b ./a a/./b a//b; do rlocation \"$p\" && echo found; done 2>&1",
        expect![[r#"
            rlocation: `` is no normalized path
            rlocation: `../a` is no normalized path
            rlocation: `a/..` is no normalized path
            rlocation: `a/../b` is no normalized path
            rlocation: `./a` is no normalized path
            rlocation: `a/./b` is no normalized path
            rlocation: `a//b` is no normalized path
            exit code 1
        "#]],
    );
}

#[test]
fn bash_translates_names_of_repositories() {
    let mapping = ",me,_main\n,lib,lib_canonical\nlib_canonical,lib,other\n";
    let files = [
        ("r/_repo_mapping", mapping),
        ("r/lib_canonical/f", ""),
        ("r/other/f", ""),
    ];
    let script = "rlocation me/f; rlocation lib/f; rlocation lib; rlocation unknown/f\n\
                  rlocation lib/f lib_canonical; echo \"[$(runfiles_current_repository)]\"";
    bash(&files).env("RUNFILES_DIR", "T/r").bash(
        "script",
        script,
        expect![[r#"
        T/r/_main/f
        T/r/lib_canonical/f
        T/r/lib_canonical
        T/r/unknown/f
        T/r/other/f
        []
    "#]],
    );
    // A script of the other repository.
    bash(&files).bash(
        "x.runfiles/lib_canonical/script",
        "RUNFILES_DIR=T/r; rlocation lib/f",
        expect![[r#"
        T/r/other/f
    "#]],
    );
}

#[test]
fn bash_hands_the_runfiles_on() {
    bash(&[("r/_main/d", "")]).env("TEST_SRCDIR", "T/r").bash(
        "script",
        "runfiles_export_envvars; bash -c 'echo $RUNFILES_DIR $JAVA_RUNFILES; rlocation _main/d'",
        expect![[r#"
            T/r T/r
            T/r/_main/d
        "#]],
    );
}

#[test]
fn bash_of_rules_shell_is_the_same() {
    let path = ("rules_shell", "shell/runfiles/runfiles.bash");
    let case = bash(&[("r/_main/d", "")])
        .embed(path)
        .env("RUNFILES_DIR", "T/r");
    case.run(
        "bash",
        "script",
        "source T/r/rules_shell/shell/runfiles/runfiles.bash; rlocation _main/d",
        expect![[r#"
            T/r/_main/d
        "#]],
    );
}

const CREATE: &str = "from python.runfiles import Runfiles\nr = Runfiles.Create()\n";

#[test]
fn python_looks_into_the_folder() {
    let script = format!(
        "{CREATE}print(r.Rlocation('_main/d'), r.Rlocation('/abs'), r.Rlocation('_main'))\n\
         print(sorted(r.EnvVars().items()))"
    );
    python(&[]).env("RUNFILES_DIR", "T/r").python(
        "s.py",
        &script,
        expect![[r#"
        T/r/_main/d /abs T/r/_main
        [('JAVA_RUNFILES', 'T/r'), ('RUNFILES_DIR', 'T/r')]
    "#]],
    );
    python(&[]).env("TEST_SRCDIR", "T/s").python(
        "s.py",
        &script,
        expect![[r#"
        T/s/_main/d /abs T/s/_main
        [('JAVA_RUNFILES', 'T/s'), ('RUNFILES_DIR', 'T/s')]
    "#]],
    );
    python(&[]).python(
        "s.py",
        &format!("{CREATE}print(r)"),
        expect![[r#"
        None
    "#]],
    );
}

#[test]
fn python_reads_a_manifest() {
    let manifest = "_main/a T/a.txt\n_main/dir T/folder\n_main/empty \n \\sx\\b T/with\\sblank\n";
    python(&[("p.runfiles_manifest", manifest)])
        .env("RUNFILES_MANIFEST_FILE", "T/p.runfiles_manifest")
        .python(
            "s.py",
            &format!(
                "{CREATE}for p in ['_main/a', '_main/dir/b/c', 'absent', ' x\\\\']:\n  print(r.Rlocation(p))\n\
                 print(r.EnvVars()['RUNFILES_DIR'])"
            ),
            expect![[r#"
                T/a.txt
                T/folder/b/c
                None
                T/with blank
                T/p.runfiles
            "#]],
        );
}

#[test]
fn python_refuses_paths_that_are_not_normalized() {
    python(&[]).env("RUNFILES_DIR", "T/r").python(
        "s.py",
        &format!(
            "{CREATE}for p in ['', '../a', 'a/..', 'a/../b', './a', 'a//b', '\\\\a', 1]:\n\
             \x20 try:\n    print(r.Rlocation(p))\n  except (ValueError, TypeError) as e:\n    print(e)"
        ),
        expect![[r#"
            the path is empty
            path is not normalized: '../a'
            path is not normalized: 'a/..'
            path is not normalized: 'a/../b'
            path is not normalized: './a'
            path is not normalized: 'a//b'
            path is absolute without a drive letter: '\\a'
            the path must be a text
        "#]],
    );
}

#[test]
fn python_translates_names_of_repositories() {
    let mapping = ",me,_main\n,lib,lib_canonical\nlib_canonical,lib,other\next*,lib,third\n";
    let script = "print(r.Rlocation('me/f'), r.Rlocation('lib/f'), r.Rlocation('unknown/f'))\n\
                  print(r.Rlocation('lib/f', source_repo='lib_canonical'))\n\
                  print(r.Rlocation('lib/f', source_repo='ext_x'))\n\
                  print([r.CurrentRepository()])";
    let script = format!("{CREATE}{script}");
    let case = python(&[("r/_repo_mapping", mapping)]).env("RUNFILES_DIR", "T/r");
    case.python(
        "r/_main/s.py",
        &script,
        expect![[r#"
        T/r/_main/f T/r/lib_canonical/f T/r/unknown/f
        T/r/other/f
        T/r/third/f
        ['']
    "#]],
    );
    // A program of the other repository.
    case.python(
        "r/lib_canonical/s.py",
        &script,
        expect![[r#"
        T/r/me/f T/r/other/f T/r/unknown/f
        T/r/other/f
        T/r/third/f
        ['lib_canonical']
    "#]],
    );
}

#[test]
fn python_under_its_older_names() {
    let case = python(&[
        ("r/rules_python/__init__.py", ""),
        ("r/rules_python/python/__init__.py", ""),
    ]);
    case.env("RUNFILES_DIR", "T/r").python(
        "s.py",
        "from rules_python.python.runfiles import runfiles as one\n\
         from bazel_tools.tools.python.runfiles import runfiles as two\n\
         print(one.Create().Rlocation('a/b'), two.Create().Rlocation('a/b'))\n\
         print(one.CreateDirectoryBased('/x').Rlocation('a/b'))",
        expect![[r#"
            T/r/a/b T/r/a/b
            /x/a/b
        "#]],
    );
}
