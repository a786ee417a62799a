//! `kiln-bench`: measures kiln, ninja and Bazel on the same generated trees. See the library.
//!
//! Results go to standard output, progress and errors to standard error.

use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use kiln_bench::{Format, LAUNCH, Parsed};
use kiln_diag::Diag;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == LAUNCH) {
        let door = words.get(2).map(Path::new);
        return match kiln_bench::serve(door) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    match run(words) {
        Ok(text) => match stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            // Whoever read may have gone; nobody can be told then.
            let _ = writeln!(stderr(), "{}", error.render());
            ExitCode::from(error.exit_code())
        }
    }
}

/// What is to be printed.
fn run(words: Vec<String>) -> Result<String, Diag> {
    let settings = match kiln_bench::parse(words)? {
        Parsed::Help(text) => return Ok(text),
        Parsed::Run(settings) => settings,
    };
    let report = kiln_bench::run(&settings)?;
    Ok(match settings.format {
        Format::Markdown => kiln_bench::markdown(&report),
        Format::Json => format!("{:#}\n", kiln_bench::as_json(&report)),
    })
}
