//! Tools of containers and remote workers: looked for there, never on this machine (ENV-081).
//!
//! A small script for `/bin/sh` looks and asks. It is an action like any other: its key has the
//! identity of the environment, so that it runs once for an image. What the properties of remote
//! workers say of them is not all that they are, so there it runs in each session (ENV-083).

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_process::{
    CacheScope, Description, Environment, ExecError, Exit, Keyed, Process, Request,
};
use kiln_rules::{RuleCx, Uses};
use kiln_store::Store;
use kiln_targets::{CcTools, PythonTools, ShellTools};
use kiln_tree::Tree;

use super::{FLAGS, Machine, SearchPath, first_line, searched, taken};
use crate::services::Execution;
use crate::spawn::{DEFAULT_PATH, exit_text};

/// The shell: bash, else what is always there (ENV-106).
pub(super) async fn shell<R: Uses<Execution> + Uses<Store>>(
    cx: &RuleCx<R>,
    machine: &Machine,
    search: &SearchPath,
) -> Result<ShellTools, Diag> {
    // It is `/bin/sh` that says this, so that is there.
    let script = format!("({}command -v bash) || echo /bin/sh", path(search));
    let found = ask(cx, machine, "a shell", &script, &SPOKEN).await?;
    Ok(ShellTools {
        bash: Arc::from(found.trim()),
    })
}

/// The Python interpreter.
pub(super) async fn python<R: Uses<Execution> + Uses<Store>>(
    cx: &RuleCx<R>,
    machine: &Machine,
    search: &SearchPath,
) -> Result<Option<PythonTools>, Diag> {
    let script = format!(
        "p=$({}command -v python3) || exit 0; echo \"$p\"; \"$p\" --version 2>&1",
        path(search)
    );
    let found = ask(cx, machine, "Python", &script, &SPOKEN).await?;
    let mut lines = found.lines();
    Ok(lines.next().map(|path| PythonTools {
        interpreter: Arc::from(path.trim()),
        version: Arc::from(
            lines
                .next()
                .unwrap_or_default()
                .trim()
                .trim_start_matches("Python "),
        ),
        fingerprint: fingerprint(machine),
    }))
}

/// Sections of what the script for compilers prints begin with this.
const MARK: &str = "== kiln ";

/// The C and C++ compiler.
pub(super) async fn cc<R: Uses<Execution> + Uses<Store>>(
    cx: &RuleCx<R>,
    machine: &Machine,
    search: &SearchPath,
) -> Result<Option<CcTools>, Diag> {
    let (tools, companions) = (path(search), quoted(&search.companions));
    let script = format!(
        r#"
mark() {{ echo "{MARK}$1"; }}
tool() ( {tools}command -v "$1" )
for name in gcc clang cc; do cc=$(tool $name) && break; done
[ -n "$cc" ] || exit 0
case $name in gcc) cxx=$(tool g++);; clang) cxx=$(tool clang++);; *) cxx=$(tool c++);; esac
cxx=${{cxx:-$cc}}
PATH={companions}
mark cc; echo "$cc"
mark cxx; echo "$cxx"
mark ar; command -v ar
mark strip; command -v strip
mark objcopy; command -v objcopy
mark version; "$cc" --version
mark target; "$cc" -dumpmachine
mark include; "$cxx" -E -xc++ -v /dev/null 2>&1
mark flags; "$cc" {} -E -xc /dev/null 2>&1 && mark taken
for ld in lld gold; do
  if "$cc" -fuse-ld=$ld -Wl,--start-lib -Wl,--end-lib -shared -nostdlib -xc /dev/null -o /dev/null >/dev/null 2>&1
  then mark linker; echo $ld; break; fi
