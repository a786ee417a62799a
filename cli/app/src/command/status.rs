//! What is known of the workspace when a build begins (Bazel: workspace status).

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use kiln_diag::Diag;
use kiln_events::Event;
use kiln_rules_core::services::WorkspaceStatus;
use time::OffsetDateTime;
use tokio::process::Command;

use crate::command::context::Context;
use crate::show::Show;

/// Finds it out; runs the program of `--workspace_status_command` if something is to be built.
///
/// Errors: the program cannot be run, fails, or says something that cannot be read.
pub(crate) async fn known(context: &Context, show: &Show) -> Result<WorkspaceStatus, Diag> {
    let options = &context.options;
    let stamped = options.stamp();
    let said = match options.workspace_status_command() {
        Some(command) if options.build() && options.analyze() => {
            let output = run(context, command).await?;
            tell(show, &output.1);
            pairs(&output.0, command)?
        }
        _ => BTreeMap::new(),
    };
    let label = options.embed_label().unwrap_or_default().to_owned();
    let variable = |name: &str| context.environment.get(name).cloned();
    let user = variable("USER").filter(|_| stamped);
    let host = rustix::system::uname();
    let host = stamped.then(|| host.nodename().to_string_lossy().into_owned());
    let unknown = || "unknown".to_owned();
    let mut stable = BTreeMap::from([
        ("BUILD_EMBED_LABEL".to_owned(), label),
        ("BUILD_HOST".to_owned(), host.unwrap_or_else(unknown)),
        ("BUILD_USER".to_owned(), user.unwrap_or_else(unknown)),
    ]);
    let mut volatile = match stamped {
        true => times(variable("SOURCE_DATE_EPOCH").as_deref())?,
        false => BTreeMap::from([("BUILD_TIMESTAMP".to_owned(), "0".to_owned())]),
    };
    for (name, value) in said {
        match name.starts_with("STABLE_") {
            true => stable.insert(name, value),
            false => volatile.insert(name, value),
        };
    }
    Ok(WorkspaceStatus {
        stable: lines(&stable),
        volatile: lines(&volatile),
    })
}

/// Runs the command as a shell does, in the root of the workspace, and gives what it wrote to
/// standard output and to standard error.
async fn run(context: &Context, command: &str) -> Result<(Vec<u8>, String), Diag> {
    let about = |error: Diag| {
        error
            .note(format!(
                "it is what `--workspace_status_command` names: {command}"
            ))
            .hint("it runs in the root of the workspace and prints lines `NAME VALUE`")
    };
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(&context.workspace()?.root)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.map_err(|error| {
        about(Diag::environment(format!(
            "cannot run the workspace status command: {error}"
        )))
    })?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Ok((output.stdout, told));
    }
    let error = Diag::build(format!(
        "the workspace status command failed: {}",
        output.status
    ));
    Err(about(match told.trim_end() {
        "" => error,
        told => error.note(told),
    }))
}

/// What the command says beside its answer.
fn tell(show: &Show, told: &str) {
    if !told.is_empty() {
        show.emit(Event::Note(told.trim_end().to_owned()));
    }
}

/// Lines `NAME VALUE`; the value may be empty. The last one of a name counts.
fn pairs(text: &[u8], command: &str) -> Result<BTreeMap<String, String>, Diag> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(
            Diag::build("the workspace status command wrote something that is not UTF-8").note(
                format!("it is what `--workspace_status_command` names: {command}"),
            ),
        );
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let pair = |line: &str| match line.split_once(' ') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (line.to_owned(), String::new()),
    };
    Ok(lines.map(pair).collect())
}

fn lines(pairs: &BTreeMap<String, String>) -> String {
    let lines = pairs
        .iter()
        .map(|(name, value)| format!("{name} {value}\n"));
    lines.collect()
}

/// The time of the build, or of `SOURCE_DATE_EPOCH`, as Bazel writes it.
fn times(epoch: Option<&str>) -> Result<BTreeMap<String, String>, Diag> {
    let seconds = match epoch {
        Some(text) => text.trim().parse::<i64>().map_err(|_| {
            Diag::usage(format!(
                "`SOURCE_DATE_EPOCH` is `{text}`, which is no number of seconds"
            ))
        })?,
        None => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
        }
    };
    let date = OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| {
        Diag::usage(format!("`{seconds}` is no time: {error}"))
            .hint("see `SOURCE_DATE_EPOCH` in the environment")
    })?;
    let (month, day) = (date.month().to_string(), date.weekday().to_string());
    let formatted = format!(
        "{} {} {} {:02} {:02} {:02} {}",
        date.year(),
        &month[..3],
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        &day[..3],
    );
    Ok(BTreeMap::from([
        ("BUILD_TIMESTAMP".to_owned(), seconds.to_string()),
        ("FORMATTED_DATE".to_owned(), formatted),
    ]))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_a_command_says() {
        let text = b"STABLE_A one two\n\nB\nC  three \nB later\n";
        let pairs = pairs(text, "x").expect("pairs");
        expect![[r#""B later\nC  three \nSTABLE_A one two\n""#]]
            .assert_eq(&format!("{:?}", lines(&pairs)));
        assert!(super::pairs(b"A \xff\n", "x").is_err());
    }

    #[test]
    fn times_as_bazel_writes_them() {
        let shown = |epoch| match times(Some(epoch)) {
            Ok(pairs) => lines(&pairs),
            Err(error) => error.render(),
        };
        for (epoch, expected) in [
            (
                "0",
                expect![[r#"
                BUILD_TIMESTAMP 0
                FORMATTED_DATE 1970 Jan 1 00 00 00 Thu
            "#]],
            ),
            (
                "1709208123",
                expect![[r#"
                BUILD_TIMESTAMP 1709208123
                FORMATTED_DATE 2024 Feb 29 12 02 03 Thu
            "#]],
            ),
            (
                "soon",
                expect!["error: `SOURCE_DATE_EPOCH` is `soon`, which is no number of seconds"],
            ),
            (
                "9223372036854775807",
                expect![[r#"
                error: `9223372036854775807` is no time: timestamp was not in range
                hint: see `SOURCE_DATE_EPOCH` in the environment"#]],
            ),
        ] {
            expected.assert_eq(&shown(epoch));
        }
    }
}
