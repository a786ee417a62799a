//! The script that repeats an action.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use kiln_process::Process;

use crate::config::{self, NETWORK_ROOTS};
use kiln_exec_root::{Plan, Step};

/// Builds a root like the sandbox's from `unshare`, `mount` and `pivot_root`. It runs as root of a
/// new user namespace and pid 1 of a pid namespace, and starts the command as user 1000 in another.
/// What it is to know comes in variables, which the command does not see.
const SANDBOX: &str = r#"
set -eu
seal() {
    mount -o remount,bind,ro "$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$1"
}
ro() { mount --rbind "$1" "$2"; seal "$2"; }
hostname localhost 2>/dev/null || :
ip link set lo up 2>/dev/null || :
mount -t tmpfs -o mode=0755 kiln "$top"
cd "$top"
mkdir kiln tmp proc dev etc .old
for path in $roots; do
    if [ -L "$path" ] && [ "${path%/*}" = "" ]; then ln -s "$(readlink "$path")" ".$path"
    elif [ -d "$path" ]; then mkdir -p ".$path"; ro "$path" ".$path"
    elif [ -e "$path" ]; then mkdir -p ".${path%/*}"; : > ".$path"; ro "$path" ".$path"
    fi
done
for file in "$here"/etc/*; do
    name=${file##*/}
    [ -e "etc/$name" ] || cp "$file" "etc/$name"
done
for name in null zero full random urandom; do : > dev/$name; mount --bind /dev/$name dev/$name; done
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mkdir dev/shm
mount -t tmpfs -o mode=1777 kiln tmp
mount -t tmpfs -o mode=1777 kiln dev/shm
mount -t proc proc proc
for path in proc/sys proc/sysrq-trigger; do [ ! -e "$path" ] || ro "$path" "$path"; done
mount --bind "$here/run" kiln
while read -r kind path; do
    case $kind in
    writable) mount --bind "kiln/$path" "kiln/$path" ;;
    sealed) seal kiln ;;
    readonly) ro "kiln/$path" "kiln/$path" ;;
    esac
done < "$here/mounts"
pivot_root . .old
umount -l /.old
cd "/kiln/$workdir"
unshare --user --map-user=1000 --map-group=1000 "$@" </dev/null || exit
"#;

/// What a script is made from.
pub(super) struct Repeat<'a> {
    pub(super) process: &'a Process,
    /// What it is, in one line.
    pub(super) title: &'a str,
    /// Read-only folders of the system.
    pub(super) roots: &'a [PathBuf],
    /// Whether the action might write anywhere beside its inputs.
    pub(super) writable: bool,
}

