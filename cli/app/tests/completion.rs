//! `kiln completion` (OPT-064).

use std::process::Command;

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// What bash offers for the last of these words.
fn check(words: &[&str], expected: Expect) {
    let script = Workspace::new(KILN).kiln("completion bash").stdout;
    let list = words.join(" ");
    let last = words.last().copied().unwrap_or_default();
    let before = words[words.len().saturating_sub(2)];
    let asked = format!(
        "{script}\nCOMP_WORDS=({list})\nCOMP_CWORD={}\n_kiln kiln '{last}' '{before}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.len() - 1
    );
    let output = Command::new("bash").arg("-c").arg(asked).output();
    let output = output.expect("bash");
    assert!(output.status.success(), "{output:?}");
    expected.assert_eq(&String::from_utf8_lossy(&output.stdout));
}

#[test]
fn bash_completes() {
    check(
        &["kiln", "que"],
        expect![[r#"
        query
    "#]],
    );
    check(
        &["kiln", "build", "--remote_do"],
        expect![[r#"
            --remote_down
            --remote_download_outputs
            --remote_download_all
            --remote_download_toplevel
            --remote_download_minimal
            --remote_download_regex
        "#]],
    );
    check(
        &["kiln", "build", "--remote_down", "f"],
        expect![[r#"
            fallback
            fail
        "#]],
    );
    check(
        &["kiln", "config", "--or"],
        expect![[r#"
        --origin
    "#]],
    );
}

#[test]
fn other_shells_have_scripts() {
    for (shell, part) in [("zsh", "#compdef kiln"), ("fish", "complete -c kiln")] {
        let output = Workspace::new(KILN).kiln(&format!("completion {shell}"));
        assert_eq!(output.code, Some(0), "{shell}");
        assert!(output.stdout.contains(part), "{shell}");
        assert!(output.stdout.contains("remote_cache"), "{shell}");
    }
}

#[test]
fn mistakes() {
    let workspace = Workspace::new(KILN);
    expect![[r#"
        exit: 2
        --- stderr
        error: `kiln completion` needs the name of one shell
        hint: write `kiln completion bash`, `kiln completion zsh` or `kiln completion fish`
    "#]]
    .assert_eq(&workspace.kiln("completion").show());
    expect![[r#"
        exit: 2
        --- stderr
        error: kiln knows no completion of `zhs`
        hint: did you mean `zsh`?
        hint: write `kiln completion bash`, `kiln completion zsh` or `kiln completion fish`
    "#]]
    .assert_eq(&workspace.kiln("completion zhs").show());
}
