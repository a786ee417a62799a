//! The script that repeats an action.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use kiln_process::Process;

use crate::config;

/// Builds a root like the sandbox's from `unshare`, `mount` and `pivot_root`. It runs as root of a
/// new user namespace, then becomes user 1000 in another.
const SANDBOX: &str = r#"
hostname localhost 2>/dev/null || :
ip link set lo up 2>/dev/null || :
mount -t tmpfs -o mode=0755 kiln "$root"
cd "$root"
mkdir kiln tmp proc dev etc .old
for path in $roots; do
    if [ -L "$path" ] && [ "${path%/*}" = "" ]; then ln -s "$(readlink "$path")" ".$path"
    elif [ -d "$path" ]; then mkdir -p ".$path"; mount --rbind "$path" ".$path"
    elif [ -e "$path" ]; then mkdir -p ".${path%/*}"; : > ".$path"; mount --bind "$path" ".$path"
    fi
done
cp "$here"/etc/* etc/
for name in null zero full random urandom; do : > dev/$name; mount --bind /dev/$name dev/$name; done
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mkdir dev/shm
mount -t tmpfs -o mode=1777 kiln tmp
mount -t tmpfs -o mode=1777 kiln dev/shm
mount -t proc proc proc
mount --bind "$here/run" kiln
pivot_root . .old
cd /kiln
umount -l /.old
"#;

/// A shell script that repeats a process in a copy of its inputs.
pub(super) fn repeat(process: &Process, title: &str, roots: &[PathBuf]) -> String {
    let mut script = String::from("#!/bin/sh\n");
    let _ = writeln!(script, "# Repeats an action of kiln: {title}");
    script.push_str(
        "#\n\
         # usage: run.sh [--plain] [COMMAND [ARGUMENT]...]\n\
         # --plain: not in a sandbox. With a COMMAND (`sh`, say) that is run in the action's place.\n\
         # Unlike in kiln, all of the action's folder may be written to.\n\
         set -eu\n\
         here=$(cd \"$(dirname \"$0\")\" && pwd)\n\
         rm -rf \"$here/run\"\n\
         cp -a \"$here/inputs\" \"$here/run\"\n",
    );
    for folder in folders(process) {
        let _ = writeln!(script, "mkdir -p \"$here/run\"/{}", quote(&folder));
    }
    let mut command = String::from("env -i");
    for (name, value) in &process.env {
        let _ = write!(command, " \\\n    {}", quote(&format!("{name}={value}")));
    }
    let _ = writeln!(
        script,
        "umask 022\nplain=\nif [ \"${{1-}}\" = --plain ]; then plain=1; shift; fi"
    );
    let arguments: Vec<String> = process.argv.iter().map(|text| quote(text)).collect();
    let _ = writeln!(
        script,
        "if [ $# = 0 ]; then set -- \\\n    {}\nfi",
        arguments.join(" \\\n    ")
    );
    let workdir = quote(process.workdir.as_str());
    script
        .push_str("if [ \"$plain\" ] || ! unshare --user --map-user=1000 true 2>/dev/null; then\n");
    let _ = writeln!(
        script,
        "cd \"$here/run\"/{workdir}\nexec {command} \\\n    \"$@\" </dev/null\nfi"
    );
    script.push_str("mkdir -p \"$here/etc\" \"$here/root\"\n");
    for (name, contents) in config::etc() {
        let _ = writeln!(
            script,
            "printf %s {} > \"$here/etc/{name}\"",
            quote(&contents)
        );
    }
    let shown: Vec<String> = roots
        .iter()
        .map(|root| root.display().to_string())
        .collect();
    let _ = writeln!(
        script,
        "here=$here root=$here/root roots={}",
        quote(&shown.join(" "))
    );
    script.push_str("export here root roots\n");
    let network = if process.network { "" } else { " --net" };
    let inner = format!(
        "set -eu{SANDBOX}cd /kiln/{workdir}\n\
         exec unshare --user --map-user=1000 --map-group=1000 {command} \\\n    \"$@\" </dev/null\n"
    );
    let _ = writeln!(
        script,
        "exec unshare --user --map-root-user --mount --pid --fork --kill-child --ipc --uts{network} \\\n    \
         sh -c {} sh \"$@\"",
        quote(&inner)
    );
    script
}

/// The folders that are there at the start besides those of inputs.
fn folders(process: &Process) -> BTreeSet<String> {
    let outputs = process
        .outputs
        .iter()
        .map(|path| process.workdir.append(path));
    let parents = outputs.filter_map(|path| path.parent());
    let all = parents.chain([process.workdir.clone()]);
    all.filter(|path| !path.is_root())
        .map(|path| path.to_string())
        .collect()
}

/// A text as one word of the shell.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn words_are_quoted_for_the_shell() {
        for (text, expected) in [
            ("a/b.c", "a/b.c"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's $x", "'it'\\''s $x'"),
            ("-n", "-n"),
            ("ä\n", "'ä\n'"),
        ] {
            assert_eq!(quote(text), expected);
        }
    }
}
