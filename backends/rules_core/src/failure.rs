//! Messages about actions that failed.

use std::path::Path;

use kiln_base::RelPath;

use kiln_address::Label;
use kiln_diag::{Diag, Fault, Span};
use kiln_process::{Environment, Exit, Limit, Process, ProcessResult};
use kiln_rules::{RuleCx, Uses};
use kiln_store::Store;
use kiln_targets::{ActionTemplate, Artifact, Target};
use kiln_tree::Node;

use crate::actions::action_outputs;
use crate::keys::PackageKey;
use crate::packages::Package;
use crate::services::Workspace;
use crate::spawn::exit_text;
use crate::tools::{Machine, MachineKey};
use crate::undeclared::{Loads, Place, explain};

/// How much of a process's output is put into a message, in bytes from its end.
const SHOWN_OUTPUT: usize = 16 * 1024;

/// A process ended with a failure.
pub(crate) async fn of_action(
    cx: &RuleCx<action_outputs>,
    template: &ActionTemplate,
    process: &Process,
    result: &ProcessResult,
) -> Diag {
    let ending = match (result.exit, process.timeout) {
        (Exit::TimedOut, Some(timeout)) => format!("timed out after {} s", timeout.as_secs()),
        (Exit::Limit(limit), _) => format!("was stopped: it used more than {limit}"),
        (exit, _) => format!("failed with {}", exit_text(exit)),
    };
    let output = template.outputs.first().map_or("", Artifact::exec_path);
    let mut diag = Diag::build(format!(
        "{} of `{}` {ending} (making `{output}`)",
        template.mnemonic, template.owner
    ));
    let mut printed = String::new();
    if let Ok(store) = cx.service::<Store>() {
        for digest in [&result.stdout, &result.stderr] {
            if let Ok(bytes) = crate::printed::printed(&store, digest) {
                printed.push_str(&tail(&bytes));
            }
        }
    }
    let key = MachineKey::of(&template.configuration);
    let machine = cx.get::<Machine, _>((key,)).await;
    let (here, sandboxed) = machine.map_or((false, false), |machine| {
        (machine.is_here(), machine.environment == Environment::Local)
    });
    let path = process.env.get("PATH").map_or("", String::as_str);
    diag = explain_exit(diag, result.exit, &printed, (&template.mnemonic, path));
    diag = explain_denied(diag, result.exit, process, &printed);
    if !printed.trim().is_empty() {
        diag = diag.note(format!(
            "its output:\n{}",
            printed.trim_end().trim_start_matches('\n')
        ));
    }
    if let Ok(workspace) = cx.service::<Workspace>() {
        let place = Place {
            target: &template.owner,
            process,
            runfiles: None,
            here,
        };
        diag = explain(cx, &workspace, &place, &printed, diag).await;
    }
    match &result.sandbox {
        Some(sandbox) => diag.note(kept(cx, sandbox)),
        None if printed.trim().is_empty() && diag.hints().is_empty() => {
            let diag = diag.note("it wrote nothing to its output");
            match sandboxed {
                true => diag.hint(
                    "`--keep_sandboxes=on-failure` keeps its folder, with a script to run it again",
                ),
                false => diag,
            }
        }
        None => diag,
    }
}

/// An error of an action that has no place of its own is at the declaration of its target: only
/// named, as what stands there is rarely to blame.
pub(crate) async fn placed<R: Loads>(cx: &RuleCx<R>, owner: &Label, error: Diag) -> Diag {
    if error.span().is_some() || error.fault() != Fault::Build {
        return error;
    }
    let key = PackageKey(owner.package().clone());
    let Ok(package) = cx.get::<Package, _>((key,)).await else {
        return error;
    };
    match package.0.targets.get(owner.name()) {
        Some(Target::Rule(def)) => error.at(Span {
            text: None,
            ..def.span.clone()
        }),
        _ => error,
    }
}

/// Where a kept sandbox is, and what is in it.
pub(crate) fn kept<R: Uses<Workspace>>(cx: &RuleCx<R>, sandbox: &Path) -> String {
    let workspace = cx.service::<Workspace>();
    let below = workspace
        .as_ref()
        .ok()
        .and_then(|w| sandbox.strip_prefix(&w.out).ok());
    let shown = match below {
        Some(below) => Path::new("kiln-out").join(below),
        None => sandbox.to_owned(),
    };
    format!(
        "its sandbox was kept; to run it again: {}/run.sh",
        shown.display()
    )
}

/// A file that an action may not write to, or run.
fn explain_denied(diag: Diag, exit: Exit, process: &Process, printed: &str) -> Diag {
    let denied = printed.lines().find_map(|line| {
        let before = line.strip_suffix(": Permission denied")?;
        let path = before
            .rsplit(": ")
            .next()?
            .trim_matches(['\'', '`', '"', '‘', '’']);
        let path = RelPath::normalize(path).ok()?;
        process.inputs.get(&path).map(|_| path)
    });
    match (denied, exit) {
        (None, _) => diag,
        (Some(path), Exit::Code(126)) => diag
            .note(format!(
                "`{path}` is one of its inputs, and is not executable"
            ))
            .hint(format!(
                "make it executable (`chmod +x {path}`), or name a program to run it"
            )),
        (Some(path), _) => diag
            .note(format!(
                "`{path}` is one of its inputs, and those are read-only"
            ))
            .hint("write to a declared output, or to a copy in a temporary folder (`mktemp -d`)"),
    }
}

