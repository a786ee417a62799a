//! `kiln serve` with Bazel as its client: Debian's `bazel-bootstrap` (4.2.3), which speaks version 2.0
//! of the Remote Execution API. Where it is not installed this says so in one line and ends, unless
//! `KILN_TEST_SERVERS=required` is set.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::{Expect, expect};
use kiln_testkit::Serve;
use tempfile::TempDir;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: [(&str, &str); 6] = [
    ("WORKSPACE", ""),
    (
        "BUILD",
        r#"
genrule(name = "small", outs = ["small.txt"], cmd = "echo made > $@; echo said")
genrule(name = "large", outs = ["large.bin"], cmd = "seq 1 1500000 > $@")
genrule(name = "fails", outs = ["never"], cmd = "echo because >&2; exit 3", tags = ["manual"])
genrule(
    name = "boxed",
    outs = ["boxed.txt"],
    cmd = "echo > $@",
    exec_properties = {"container-image": "docker://debian"},
    tags = ["manual"],
)
cc_library(name = "lib", srcs = ["lib.cc"], hdrs = ["lib.h"])
cc_binary(name = "main", srcs = ["main.cc"], deps = [":lib"])
cc_test(name = "cc", srcs = ["main.cc"], deps = [":lib"])
sh_test(name = "sh", srcs = ["sh.sh"], data = [":small", ":large", ":main"])
"#,
    ),
    ("lib.h", "int answer();\n"),
    (
        "lib.cc",
        "#include \"lib.h\"\nint answer() { return 42; }\n",
    ),
    (
        "main.cc",
        "#include \"lib.h\"\n#include <vector>\nint main() { std::vector<int> v{answer()}; return v[0] - 42; }\n",
    ),
    (
        "sh.sh",
        "#!/bin/bash\ngrep made small.txt && tail -1 large.bin && ./main\n",
    ),
];

/// Bazel with a state of its own; its server ends with the value.
struct Bazel {
    program: PathBuf,
    folder: TempDir,
    rc: PathBuf,
}

impl Bazel {
    #[allow(clippy::print_stderr, reason = "a test that cannot run must say so")]
    fn new() -> Option<Bazel> {
        let candidates = ["/usr/bin/bazel-4", "/usr/bin/bazel"];
        let found = candidates.into_iter().find(|path| Path::new(path).exists());
        let Some(program) = found else {
            let required = std::env::var_os("KILN_TEST_SERVERS").is_some();
            assert!(!required, "no bazel");
            eprintln!("not tested, for want of bazel: Debian has it in `bazel-bootstrap`");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let rc = kiln_bench::bazel_rc(&folder.path().join("state")).unwrap();
        let root = folder.path().join("repo");
        std::fs::create_dir(&root).unwrap();
        for (name, text) in FILES {
            std::fs::write(root.join(name), text).unwrap();
        }
        let script = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(root.join("sh.sh"), script).unwrap();
        let program = PathBuf::from(program);
        Some(Bazel {
            program,
            folder,
            rc,
        })
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--nohome_rc", "--noworkspace_rc"])
            .arg(format!("--bazelrc={}", self.rc.display()))
            .args(words.split(' '))
            .current_dir(self.folder.path().join("repo"))
            .env("HOME", self.folder.path());
        command
    }

    /// The exit code, and the lines of standard error that have one of these words.
    fn run(&self, words: &str, wanted: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.retain(|line| wanted.iter().any(|word| line.contains(word)));
        assert!(!lines.is_empty(), "{text}");
        let folder = self.folder.path().display().to_string();
        let lines = lines.join("\n").replace(&folder, "[FOLDER]");
        format!("exit {:?}\n{lines}", output.status.code())
    }
}

impl Drop for Bazel {
    fn drop(&mut self) {
        // One that cannot be ended ends by itself, after a while.
        let _ = self.command("shutdown").output();
    }
}

fn check(bazel: &Bazel, words: &str, wanted: &[&str], expected: Expect) {
    expected.assert_eq(&bazel.run(words, wanted));
}

/// C++, genrules and tests run by `kiln serve`; a second checkout runs nothing.
#[test]
fn bazel_builds_and_tests() {
    let (Some(first), Some(second)) = (Bazel::new(), Bazel::new()) else {
        return;
    };
    let server = Serve::start(KILN, &[]);
    let remote = format!(
        "--remote_executor={} --spawn_strategy=remote",
        server.address()
    );
    let test = format!("test //... {remote}");
    check(
        &first,
        &test,
        &["processes"],
        expect![[r#"
        exit Some(0)
        INFO: 24 processes: 11 internal, 13 remote."#]],
    );
    check(
        &second,
        &test,
        &["processes"],
        expect![[r#"
        exit Some(0)
        INFO: 24 processes: 13 remote cache hit, 11 internal."#]],
    );
    let failing = format!("build //:fails {remote}");
    check(
        &first,
        &failing,
        &["because", "(Exit"],
        expect![[r#"
            exit Some(1)
            ERROR: [FOLDER]/repo/BUILD:4:8: Executing genrule //:fails failed: (Exit 3): bash failed: error executing command /bin/bash -c 'source external/bazel_tools/tools/genrule/genrule-setup.sh; echo because >&2; exit 3'
            because"#]],
    );
    let boxed = format!("build //:boxed {remote}");
    check(
        &first,
        &boxed,
        &["container-image"],
        expect![[r#"
        exit Some(34)
        Failed Precondition: this server cannot give `container-image=docker://debian`: actions run in sandboxes of this machine, and there are no containers"#]],
    );
    // As a cache alone.
    let cache = format!("test //... --remote_cache={}", server.address());
    first.run("clean", &[""]);
    check(
        &first,
        &cache,
        &["processes"],
        expect![[r#"
        exit Some(0)
        INFO: 24 processes: 13 remote cache hit, 11 internal."#]],
    );
    assert_eq!(server.log(), "");
}