done
exit 0
"#,
        FLAGS.join(" ")
    );
    let found = ask(cx, machine, "a C++ compiler", &script, &SPOKEN).await?;
    let sections = found.split(MARK).skip(1);
    let sections: BTreeMap<&str, &str> = sections
        .filter_map(|section| section.split_once('\n'))
        .map(|(name, text)| (name.trim(), text))
        .collect();
    let line = |name| sections.get(name).map(|text| first_line(text));
    let there = |name| line(name).filter(|text| !text.is_empty());
    let (Some(cc), Some(cxx), Some(ar)) = (there("cc"), there("cxx"), there("ar")) else {
        return Ok(None);
    };
    let version = line("version").unwrap_or_default();
    let whole = sections.get("version").copied().unwrap_or_default();
    let include = sections.get("include").copied().unwrap_or_default();
    let complaints = sections.get("flags").copied().unwrap_or_default();
    Ok(Some(CcTools {
        compiler: Arc::from(if whole.contains("clang") {
            "clang"
        } else {
            "gcc"
        }),
        cc,
        cxx,
        ar,
        strip: there("strip"),
        objcopy: there("objcopy"),
        version,
        target: line("target").unwrap_or_default(),
        include_dirs: searched(include).map(Arc::from).collect(),
        supported_flags: taken(sections.contains_key("taken"), complaints),
        linker: there("linker"),
        fingerprint: fingerprint(machine),
    }))
}

/// The tools of an environment are what they are for as long as it is the same.
fn fingerprint(machine: &Machine) -> Arc<str> {
    let hex = machine.identity.iter().map(|byte| format!("{byte:02x}"));
    Arc::from(hex.collect::<String>())
}

/// The variables that processes have there by themselves (ENV-080), without those that the shell
/// makes up.
pub(super) async fn variables<R: Uses<Execution> + Uses<Store>>(
    cx: &RuleCx<R>,
    machine: &Machine,
) -> Result<BTreeMap<String, String>, Diag> {
    let found = ask(cx, machine, "its variables", "env -0", &[]).await?;
    let pairs = found.split('\0').filter_map(|pair| pair.split_once('='));
    let own = pairs.filter(|(name, _)| !matches!(*name, "PWD" | "OLDPWD" | "SHLVL" | "_"));
    Ok(own
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// In a script: sets `PATH` to the folders of a tool.
fn path(search: &SearchPath) -> String {
    format!("PATH={}; ", quoted(&search.folders))
}

/// A `PATH` for a shell. An empty one would mean the working directory.
fn quoted(folders: &[String]) -> String {
    match folders.is_empty() {
        true => "/nonexistent".to_owned(),
        false => format!("'{}'", folders.join(":").replace('\'', "'\\''")),
    }
}

/// Variables of programs whose words are read.
const SPOKEN: [(&str, &str); 2] = [("LC_ALL", "C"), ("PATH", DEFAULT_PATH)];

/// What a script prints there.
async fn ask<R: Uses<Execution> + Uses<Store>>(
    cx: &RuleCx<R>,
    machine: &Machine,
    what: &str,
    script: &str,
    env: &[(&str, &str)],
) -> Result<String, Diag> {
    let (execution, store) = (cx.service::<Execution>()?, cx.service::<Store>()?);
    let env = env.iter();
    let process = Process {
        argv: vec!["/bin/sh".into(), "-c".into(), script.to_owned()],
        env: env
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: Vec::new(),
        timeout: None,
        network: false,
        platform: machine.platform(),
        environment: machine.identity.clone(),
        cache: match machine.environment {
            Environment::Remote(_) => CacheScope::Session,
            _ => CacheScope::Successful,
        },
    };
    let describe = Description {
        label: String::new(),
        mnemonic: "FindTools".to_owned(),
        progress: format!("Looking for {what}"),
    };
    let request = Request {
        process: &process,
        environment: &machine.environment,
        action: Keyed::of(&process).digest,
        describe: &describe,
        slots: 1,
        exclusive: false,
        writable: false,
        optional_outputs: false,
        declared: None,
        reads: kiln_process::Reads::All,
        observer: &(),
    };
    let place = |diag: Diag| diag.note(format!("while looking for {what} in the environment"));
    let result = match execution.executor.execute(request).await {
        Ok(result) => result,
        Err(ExecError::Unavailable(diag) | ExecError::Failed(diag)) => return Err(place(diag)),
        Err(error @ ExecError::MissingBlob(_)) => {
            return Err(place(Diag::environment(error.to_string())));
        }
    };
    let read = |digest| -> Result<String, Diag> {
        let bytes = store.read(digest)?.ok_or_else(|| {
            place(Diag::environment(
                "what `/bin/sh` printed is gone from the store",
            ))
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match result.exit {
        Exit::Code(0) => read(&result.stdout),
        exit => Err(place(
            Diag::environment(format!("`/bin/sh` ended with {}", exit_text(exit)))
                .note(read(&result.stderr)?.trim().to_owned())
                .hint("an environment needs a `/bin/sh`"),
        )),
    }
}
