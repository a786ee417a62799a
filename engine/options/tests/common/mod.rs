//! Loads options from files that are only texts, and shows them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test program uses a part of it, and a test may panic"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expect_test::Expect;
use kiln_diag::Diag;
use kiln_options::{Options, RcFiles, Request, Value};

struct Files(BTreeMap<PathBuf, String>);

impl RcFiles for Files {
    fn read(&self, path: &Path) -> Result<Option<String>, Diag> {
        Ok(self.0.get(path).cloned())
    }
}

/// Loads with the workspace `/w`, in its folder `sub`. `.bazelrc` is the workspace's.
pub fn load(files: &[(&str, &str)], args: &[&str]) -> Result<Options, Diag> {
    load_with(files, &[], args)
}

/// The same, with environment variables.
pub fn load_with(
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
    args: &[&str],
) -> Result<Options, Diag> {
    let variables = variables.iter();
    let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables: BTreeMap<String, String> = variables.collect();
    let files = files
        .iter()
        .map(|(path, text)| (Path::new("/w").join(path), (*text).to_owned()));
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let request = Request {
        args: &args,
        workspace: Some(Path::new("/w")),
        cwd: Path::new("/w/sub"),
        home: Some(Path::new("/home/u")),
        variables: &variables,
        os: "linux",
    };
    Options::load(&request, &Files(files.collect()))
}

pub fn show(options: &Options) -> String {
    let mut lines = vec![options.verb().name().to_owned()];
    for given in options.all_given() {
        let value = match &given.value {
            Value::Flag(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Text(value) => format!("{value:?}"),
        };
        lines.push(format!(
            "  {} = {value} ({})",
            given.option.name, given.origin
        ));
    }
    for flag in options.starlark_flags() {
        lines.push(format!(
            "  {} = {:?} ({})",
            flag.label, flag.value, flag.origin
        ));
    }
    for (name, _, origin) in options.bazel_flags() {
        lines.push(format!("  Bazel's {name} ({origin})"));
    }
    if !options.patterns().is_empty() {
        lines.push(format!("  patterns {}", options.patterns().join(" ")));
    }
    if !options.program_args().is_empty() {
        lines.push(format!("  program {}", options.program_args().join(" ")));
    }
    lines.extend(options.warnings().iter().map(|diag| diag.render()));
    lines.join("\n")
}

pub fn check(files: &[(&str, &str)], args: &str, expect: Expect) {
    let args: Vec<&str> = args.split_whitespace().collect();
    match load(files, &args) {
        Ok(options) => expect.assert_eq(&show(&options)),
        Err(diag) => expect.assert_eq(&diag.render()),
    }
}

pub fn line(args: &str, expect: Expect) {
    check(&[], args, expect);
}
