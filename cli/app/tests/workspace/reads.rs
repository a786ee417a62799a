//! What an action that declares its sources really reads (ENV-134): a promise that is looked at.

use expect_test::{Expect, expect};

use crate::workspace;

/// What kiln says of a command with these sources, in a workspace with a few files; the second run
/// tells whether the result lasted.
fn check(command: &str, sources: &str, expected: Expect) {
    let workspace = workspace(&format!(
        r#"
//- pkg/BUILD
genrule(name = "made", outs = ["made.txt"], cmd = "echo made > $@")
shell_command(
    name = "a",
    command = """echo >> ../runs; {command}""",
    environment = "here",
    execution_dependencies = [":made", "input.txt"],
    stdout = "a.out",
    workspace_invalidation_sources = [{sources}],
)
//- pkg/input.txt
//- pkg/one.txt
//- pkg/sub/two.txt
//- pkg/sub/run.sh
#!/bin/sh
cat two.txt
//- three.txt
"#
    ));
    let first = workspace.kiln("build //pkg:a");
    assert_eq!(first.code, Some(0), "{}", first.show());
    let second = workspace.kiln("build //pkg:a");
    assert_eq!(second.code, Some(0), "{}", second.show());
    let runs = workspace.read("runs").unwrap();
    let ran = match runs.lines().count() {
        1 => "the result lasts",
        2 => "it runs again",
        _ => panic!("{runs}"),
    };
    let mut said: Vec<&str> = first
        .stderr
        .lines()
        .filter(|line| {
            !line.starts_with("built ") && !line.contains("/bin/") && *line != "//pkg:a:"
        })
        .collect();
    said.push(ran);
    expected.assert_eq(&said.join("\n"));
}

#[test]
fn what_is_declared_may_be_read() {
    let expected = || {
        expect![
            "
the result lasts"
        ]
    };
    check(
        "cat one.txt sub/two.txt",
        r#""*.txt", "sub/**""#,
        expected(),
    );
    check("cat ../three.txt", r#""//three.txt""#, expected());
    // Inputs are part of the key anyway.
    check("cat input.txt", r#""one.txt""#, expected());
    check("cat {chroot}/pkg/made.txt", r#""one.txt""#, expected());
    // The system is the machine's.
    check("cat /etc/hostname", r#""one.txt""#, expected());
    // What does not matter.
    check("cat sub/two.txt", r#""one.txt", "!sub/**""#, expected());
    check(
        "cat ../three.txt",
        r#""one.txt", "!//three.txt""#,
        expected(),
    );
    // Folders and what is not there.
    check(
        "ls sub; cat none.txt 2>/dev/null; true",
        r#""one.txt""#,
        expected(),
    );
}

#[test]
fn what_it_made_itself_may_be_read() {
    let expected = || {
        expect![
            "
the result lasts"
        ]
    };
    check("echo x > new.txt; cat new.txt", r#""one.txt""#, expected());
    check(
        "echo x > one.txt; cat one.txt",
        r#""input.txt""#,
        expected(),
    );
    check(
        "echo x > t; mv t new.txt; cat new.txt",
        r#""one.txt""#,
        expected(),
    );
    check(
        "mkdir -p d; echo x > d/y; ln -sf d link; cat link/y",
        r#""one.txt""#,
        expected(),
    );
}

#[test]
fn what_is_not_declared_makes_the_result_short_lived() {
    check(
        "cat one.txt",
        r#""sub/two.txt""#,
        expect![[r#"
        warning: `//pkg:a` reads `pkg/one.txt`, which its `workspace_invalidation_sources` does not have: the result holds for this command only
          --> pkg/BUILD:2:1
        hint: add what decides the result to `workspace_invalidation_sources`, and what does not with `!` before it
        it runs again"#]],
    );
    // However it is named, by whatever process.
    check(
        "cat $PWD/one.txt; cd sub && ./run.sh; (cat ../../three.txt)",
        r#""input.txt""#,
        expect![[r#"
            warning: `//pkg:a` reads `pkg/one.txt`, `pkg/sub/run.sh`, `pkg/sub/two.txt` and `three.txt`, which its `workspace_invalidation_sources` does not have: the result holds for this command only
              --> pkg/BUILD:2:1
            hint: add what decides the result to `workspace_invalidation_sources`, and what does not with `!` before it
            it runs again"#]],
    );
    check(
        "python3 -c \\\"import os; d = os.open('sub', os.O_RDONLY); os.open('two.txt', os.O_RDONLY, dir_fd = d)\\\"",
        r#""input.txt""#,
        expect![[r#"
            warning: `//pkg:a` reads `pkg/sub/two.txt`, which its `workspace_invalidation_sources` does not have: the result holds for this command only
              --> pkg/BUILD:2:1
            hint: add what decides the result to `workspace_invalidation_sources`, and what does not with `!` before it
            it runs again"#]],
    );
    check(
        "ln -s $PWD/one.txt link; cat link",
        r#""input.txt""#,
        expect![[r#"
        warning: `//pkg:a` reads `pkg/one.txt`, which its `workspace_invalidation_sources` does not have: the result holds for this command only
          --> pkg/BUILD:2:1
        hint: add what decides the result to `workspace_invalidation_sources`, and what does not with `!` before it
        it runs again"#]],
    );
    check(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do mkdir -p many; [ -e many/$i ] || touch many/$i; done; cat one.txt",
        r#""input.txt", "!many/**""#,
        expect![[r#"
            warning: `//pkg:a` reads `pkg/one.txt`, which its `workspace_invalidation_sources` does not have: the result holds for this command only
              --> pkg/BUILD:2:1
            hint: add what decides the result to `workspace_invalidation_sources`, and what does not with `!` before it
            it runs again"#]],
    );
}
