//! Targets and actions as lines of text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use kiln_targets::{ActionKind, ActionTemplate, AnalyzedTarget, Arg, ArgList, Artifact, Runfiles};

/// What a target is, in lines.
pub fn describe(target: &AnalyzedTarget) -> String {
    let mut out = String::new();
    line(&mut out, "files", &paths(&target.files.to_list()));
    if let Some(executable) = &target.executable {
        line(&mut out, "executable", executable.exec_path());
    }
    line(&mut out, "runfiles", &runfiles(&target.runfiles));
    if target.data_runfiles != target.runfiles {
        line(&mut out, "data runfiles", &runfiles(&target.data_runfiles));
    }
    for (name, files) in &target.output_groups {
        line(&mut out, &format!("group {name}"), &paths(&files.to_list()));
    }
    line(&mut out, "args", &target.args.join(" | "));
    line(&mut out, "env", &pairs(&target.run_environment.environment));
    line(
        &mut out,
        "inherits",
        &target.run_environment.inherited.join(" "),
    );
    line(&mut out, "requirements", &pairs(&target.test_requirements));
    line(&mut out, "variables", &pairs(&target.make_variables));
    for text in kiln_bazel::provider_texts(target) {
        line(&mut out, "provider", &text);
    }
    for action in target.actions.iter() {
        out.push_str(&describe_action(action));
    }
    for warning in &target.warnings {
        line(&mut out, "prints", warning.message());
    }
    out
}

fn line(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        writeln!(out, "{name}: {value}").unwrap();
    }
}

fn paths(files: &[Artifact]) -> String {
    files
        .iter()
        .map(Artifact::exec_path)
        .collect::<Vec<_>>()
        .join(" ")
}

fn pairs(texts: &BTreeMap<Arc<str>, Arc<str>>) -> String {
    let texts = texts.iter().map(|(name, value)| format!("{name}={value}"));
    texts.collect::<Vec<_>>().join(" ")
}

fn runfiles(runfiles: &Runfiles) -> String {
    let mut entries: Vec<String> = runfiles
        .entries()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    entries.sort();
    entries.join(" ")
}

/// What an action is, in lines.
pub fn describe_action(action: &ActionTemplate) -> String {
    let mut out = format!("{} -> {}\n", action.mnemonic, paths(&action.outputs));
    let mut detail = |name: &str, value: &str| line(&mut out, &format!("  {name}"), value);
    detail("progress", action.progress.as_deref().unwrap_or(""));
    match &action.kind {
        ActionKind::Spawn {
            arguments,
            inputs,
            tools,
            env,
            default_shell_env,
            requirements,
            dependency_file,
            workspace_sources,
        } => {
            for list in arguments.iter() {
                detail("argv", &describe_args(list));
            }
            detail("inputs", &paths(&inputs.to_list()));
            for tool in tools.iter() {
                let beside = runfiles(&tool.runfiles);
                detail(
                    "tool",
                    &format!("{} with {beside}", tool.executable.exec_path()),
                );
            }
            detail("env", &pairs(env));
            if *default_shell_env {
                detail("env", "default");
            }
            detail("requirements", &pairs(requirements));
            if !workspace_sources.is_empty() {
                detail("workspace sources", &workspace_sources.join(" "));
            }
            if let Some(file) = dependency_file {
                detail("dependency file", file.exec_path());
            }
        }
        ActionKind::Write {
            content,
            executable,
        } => {
            detail(
                if *executable { "program" } else { "content" },
                &format!("{content:?}"),
            );
        }
        ActionKind::WriteArgs { arguments, .. } => detail("args", &describe_args(arguments)),
        ActionKind::Symlink { target, executable } => {
            detail(
                if *executable { "program link" } else { "link" },
                target.exec_path(),
            );
        }
        ActionKind::RawSymlink { target } => detail("raw link", target),
        ActionKind::ExpandTemplate {
            template,
            substitutions,
            executable,
        } => {
            detail("template", template.exec_path());
            for (key, value) in substitutions.iter() {
                detail("replace", &format!("{key:?} by {value:?}"));
            }
            if *executable {
                detail("executable", "yes");
            }
        }
    }
    out
}

fn describe_args(list: &ArgList) -> String {
    let mut items: Vec<String> = list.items.iter().map(describe_arg).collect();
    if let Some(file) = &list.param_file {
        items.push(format!(
            "(param file {} {:?} always={})",
            file.argument, file.format, file.always
        ));
    }
    items.join(" ")
}

fn describe_arg(arg: &Arg) -> String {
    match arg {
        Arg::Text(text) => text.to_string(),
        Arg::Shell => "/bin/bash".to_owned(),
        Arg::Path(file, None) => format!("<{}>", file.exec_path()),
        Arg::Path(file, Some(format)) => format!("<{} as {format}>", file.exec_path()),
        Arg::Set(set) => {
            let mut text = format!("[{}", paths(&set.members.to_list()));
            let options = [
                ("name", &set.name),
                ("before", &set.before_each),
                ("each", &set.format_each),
                ("join", &set.join_with),
                ("joined", &set.format_joined),
                ("end", &set.terminate_with),
            ];
            for (name, value) in options {
                if let Some(value) = value {
                    write!(text, " {name}={value}").unwrap();
                }
            }
            let flags = [
                ("keep-empty", !set.omit_if_empty),
                ("unique", set.uniquify),
                ("no-expand", !set.expand_directories),
            ];
            for (name, _) in flags.iter().filter(|(_, on)| *on) {
                write!(text, " {name}").unwrap();
            }
            text + "]"
        }
    }
}
