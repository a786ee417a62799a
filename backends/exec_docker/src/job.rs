//! What the shell of a container is given to run.

use kiln_diag::Diag;
use kiln_process::Process;

use crate::container::Sharing;

/// Where actions have their exec root, in every container (PX-013), as in every sandbox.
pub(crate) const EXEC_ROOT: &str = "/kiln";

/// The exec root of a process. A container's own folder cannot be given to the action, so that one
/// that may write there (a test) has a folder in it.
pub(crate) fn exec_root(sharing: Sharing, writable: bool) -> &'static str {
    match (sharing, writable) {
        (Sharing::Archives, true) => "/kiln/test",
        _ => EXEC_ROOT,
    }
}

/// The script of a process: into its working directory, then the program with exactly its
/// variables (ENV-097); `{chroot}` in them is the exec root (PX-013, ENV-098).
///
/// Errors: there is no program, or a text that no program can be given.
pub(crate) fn script(process: &Process, root: &str) -> Result<String, Diag> {
    let Some(program) = process.argv.first().filter(|program| !program.is_empty()) else {
        return Err(Diag::build(
            "the command is empty: there is no program to run",
        ));
    };
    if program.contains('=') {
        return Err(Diag::build(format!(
            "cannot run `{program}` in a container: its name has a `=`"
        ))
        .hint("give the program another name"));
    }
    let pairs = process.env.iter();
    let pairs = pairs.map(|(name, value)| format!("{name}={value}"));
    let words: Vec<String> = pairs.chain(process.argv.iter().cloned()).collect();
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Diag::build(format!(
            "cannot run `{program}`: an argument or variable contains a NUL byte"
        )));
    }
    let workdir = process.workdir.as_str();
    let mut script = format!("cd {} || exit 126\n", quote(&format!("{root}/{workdir}")));
    script.push_str("exec env -i");
    for word in words {
        script.push(' ');
        script.push_str(&quote(&word.replace("{chroot}", root)));
    }
    script.push('\n');
    Ok(script)
}

/// One word of a shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use kiln_base::RelPath;
    use kiln_process::CacheScope;
    use kiln_tree::Tree;

    use super::*;

    fn check(argv: &[&str], env: &[(&str, &str)], workdir: &str, expected: Expect) {
        let process = Process {
            argv: argv.iter().map(|text| (*text).to_owned()).collect(),
            env: env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            workdir: RelPath::new(workdir).expect("a path"),
            inputs: Tree::empty(),
            outputs: Vec::new(),
            timeout: None,
            network: false,
            platform: Default::default(),
            environment: Arc::from(&b""[..]),
            cache: CacheScope::Successful,
        };
        let text = script(&process, EXEC_ROOT).unwrap_or_else(|error| error.to_string());
        expected.assert_eq(&text);
    }

    #[test]
    fn scripts() {
        check(
            &["cc", "-c", "a b.c"],
            &[],
            "",
            expect![[r#"
                cd '/kiln/' || exit 126
                exec env -i 'cc' '-c' 'a b.c'
            "#]],
        );
        // ENV-097, ENV-098
        check(
            &["./it's", "{chroot}/x", "$HOME\n`ls`"],
            &[("PATH", "/bin"), ("T", "{chroot}")],
            "w/d",
            expect![[r#"
                cd '/kiln/w/d' || exit 126
                exec env -i 'PATH=/bin' 'T=/kiln' './it'\''s' '/kiln/x' '$HOME
                `ls`'
            "#]],
        );
    }

    #[test]
    fn no_scripts() {
        check(
            &[],
            &[],
            "",
            expect!["error: the command is empty: there is no program to run"],
        );
        check(
            &["a=b"],
            &[],
            "",
            expect![[r#"
                error: cannot run `a=b` in a container: its name has a `=`
                hint: give the program another name"#]],
        );
        check(
            &["a", "b\0"],
            &[],
            "",
            expect!["error: cannot run `a`: an argument or variable contains a NUL byte"],
        );
    }
}