/// Says which limit was hit and how to raise it.
fn explain_exit(diag: Diag, exit: Exit, printed: &str, (mnemonic, path): (&str, &str)) -> Diag {
    // Where the kernel does not tell that it refused a process, programs do.
    let refused = [
        "Cannot fork",
        "fork: retry",
        "Resource temporarily unavailable",
    ];
    match exit {
        Exit::Limit(Limit::Memory(_)) => {
            diag.hint("`--sandbox_memory_limit_mb` says how much an action may use")
        }
        Exit::Limit(Limit::Processes(_)) => {
            diag.hint("`--sandbox_process_limit` says how many an action may have at a time")
        }
        Exit::Signal(9) => diag
            .note("kiln did not kill it: perhaps it did itself, or the kernel, for want of memory"),
        // Its search path may be its own (`tools`).
        Exit::Code(127) if matches!(mnemonic, "ShellCommand" | "AdhocTool") => {
            match absent_program(printed) {
                Some(program) => diag.hint(format!(
                    "if the target has `tools`, only these are found: add `{program}`; otherwise \
                     install it"
                )),
                None => diag,
            }
        }
        Exit::Code(127) if absent_program(printed).is_some() => {
            let program = absent_program(printed).unwrap_or_default();
            diag.note(format!(
                "`{program}` is not among the programs that actions find, which are those in \
                 {}",
                path.replace(':', ", ")
            ))
            .hint(format!(
                "if a target makes `{program}`, put it into `tools` and write `$(location …)`; \
                 otherwise install it"
            ))
        }
        Exit::TimedOut => diag.hint("have it do less, or raise the `timeout` of its action"),
        _ if refused.iter().any(|text| printed.contains(text)) => diag.hint(
            "if it means to have so many processes and threads: `--sandbox_process_limit` says \
             how many an action may have at a time",
        ),
        _ => diag,
    }
}

/// The program that a shell says it did not find.
fn absent_program(printed: &str) -> Option<&str> {
    let complaint = |line: &'_ str| -> Option<(usize, usize)> {
        let before = line
            .strip_suffix(": command not found")
            .or_else(|| line.strip_suffix(": not found"))?;
        let start = before.rfind(": ").map_or(0, |at| at + 2);
        let name = &before[start..];
        let plain = !name.is_empty() && !name.contains(['/', ' ']);
        plain.then_some((start, before.len()))
    };
    printed.lines().find_map(|line| {
        let (start, end) = complaint(line)?;
        line.get(start..end)
    })
}

/// The end of what was printed, as text.
pub(crate) fn tail(bytes: &[u8]) -> String {
    let skipped = bytes.len().saturating_sub(SHOWN_OUTPUT);
    let text = String::from_utf8_lossy(&bytes[skipped..]).into_owned();
    match skipped {
        0 => text,
        _ => format!("[{skipped} bytes left out]\n{text}"),
    }
}

/// A process ended well but did not make what it should have; `made` is what it made beside.
pub(crate) fn missing_output<'a>(
    template: &ActionTemplate,
    output: &Artifact,
    made: impl Iterator<Item = &'a RelPath>,
) -> Diag {
    let path = output.exec_path();
    let diag = Diag::build(format!(
        "{} of `{}` succeeded, but did not make `{path}`",
        template.mnemonic, template.owner,
    ));
    let made: Vec<String> = made.take(5).map(|path| format!("`{path}`")).collect();
    let diag = match &made[..] {
        [] => diag,
        made => diag.note(format!(
            "it made {}, which it does not declare",
            made.join(", ")
        )),
    };
    diag.hint("the command must write every declared output at exactly this path (`$@`, `$(OUTS)`, `$(RULEDIR)`)")
}

/// A process made a folder where a file was declared, or the other way round.
pub(crate) fn wrong_output(template: &ActionTemplate, output: &Artifact, node: &Node) -> Diag {
    let (made, declared) = match node {
        Node::Dir(_) => ("a folder", "a file (`declare_file`)"),
        _ => ("a file", "a folder (`declare_directory`)"),
    };
    Diag::build(format!(
        "{} of `{}` made {made} at `{}`, which was declared as {declared}",
        template.mnemonic,
        template.owner,
        output.exec_path()
    ))
    .hint(match node {
        Node::Dir(_) => "make a file there; only rules that declare a folder can make one",
        _ => "make a folder there, and the files in it",
    })
}

/// A process made a link to nothing where a file or folder was declared.
pub(crate) fn dangling_output(template: &ActionTemplate, output: &Artifact, node: &Node) -> Diag {
    let target = match node {
        Node::Symlink(target) => target,
        _ => "",
    };
    Diag::build(format!(
        "{} of `{}` made a link at `{}` that leads nowhere: `{target}`",
        template.mnemonic,
        template.owner,
        output.exec_path()
    ))
    .hint("link to an input or an output of the action, or declare a link (`declare_symlink`)")
}
