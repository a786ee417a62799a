//! What the command line says about tests.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rules_core::test::{LabelFilter, PerLabel, Reuse, RunUnder, TestOptions};

use crate::command::context::Context;
use crate::configuration::environment;

/// The options of tests.
///
/// Errors: a regular expression that is none.
pub(crate) fn test_options(context: &Context) -> Result<TestOptions, Diag> {
    let options = &context.options;
    let texts = |list: &[Arc<str>]| list.iter().map(ToString::to_string).collect();
    let env = environment::<Arc<str>, Arc<str>>(options.test_env(), &context.environment);
    Ok(TestOptions {
        filter: options.test_filter().map(str::to_owned),
        args: texts(&options.test_args()),
        env: env
            .into_iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        runs: per_label("runs_per_test", options.runs_per_test())?,
        detect_flakes: options.runs_per_test_detects_flakes(),
        attempts: per_label("flaky_test_attempts", options.flaky_test_attempts())?,
        timeouts: options.test_timeouts(),
        reuse: match options.cache_test_results() {
            "no" => Reuse::Nothing,
            "yes" => Reuse::All,
            _ => Reuse::Auto,
        },
        // Output that is streamed is of one test after the other, and of no shards (Bazel).
        no_sharding: options.test_sharding_strategy() == "disabled"
            || options.test_output() == "streamed",
        check_sharding: options.check_sharding(),
        exclusive: options.test_strategy() == Some("exclusive"),
        fail_fast: options.test_runner_fail_fast(),
        run_under: options.run_under().map(|under| RunUnder {
            target: under.label,
            words: under.words,
        }),
    })
}

fn per_label<T>(
    option: &str,
    entries: Vec<(Option<Arc<str>>, T)>,
) -> Result<Vec<PerLabel<T>>, Diag> {
    let read = |(text, value): (Option<Arc<str>>, T)| {
        let filter = text.map(|text| LabelFilter::parse(&text)).transpose();
        let filter = filter.map_err(|error| error.note(format!("it is in `--{option}`")))?;
        Ok(PerLabel { filter, value })
    };
    entries.into_iter().map(read).collect()
}
