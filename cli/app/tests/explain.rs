//! `--explain`: why each process ran.

use expect_test::expect;
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- BUILD.bazel
genrule(
    name = "made",
    srcs = glob(["in/**"]),
    outs = ["made.txt"],
    cmd = "cat $(SRCS) > $@",
)

genrule(
    name = "next",
    srcs = [":made"],
    outs = ["next.txt"],
    cmd = "cp $< $@",
)

sh_test(
    name = "t",
    srcs = ["t.sh"],
    data = [":next"],
)
//- in/a.txt
a
//- in/deep/b.txt
b
//- t.sh
#!/bin/bash
"#;

/// Runs the tests, and gives what the file says, sorted: processes run side by side.
#[track_caller]
fn explained(workspace: &Workspace, flags: &str) -> String {
    let command = format!("test //... --explain=why.txt {flags}");
    let output = workspace.kiln(&command);
    assert!(matches!(output.code, Some(0 | 3)), "{}", output.show());
    let text = workspace.read("why.txt").expect("an explanation");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn reasons() {
    let workspace = Workspace::with(KILN, FILES);
    let mut said = String::new();
    let mut step = |what: &str, workspace: &Workspace, flags: &str| {
        said += &format!("# {what}\n{}", explained(workspace, flags));
    };
    step("the first time", &workspace, "");
    step("again", &workspace, "");

    workspace.write("in/deep/b.txt", "B\n");
    step("a changed source", &workspace, "");

    workspace.write("in/c.txt", "c\n");
    workspace.remove("in/a.txt");
    step("a new source, and one that is gone", &workspace, "");

    let build = workspace.read("BUILD.bazel").expect("a file");
    workspace.write(
        "BUILD.bazel",
        &build.replace("cat $(SRCS)", "cat -- $(SRCS)"),
    );
    step("another command with the same result", &workspace, "");

    step("a variable", &workspace, "--action_env=X=1 --test_env=Y=1");
    step(
        "another value",
        &workspace,
        "--action_env=X=2 --test_env=Y=1",
    );
    step("without again, from the cache", &workspace, "");
    step(
        "a test that is forced",
        &workspace,
        "--nocache_test_results",
    );
    step("another timeout", &workspace, "--test_timeout=7");
    step("several runs", &workspace, "--runs_per_test=2");

    workspace.write("t.sh", "#!/bin/bash\nexit 1\n");
    step("a test that fails", &workspace, "");
    step("and again", &workspace, "");
    expect![[r#"
        # the first time
        //:made: Genrule, Executing genrule //:made: nothing is on record of it
        //:next: Genrule, Executing genrule //:next: nothing is on record of it
        //:t: TestRunner, Testing //:t: nothing is on record of it
        # again
        # a changed source
        //:made: Genrule, Executing genrule //:made: input `in/deep/b.txt` changed
        //:next: Genrule, Executing genrule //:next: input `kiln-out/fastbuild/bin/made.txt` changed
        //:t: TestRunner, Testing //:t: input `kiln-out/fastbuild/bin/t.runfiles/_main/next.txt` changed
        # a new source, and one that is gone
        //:made: Genrule, Executing genrule //:made: input `in/c.txt` is new, input `in/a.txt` is gone, its command line changed
        //:next: Genrule, Executing genrule //:next: input `kiln-out/fastbuild/bin/made.txt` changed
        //:t: TestRunner, Testing //:t: input `kiln-out/fastbuild/bin/t.runfiles/_main/next.txt` changed
        # another command with the same result
        //:made: Genrule, Executing genrule //:made: its command line changed
        # a variable
        //:made: Genrule, Executing genrule //:made: variable `X` is new
        //:next: Genrule, Executing genrule //:next: variable `X` is new
        //:t: TestRunner, Testing //:t: variable `Y` is new
        # another value
        //:made: Genrule, Executing genrule //:made: variable `X` changed
        //:next: Genrule, Executing genrule //:next: variable `X` changed
        # without again, from the cache
        # a test that is forced
        //:t: TestRunner, Testing //:t: it was to run in any case
        # another timeout
        //:t: TestRunner, Testing //:t: variable `TEST_TIMEOUT` changed, its timeout changed
        # several runs
        //:t: TestRunner, Testing //:t: nothing is on record of it
        //:t: TestRunner, Testing //:t: nothing is on record of it
        # a test that fails
        //:t: TestRunner, Testing //:t: input `kiln-out/fastbuild/bin/t` changed, input `kiln-out/fastbuild/bin/t.runfiles/_main/t` changed, input `kiln-out/fastbuild/bin/t.runfiles/_main/t.sh` changed, variable `TEST_TIMEOUT` changed, its timeout changed
        # and again
        //:t: TestRunner, Testing //:t: it failed
    "#]].assert_eq(&said);
}

/// What is not in the store any more has to run again.
#[test]
fn results_that_are_lost() {
    let workspace = Workspace::with(KILN, FILES);
    explained(&workspace, "");
    let store = workspace.cache().join("store");
    std::fs::remove_dir_all(store).expect("a store");
    expect![[r#"
        //:made: Genrule, Executing genrule //:made: its result is not in the store any more
        //:next: Genrule, Executing genrule //:next: its result is not in the store any more
        //:t: TestRunner, Testing //:t: its result is not in the store any more
    "#]]
    .assert_eq(&explained(&workspace, ""));
}

/// Many differences are not all named.
#[test]
fn many_reasons() {
    let mut workspace = Workspace::with(KILN, FILES);
    explained(&workspace, "");
    for number in 0..20 {
        workspace = workspace.file(&format!("in/{number:02}.txt"), "");
    }
    expect![[r#"
        //:made: Genrule, Executing genrule //:made: input `in/00.txt` is new, input `in/01.txt` is new, input `in/02.txt` is new, input `in/03.txt` is new, input `in/04.txt` is new, 16 more
    "#]].assert_eq(&explained(&workspace, ""));
}

#[test]
fn a_file_that_cannot_be_written() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("build //:made --explain=nowhere/why.txt");
    assert_eq!(output.code, Some(2), "{}", output.show());
    expect![[r#"
        error: cannot write `[ROOT]/nowhere/why.txt`: No such file or directory (os error 2)
           = it is what `--explain` names
    "#]]
    .assert_eq(&output.stderr);
}

/// Records that cannot be read are none.
#[test]
fn damaged_records() {
    let workspace = Workspace::with(KILN, FILES);
    explained(&workspace, "");
    workspace.write("kiln-out/.kiln-explain", "\u{1}damaged");
    workspace.write("in/a.txt", "A\n");
    let said = explained(&workspace, "");
    assert!(said.contains("nothing is on record"), "{said}");
}