impl Repeat<'_> {
    /// A shell script that repeats the process in a copy of its inputs.
    pub(super) fn script(&self) -> String {
        let mut script = self.head();
        script.push_str(
            "set -eu\n\
             here=$(cd \"$(dirname \"$0\")\" && pwd -P)\n\
             umask 022\n\
             rm -rf \"$here/run\"\n\
             cp -a \"$here/inputs\" \"$here/run\"\n\
             find \"$here/run\" -type f -exec chmod a-w {} + -exec touch -d @946684800 {} +\n",
        );
        for path in self.own() {
            let _ = writeln!(script, "chmod u+w \"$here/run\"/{}", quote(&path));
        }
        for folder in self.folders() {
            let _ = writeln!(script, "mkdir -p \"$here/run\"/{}", quote(&folder));
        }
        script.push_str(
            "plain=\n\
             if [ \"${1-}\" = --plain ]; then plain=1; shift; fi\n\
             if [ ! \"$plain\" ] && ! unshare --user --map-root-user --mount true 2>/dev/null; then\n    \
             echo \"$0: namespaces are refused here; running without a sandbox\" >&2\n    plain=1\n\
             fi\n\
             if [ \"$plain\" ]; then root=$here/run; else root=/kiln; fi\n",
        );
        let words = |texts: &mut dyn Iterator<Item = String>| {
            texts
                .map(|text| format!(" \\\n    {}", quote(&text)))
                .collect::<String>()
        };
        let argv = words(&mut self.process.argv.iter().cloned());
        let _ = writeln!(script, "if [ $# = 0 ]; then set --{argv}\nfi");
        let pairs = self.process.env.iter();
        let env = words(&mut pairs.map(|(name, value)| format!("{name}={value}")));
        let _ = writeln!(script, "set -- /usr/bin/env -i{env} \\\n    \"$@\"");
        let workdir = quote(self.process.workdir.as_str());
        let _ = writeln!(
            script,
            "if [ \"$plain\" ]; then\n    cd \"$here/run\"/{workdir}\n    exec \"$@\" </dev/null\nfi"
        );
        self.sandbox(&mut script, &workdir);
        script
    }

    fn head(&self) -> String {
        let mut head = format!("#!/bin/sh\n# Repeats an action of kiln: {}\n", self.title);
        head.push_str(
            "#\n\
             # usage: run.sh [--plain] [COMMAND [ARGUMENT]...]\n\
             # --plain: in the folder `run`, without a sandbox. With a COMMAND (`sh`, say), that is\n\
             # run in the action's place. Limits of time, memory and processes are not repeated.\n",
        );
        head
    }

    /// The end of the script: into namespaces.
    fn sandbox(&self, script: &mut String, workdir: &str) {
        script.push_str("mkdir -p \"$here/etc\" \"$here/top\"\n");
        for (name, contents) in config::etc() {
            let text = quote(&contents);
            let _ = writeln!(script, "printf %s {text} > \"$here/etc/{name}\"");
        }
        let shown = self.roots.iter().map(|root| root.display().to_string());
        let more = NETWORK_ROOTS.iter().filter(|_| self.process.network);
        let shown: Vec<String> = shown.chain(more.map(|root| (*root).to_owned())).collect();
        let roots = quote(&shown.join(" "));
        let _ = writeln!(
            script,
            "top=$here/top roots={roots} workdir={workdir}\nexport here top roots workdir"
        );
        let network = if self.process.network { "" } else { " --net" };
        let _ = writeln!(
            script,
            "exec unshare --user --map-root-user --mount --pid --fork --kill-child --ipc --uts\
             {network} \\\n    sh -c '{}' sh \"$@\"",
            SANDBOX.replace('\'', "'\\''")
        );
    }

    /// The folders that are there at the start besides those of inputs.
    fn folders(&self) -> BTreeSet<String> {
        let workdir = &self.process.workdir;
        let outputs = self.process.outputs.iter();
        let outputs = outputs.map(|path| workdir.append(path));
        let parents = outputs.filter_map(|path| path.parent());
        let all = parents.chain([workdir.clone()]);
        all.filter(|path| !path.is_root())
            .map(|path| path.to_string())
            .collect()
    }

    /// Inputs that the action may change, because they are outputs as well.
    fn own(&self) -> Vec<String> {
        let plan = self.plan().map(|plan| plan.writable).unwrap_or_default();
        let own = plan.into_iter().filter_map(|step| match step {
            Step::Copy(_, _, path) => Some(path),
            _ => None,
        });
        own.collect()
    }

    /// How it was put together; it ran, so there is a way.
    fn plan(&self) -> Option<Plan> {
        Plan::of(self.process, &mut ()).ok()
    }

    /// Which parts of the exec root are writable and which read-only, in the order in which they
    /// cover each other, for the script to read.
    pub(super) fn mounts(&self) -> String {
        // One that may write anywhere may not write to its inputs all the same; but they may be
        // many, and each mount takes its time.
        let (Some(plan), false) = (self.plan(), self.writable) else {
            return String::new();
        };
        let writable = plan.scratch.iter().map(|path| ("writable", path.as_str()));
        let sealed = plan.scratch.iter().all(|path| !path.is_empty());
        let sealed = sealed.then_some(("sealed", ""));
        let readonly = plan.writable.iter().filter_map(|step| match step {
            Step::Return(path) | Step::Tree(_, path) | Step::File(_, _, path) => {
                Some(("readonly", path.as_str()))
            }
            _ => None,
        });
        let mut mounts = String::new();
        for (kind, path) in writable.chain(sealed).chain(readonly) {
            // The list has a line for each.
            if !path.contains('\n') {
                let _ = writeln!(mounts, "{kind} {path}");
            }
        }
        mounts
    }
}

/// A text as one word of the shell, with `$root` where it asks for the exec root.
fn quote(text: &str) -> String {
    let parts: Vec<String> = text.split("{chroot}").map(quote_part).collect();
    match &parts[..] {
        [one] => one.clone(),
        parts => parts.join("\"$root\""),
    }
}

fn quote_part(text: &str) -> String {
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
            ("{chroot}/a", "''\"$root\"/a"),
            ("a b{chroot}", "'a b'\"$root\"''"),
        ] {
            assert_eq!(quote(text), expected);
        }
    }
}
