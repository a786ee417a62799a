//! A world with the prelude in it, on a machine with gcc and Python.

use std::sync::Arc;

use expect_test::Expect;
use kiln_targets::AnalyzedTarget;

use crate::harness::{self, World};

/// The files of a test, the prelude, and a machine. A section is headed by one path, or by
/// several with blanks between, which all get its text; `@repo/path` is in another repository.
pub fn world(files: &str) -> World {
    let mut world = World::with_prelude("");
    for section in files.split("=== ").skip(1) {
        let (paths, text) = section.split_once('\n').unwrap_or((section, ""));
        for path in paths.split_whitespace() {
            match path.strip_prefix('@').and_then(|path| path.split_once('/')) {
                Some((repository, path)) => world.add(repository, path, text),
                None => world.add("", path, text),
            }
        }
    }
    world
}

/// What every compilation gets, shortened where a test is about something else.
const DEFAULTS: [(&str, &str); 4] = [
    (
        "-U_FORTIFY_SOURCE -fstack-protector -Wall -Wunused-but-set-parameter \
         -Wno-free-nonheap-object -fno-omit-frame-pointer -fPIC",
        "(first)",
    ),
    (
        "-no-canonical-prefixes -fno-canonical-system-headers -Wno-builtin-macro-redefined \
         -D__DATE__=\"redacted\" -D__TIMESTAMP__=\"redacted\" -D__TIME__=\"redacted\"",
        "(last)",
    ),
    (
        "-Wl,-no-as-needed -Wl,-z,relro,-z,now -pass-exit-codes -Wl,-S",
        "(link)",
    ),
    ("kiln-out/fastbuild/bin", "bin"),
];

pub fn shorten(text: &str) -> String {
    let shorten = |text: String, (long, short): &(&str, &str)| text.replace(long, short);
    DEFAULTS.iter().fold(text.to_owned(), shorten)
}

/// Providers that say again what actions and files say; tests of them look at them alone.
const IMPLIED: [&str; 6] = [
    "provider: CcInfo(",
    "provider: CcSharedLibraryInfo(",
    "provider: OutputGroupInfo(",
    "provider: PyExecutableInfo(",
    "provider: PyInfo(",
    "provider: RunEnvironmentInfo(",
];

fn outcome(target: Result<Arc<AnalyzedTarget>, kiln_diag::Diag>) -> String {
    let text = match target {
        Ok(target) => harness::describe(&target),
        Err(diag) => diag.render() + "\n",
    };
    let implied = |line: &&str| IMPLIED.iter().any(|provider| line.starts_with(provider));
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !implied(line)).collect()
}

/// Analyzes `//:x` of a BUILD file beside these source files.
pub fn check(sources: &str, build: &str, expect: Expect) {
    check_files(
        &format!("=== {sources}\n=== BUILD\n{build}"),
        "//:x",
        expect,
    );
}

/// Analyzes a target of several files.
pub fn check_files(files: &str, label: &str, expect: Expect) {
    check_in(&mut world(files), label, expect);
}

/// Analyzes a target of a world.
pub fn check_in(world: &mut World, label: &str, expect: Expect) {
    expect.assert_eq(&shorten(&outcome(world.analyze(label))));
}
