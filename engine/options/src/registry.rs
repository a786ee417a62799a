//! All options.

use crate::spec::{Check, Choice, Effect, Kind, OptionSpec};
use crate::verb::{Verb, VerbSet};
use crate::{checks, jobs};

/// The option of a name, an alias included; `-` and `_` are the same.
pub fn find_option(name: &str) -> Option<&'static OptionSpec> {
    let same = |known: &str| {
        known.len() == name.len()
            && known
                .bytes()
                .zip(name.bytes())
                .all(|(k, n)| k == n || (k == b'_' && n == b'-'))
    };
    OPTIONS
        .iter()
        .find(|option| same(option.name) || option.aliases.iter().any(|alias| same(alias)))
}

/// The option of a letter.
pub(crate) fn find_short(letter: char) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.short == Some(letter))
}

const BUILDING: VerbSet = VerbSet::BUILDING;
const LOADING: VerbSet = VerbSet::LOADING;
const ASKING: VerbSet = VerbSet::ASKING;
const ALL: VerbSet = VerbSet::ALL;
const SERVE: VerbSet = VerbSet::of(&[Verb::Serve]);
/// Commands that run actions.
const RUNNING: VerbSet = BUILDING.and(SERVE);
/// Commands that reach servers.
const REMOTE: VerbSet = BUILDING.and(VerbSet::of(&[Verb::Remote]));
const CLOSURE: VerbSet = VerbSet::of(&[Verb::Dependencies, Verb::Dependents]);

const TRI: Choice = Choice {
    words: &["auto", "yes", "no"],
    synonyms: &[("true", "yes"), ("1", "yes"), ("false", "no"), ("0", "no")],
    implicit: Some("yes"),
    negated: Some("no"),
};

const fn words(words: &'static [&'static str]) -> Kind {
    Kind::Choice(Choice {
        words,
        synonyms: &[],
        implicit: None,
        negated: None,
    })
}

const fn option(
    kind: Kind,
    name: &'static str,
    verbs: VerbSet,
    effect: Effect,
    default: &'static str,
    doc: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        short: None,
        aliases: &[],
        kind,
        verbs,
        effect,
        check: None,
        pairs: false,
        aware: false,
        secret: false,
        default,
        doc,
    }
}

impl OptionSpec {
    const fn short(mut self, letter: char) -> OptionSpec {
        self.short = Some(letter);
        self
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> OptionSpec {
        self.aliases = aliases;
        self
    }

    const fn secret(mut self) -> OptionSpec {
        self.secret = true;
        self
    }

    /// Environments may have a value of their own.
    const fn aware(mut self) -> OptionSpec {
        self.aware = true;
        self
    }

    /// Values are `NAME=VALUE`: a dictionary, where files can write one.
    const fn pairs(mut self, check: Check) -> OptionSpec {
        self.pairs = true;
        self.check = Some(check);
        self
    }

    const fn check(mut self, check: Check) -> OptionSpec {
        self.check = Some(check);
        self
    }
}

use Effect::{Configuration, Display, Execution, Files, Repositories, Selection, Tests};
use Kind::{Commas, Expansion, Flag, Int, List, Text};

/// All options, grouped by what they act on.
pub static OPTIONS: &[OptionSpec] = &[
    // Files of options.
    option(List, "config", ALL, Files, "", "Use the lines `command:NAME` of the rc files."),
    option(List, "bazelrc", ALL, Files, "", "Read one more rc file, after the others."),
    option(Flag, "workspace_rc", ALL, Files, "true", "Read `.bazelrc` at the root of the workspace."),
    option(Flag, "home_rc", ALL, Files, "true", "Read `~/.bazelrc`."),
    option(Flag, "system_rc", ALL, Files, "true", "Read `/etc/bazel.bazelrc`."),
    option(Flag, "ignore_all_rc_files", ALL, Files, "false", "Read no rc file at all."),
    option(Flag, "kilnrc", ALL, Files, "true", "Read `/etc/kilnrc`, `~/.kiln.rc` and `.kiln.rc` at the root of the workspace."),
    option(
        List, "kiln_config_files", ALL, Files, "",
        "Read one more configuration file after `kiln.toml`; `[\"A\"]` reads only these, `-[\"A\"]` leaves one out.",
    ),
    option(
        Flag, "verify_config", ALL, Files, "true",
        "Refuse configuration files with unknown sections and keys; otherwise they are warned of.",
    ),
    option(
        Flag, "enable_platform_specific_config", ALL, Files, "false",
        "Use the lines `command:linux` (or `macos`, …) of the rc files.",
    ),
    option(Flag, "announce_rc", ALL, Files, "false", "Show the flags that come from rc files."),
    option(
        List,
        "flag_alias",
        ALL,
        Files,
        "",
        "Give a Starlark flag a short name: `NAME=//SOME:FLAG`.",
    )
    .pairs(checks::pair),
    option(
        List, "env", LOADING, Files, "",
        "Give an environment target a name: `NAME=//LABEL`; beside those of `kiln.toml` and of the files that `$KILN_CONFIG_FILES` lists.",
    )
    .aliases(&["environments_preview_names"])
    .pairs(checks::pair),
    // The configuration.
    option(
        words(&["fastbuild", "dbg", "opt"]), "compilation_mode", BUILDING, Configuration, "fastbuild",
        "Build quickly, for debugging, or optimized.",
    )
    .short('c'),
    option(List, "copt", BUILDING, Configuration, "", "Give an argument to the C and C++ compiler."),
    option(List, "conlyopt", BUILDING, Configuration, "", "Give an argument to the C compiler."),
    option(List, "cxxopt", BUILDING, Configuration, "", "Give an argument to the C++ compiler."),
    option(List, "linkopt", BUILDING, Configuration, "", "Give an argument to the linker."),
    option(
        List, "per_file_copt", BUILDING, Configuration, "",
        "Give arguments to the compiler for some files: `REGEX,-REGEX@ARG,ARG`.",
    ),
    option(List, "host_copt", BUILDING, Configuration, "", "As `--copt`, for tools of the build."),
    option(List, "host_conlyopt", BUILDING, Configuration, "", "As `--conlyopt`, for tools of the build."),
    option(List, "host_cxxopt", BUILDING, Configuration, "", "As `--cxxopt`, for tools of the build."),
    option(List, "host_linkopt", BUILDING, Configuration, "", "As `--linkopt`, for tools of the build."),
    option(
        List, "features", BUILDING, Configuration, "",
        "Enable a feature of the toolchain, or disable it: `-NAME`.",
    ),
    option(List, "host_features", BUILDING, Configuration, "", "As `--features`, for tools of the build."),
    option(
        List, "define", BUILDING, Configuration, "",
        "Set a variable for `config_setting(define_values = ...)` and `$(NAME)`: `NAME=VALUE`.",
    )
    .pairs(checks::pair),
    option(
        List, "action_env", BUILDING, Configuration, "",
        "Set a variable in the environment of actions: `NAME=VALUE`, or `NAME` to take the value of kiln's own.",
    )
    .pairs(checks::env),
    option(List, "host_action_env", BUILDING, Configuration, "", "As `--action_env`, for tools of the build.")
        .pairs(checks::env),
    option(Commas, "platforms", BUILDING, Configuration, "", "Build for this `platform` target."),
    option(Text, "host_platform", BUILDING, Configuration, "", "The `platform` target of this machine."),
    option(Text, "cpu", BUILDING, Configuration, "", "Name of the processor for `config_setting(values = {\"cpu\": ...})`."),
    option(Text, "compiler", BUILDING, Configuration, "", "Name of the C++ compiler to use."),
    option(
        words(&["off", "default", "fully"]), "dynamic_mode", BUILDING, Configuration, "default",
        "How far libraries are linked dynamically.",
    ),
    option(Flag, "force_pic", BUILDING, Configuration, "false", "Compile everything position independent."),
    option(
        words(&["always", "sometimes", "never"]), "strip", BUILDING, Configuration, "sometimes",
        "Strip debug information from binaries.",
    ),
    option(List, "stripopt", BUILDING, Configuration, "", "Give an argument to `strip`."),
    option(Flag, "stamp", BUILDING, Configuration, "false", "Put build information into binaries."),
    option(Text, "workspace_status_command", BUILDING, Configuration, "", "The program that prints build information."),
    option(Text, "embed_label", BUILDING, Configuration, "", "The release name in build information."),
    option(Flag, "collect_code_coverage", BUILDING, Configuration, "false", "Instrument for coverage."),
    option(Text, "instrumentation_filter", BUILDING, Configuration, "", "What to instrument for coverage."),
    // Which targets.
    option(Flag, "build_tests_only", BUILDING, Selection, "false", "Build only what tests need."),
    option(Commas, "build_tag_filters", BUILDING, Selection, "", "Build targets with (or `-` without) one of these tags."),
    option(Commas, "test_tag_filters", BUILDING, Selection, "", "Run tests with (or `-` without) one of these tags."),
    option(Commas, "test_size_filters", BUILDING, Selection, "", "Run tests of these sizes, or with `-` not those: `small`, `medium`, `large`, `enormous`.").check(checks::sizes),
    option(Commas, "test_timeout_filters", BUILDING, Selection, "", "Run tests of these timeouts, or with `-` not those: `short`, `moderate`, `long`, `eternal`.").check(checks::timeout_classes),
    option(Commas, "test_lang_filters", BUILDING, Selection, "", "Run tests of these languages, or with `-` not those: `cc` for `cc_test`."),
    option(Flag, "build_manual_tests", BUILDING, Selection, "false", "Build tests tagged `manual` as well."),
    option(Text, "target_pattern_file", BUILDING, Selection, "", "Read target patterns from a file, one a line."),
    option(Flag, "transitive", CLOSURE, Selection, "false", "Follow all the way."),
    option(Flag, "closed", CLOSURE, Selection, "false", "Include the given targets."),
    option(Flag, "implicit_deps", ASKING, Selection, "true", "Follow dependencies that no attribute of the BUILD file names."),
    option(Flag, "tool_deps", ASKING, Selection, "true", "Follow dependencies that run during the build.").aliases(&["host_deps"]),
    // Repositories.
    option(Text, "vendor_dir", LOADING, Repositories, "", "The folder with one checkout for each module; relative to the workspace."),
    option(
        List, "override_module", LOADING, Repositories, "",
        "Take a module from a folder: `NAME=PATH`.",
    )
    .pairs(checks::pair),
    option(
        List, "override_repository", LOADING, Repositories, "",
        "Take a repository from a folder: `NAME=PATH`.",
    )
    .pairs(checks::pair),
    option(Commas, "extra_toolchains", LOADING, Repositories, "", "`toolchain` targets (patterns) to choose from before all that are registered."),
    option(Commas, "extra_execution_platforms", LOADING, Repositories, "", "`platform` targets (patterns) to run actions on before all that are registered."),
    option(
        Flag, "incompatible_disallow_empty_glob", LOADING, Repositories, "false",
        "Refuse `glob` patterns that match nothing, unless the `glob` says `allow_empty = True`.",
    ),
    option(
        Int, "max_computation_steps", LOADING, Repositories, "100000000",
        "How many function calls and loop turns evaluating a file may take; 0 for any number.",
    )
    .check(checks::count),
    option(Commas, "deleted_packages", LOADING, Repositories, "", "Packages that are taken not to be there."),
    // Tests.
    option(Text, "test_filter", BUILDING, Tests, "", "Run only the test cases that match; the test's framework decides how.").aliases(&["filter"]),
    option(List, "test_arg", BUILDING, Tests, "", "Give an argument to every test."),
    option(List, "test_env", BUILDING, Tests, "", "Set a variable for tests: `NAME=VALUE`, or `NAME` to take the value of kiln's own.").pairs(checks::env),
    option(
        words(&["summary", "errors", "all", "streamed"]), "test_output", BUILDING, Tests, "errors",
        "Which tests' output is shown.",
    ),
    option(
        words(&["short", "terse", "detailed", "none", "testcase"]), "test_summary", BUILDING, Tests, "short",
        "What the summary shows.",
    ),
    option(List, "runs_per_test", BUILDING, Tests, "1", "Run each test so often: `N`, or `REGEX@N` for some.").check(checks::runs),
    option(Flag, "runs_per_test_detects_flakes", BUILDING, Tests, "false", "Call a test of which some runs pass and others fail flaky."),
    option(List, "flaky_test_attempts", BUILDING, Tests, "default", "Try a failed test again, up to so many attempts: `N`, or `default` (3 for tests marked `flaky`).").check(checks::attempts),
    option(Text, "test_timeout", BUILDING, Tests, "", "Seconds a test may run: one number, or four for short, moderate, long and eternal ones.").check(checks::timeouts),
    option(Kind::Choice(TRI), "cache_test_results", BUILDING, Tests, "auto", "Reuse results of tests.").short('t'),
    option(Expansion(&["--nocache_test_results"]), "force", VerbSet::of(&[Verb::Test]), Tests, "", "Run tests even if there are results."),
    option(Text, "test_strategy", BUILDING, Tests, "", "How tests run: `exclusive` runs each alone; Bazel's other strategies (`standalone`, `sandboxed`, ...) mean what `--sandbox` says.").check(checks::strategies),
    option(
        words(&["explicit", "disabled"]), "test_sharding_strategy", BUILDING, Tests, "explicit",
        "Whether `shard_count` is heeded.",
    ),
    option(
        Flag, "incompatible_check_sharding_support", BUILDING, Tests, "true",
        "Fail tests with `shard_count` that do not say that they know which shard they are.",
    ),
    option(Flag, "test_keep_going", BUILDING, Tests, "true", "Go on with other tests when one fails."),
    option(Flag, "test_runner_fail_fast", BUILDING, Tests, "false", "Let a test stop at its first failed case."),
    option(Text, "local_test_jobs", BUILDING, Tests, "auto", "How many tests run at a time: a number, `HOST_CPUS*.5`; `auto` and 0 mean as many as `--jobs` allows.").check(checks::test_jobs),
    option(Text, "run_under", BUILDING, Tests, "", "Put a command in front of what is run: `strace -f`, or `//TARGET ARGS` to build and run a target of its own.").check(checks::run_under),
    // Execution.
    option(Text, "jobs", LOADING.and(SERVE), Execution, "auto", "How many actions run at a time: a number, `auto` (processors and two more), `HOST_CPUS*.5`.").short('j').check(jobs::check),
    option(Flag, "keep_going", LOADING, Execution, "false", "Go on as far as possible after an error.").short('k'),
    option(Expansion(&["--nokeep_going"]), "fail_fast", LOADING, Execution, "", "Stop at the first error."),
    option(Flag, "build", BUILDING, Execution, "true", "Run actions; `--nobuild` stops after analysis."),
    option(Flag, "analyze", BUILDING, Execution, "true", "Analyze; `--noanalyze` stops after loading."),
    option(Flag, "check_visibility", LOADING, Execution, "true", "Enforce `visibility`."),
    option(
        Kind::Choice(Choice {
            words: &["auto", "required", "landlock", "off"],
            synonyms: &[("require", "required")],
            implicit: None,
            negated: Some("off"),
        }),
        "sandbox", RUNNING, Execution, "auto",
        "What actions run in: the strictest sandbox that this machine permits, a strict one or none at all (`required`), one without namespaces (`landlock`), or a plain folder (`off`).",
    ),
    option(
        Kind::Choice(Choice {
            words: &["never", "on-failure", "always"],
            synonyms: &[("on_failure", "on-failure")],
            implicit: Some("always"),
            negated: Some("never"),
        }),
        "keep_sandboxes", BUILDING, Execution, "never",
        "Keep the folders in which actions ran, with a script that repeats each.",
    ),
    option(Expansion(&["--keep_sandboxes=on-failure"]), "sandbox_debug", BUILDING, Execution, "", "As `--keep_sandboxes=on-failure`."),
    option(
        Text, "sandbox_memory_limit_mb", RUNNING, Execution, "0",
        "MiB of memory that one action may use: a number, or `HOST_RAM*.5`; 0 is no limit.",
    )
    .aliases(&["experimental_sandbox_memory_limit_mb"])
    .check(jobs::check_or_none),
    option(
        Text, "sandbox_process_limit", RUNNING, Execution, "auto",
        "How many processes and threads one action may have at a time; 0 is no limit, `auto` a high one where it costs nothing.",
    )
    .check(jobs::check_count),
    option(Text, "kiln_version", ALL, Execution, "", "The version of kiln that the workspace is for; any other refuses to work."),
    option(Text, "cache_dir", ALL, Execution, "", "The folder of the store, instead of `~/.cache/kiln`."),
    option(Flag, "enable_runfiles", BUILDING, Execution, "true", "Lay out the runfiles of programs that are built by name."),
    option(Text, "symlink_prefix", BUILDING, Execution, "kiln-", "What the link to the outputs is called: the prefix and `out`."),
    // What environments may have values of their own for (ENV-075).
    option(
        List, "system_binaries_system_binary_paths", BUILDING, Execution, "",
        "A folder in which programs are looked for, and where actions find them: all of these are their `PATH`; without any the usual six, from `/usr/local/bin` to `/sbin`. `<PATH>` stands for the folders of the environment's own `PATH`.",
    )
    .aware()
    .check(checks::search_path),
    option(
        List, "subprocess_environment_env_vars", BUILDING, Execution, "",
        "Set a variable for actions that take the default environment, and for tests: `NAME=VALUE`, or `NAME` to take the value that it has where they run.",
    )
    .aware()
    .pairs(checks::env),
    option(
        List, "test_extra_env_vars", BUILDING, Execution, "",
        "Set a variable for tests: `NAME=VALUE`, or `NAME` to take the value that it has where they run.",
    )
    .aware()
    .pairs(checks::env),
    option(
        List, "cc_executable_search_paths", BUILDING, Execution, "",
        "A folder in which the C and C++ compiler is looked for, as in `--system_binaries_system_binary_paths`, whose folders are taken if there is none.",
    )
    .aware()
    .check(checks::search_path),
    option(
        List, "python_bootstrap_search_path", BUILDING, Execution, "",
        "A folder in which the Python interpreter is looked for, as in `--system_binaries_system_binary_paths`, whose folders are taken if there is none.",
    )
    .aware()
    .check(checks::search_path),
    option(
        List, "shell_setup_executable_search_paths", BUILDING, Execution, "",
        "A folder in which the shell is looked for, as in `--system_binaries_system_binary_paths`, whose folders are taken if there is none.",
    )
    .aware()
    .check(checks::search_path),
    option(Flag, "docker_execution", BUILDING.and(VerbSet::of(&[Verb::Env])), Execution, "true", "Use containers: a `docker_environment` matches, otherwise its `fallback_environment` is taken."),
    option(
        words(&["on", "off", "compare"]), "race", BUILDING, Execution, "on",
        "Where an environment says `race_with`: ask both and take the first good result, ask one, or let both end and compare what they made.",
    ),
    // Remote caches and workers.
    option(Text, "remote_cache", REMOTE, Execution, "", "Look for results on this server first, and tell it new ones: `grpc://HOST:PORT`, `grpcs://HOST:PORT`."),
    option(Text, "remote_executor", REMOTE.and(VerbSet::of(&[Verb::Env])), Execution, "", "Run actions on this server's workers: `grpc://HOST:PORT`, `grpcs://HOST:PORT`. Without `--remote_cache` it is the cache as well."),
    option(List, "remote_exec_header", REMOTE, Execution, "", "As `--remote_header`, for workers alone.").pairs(checks::pair).secret(),
    option(Text, "remote_instance_name", REMOTE, Execution, "", "The part of the server that is meant."),
    option(List, "remote_header", REMOTE, Execution, "", "Send a header with each call: `NAME=VALUE`.").pairs(checks::pair).secret(),
    option(List, "remote_cache_header", REMOTE, Execution, "", "As `--remote_header`, for the cache alone.").pairs(checks::pair).secret(),
    option(Text, "remote_token_file", REMOTE, Execution, "", "A file with a token, sent with each call as `authorization: Bearer TOKEN`."),
    option(List, "credential_helper", REMOTE, Execution, "", "A program that knows credentials: `PROGRAM`, or `HOST=PROGRAM` for one host (`*.example.com` for several)."),
    option(Text, "tls_certificate", REMOTE, Execution, "", "Certificates (PEM) to trust instead of the system's."),
    option(Text, "tls_client_certificate", REMOTE, Execution, "", "The certificate (PEM) that this client shows."),
    option(Text, "tls_client_key", REMOTE, Execution, "", "The key (PEM) of `--tls_client_certificate`."),
    option(Flag, "remote_accept_cached", BUILDING, Execution, "true", "Use results of the remote cache."),
    option(Flag, "remote_upload_local_results", BUILDING, Execution, "true", "Tell the remote cache what was run here."),
    option(Text, "remote_timeout", REMOTE, Execution, "60", "How long a call of a server may make no progress, in seconds.").check(checks::time),
    option(Int, "remote_retries", BUILDING, Execution, "5", "How often a call of a server is tried again.").check(checks::count),
    option(
        words(&["fallback", "wait", "fail"]), "remote_down", BUILDING, Execution, "fallback",
        "What to do when the server cannot be reached: do without, wait until it is back, or end the build.",
    ),
    option(
        words(&["all", "toplevel", "minimal"]), "remote_download_outputs", BUILDING, Execution, "toplevel",
        "Which outputs come from the server: all, those of the targets that were asked for, or only what is needed here. The others stay there.",
    )
    .aliases(&["download"]),
    option(Expansion(&["--remote_download_outputs=all"]), "remote_download_all", BUILDING, Execution, "", "As `--remote_download_outputs=all`."),
    option(Expansion(&["--remote_download_outputs=toplevel"]), "remote_download_toplevel", BUILDING, Execution, "", "As `--remote_download_outputs=toplevel`."),
    option(Expansion(&["--remote_download_outputs=minimal"]), "remote_download_minimal", BUILDING, Execution, "", "As `--remote_download_outputs=minimal`."),
    option(List, "remote_download_regex", BUILDING, Execution, "", "Outputs that come from the server in any case: a regular expression for the whole path, `kiln-out/fastbuild/bin/a.txt`."),
    // Serving others.
    option(Text, "listen", SERVE, Execution, "127.0.0.1:8980", "Where to listen: `HOST:PORT` (port 0 is any that is free), or `unix:PATH` for this user alone."),
    option(Text, "instance_name", SERVE, Execution, "", "The instance that clients must name (`--remote_instance_name`)."),
    option(Text, "token_file", SERVE, Execution, "", "A file with a token that clients must send as `authorization: Bearer TOKEN`."),
    option(Text, "tls_server_certificate", SERVE, Execution, "", "The certificate (PEM) that the server shows: clients then use `grpcs://`."),
    option(Text, "tls_server_key", SERVE, Execution, "", "The key (PEM) of `--tls_server_certificate`."),
    option(Flag, "allow_insecure_listen", SERVE, Execution, "false", "Let other machines in although there is no token or no encryption."),
    option(Flag, "read_only", SERVE, Execution, "false", "Take results from actions that ran here alone, and none from clients."),
    // Display.
    option(
        Kind::Choice(Choice {
            words: &["auto", "always", "never"],
            synonyms: &[("yes", "always"), ("no", "never"), ("true", "always"), ("false", "never")],
            implicit: None,
            negated: None,
        }),
        "color", ALL, Display, "auto", "Use colors.",
    ),
    option(
        Kind::Choice(Choice {
            words: &["auto", "full", "plain", "none"],
            synonyms: &[("yes", "full"), ("no", "plain"), ("true", "full"), ("false", "plain")],
            implicit: None,
            negated: None,
        }),
        "ui", ALL, Display, "auto", "Show progress live, as plain lines, or not at all.",
    )
    .aliases(&["curses"]),
    option(words(&["text", "json", "dot"]), "format", ALL, Display, "text", "Print results for people or for programs; `dot` is for `rules graph`."),
    option(Expansion(&["--format=json"]), "json", VerbSet::of(&[Verb::Help]), Display, "", "As `--format=json`."),
    option(Flag, "origin", VerbSet::of(&[Verb::Config]), Display, "false", "Show for each value of `config show` what said it, the weakest first."),
    option(Text, "output", ASKING, Display, "label", "What `query` prints: `label` or `label_kind`."),
    option(Flag, "verbose_failures", BUILDING, Display, "true", "Show the command line of an action that failed."),
    option(
        Kind::Choice(Choice {
            words: &["no", "yes", "pretty_print"],
            synonyms: &[("true", "yes"), ("1", "yes"), ("false", "no"), ("0", "no")],
            implicit: Some("yes"),
            negated: Some("no"),
        }),
        "subcommands", BUILDING, Display, "no", "Show the command line of each action that runs.",
    )
    .short('s'),
    option(Text, "explain", BUILDING, Display, "", "Write to a file why each process ran: what is different since the last command with this flag."),
    option(Int, "show_result", BUILDING, Display, "1", "Show the outputs of at most so many targets."),
    option(Flag, "show_progress", ALL, Display, "true", "Show progress."),
    option(Flag, "exclude_defaults", VerbSet::of(&[Verb::Peek]), Display, "false", "Leave out attributes with their default values."),
    option(Flag, "quiet", ALL, Display, "false", "Show errors and results only.").short('q'),
    option(Flag, "verbose", ALL, Display, "false", "Show more of what kiln does.").short('v'),
    option(Flag, "expunge", VerbSet::of(&[Verb::Clean]), Execution, "false", "Remove what this workspace has in the store as well."),
    option(Text, "max_bytes", VerbSet::of(&[Verb::Cache]), Execution, "", "Shrink the store to so many bytes.").check(checks::bytes),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Value;

    #[test]
    fn names_are_unique_and_well_formed() {
        let mut seen = BTreeSet::new();
        for option in OPTIONS {
            for name in std::iter::once(&option.name).chain(option.aliases) {
                assert!(seen.insert(*name), "{name} is there twice");
                assert!(
                    name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()),
                    "{name}"
                );
                assert!(std::ptr::eq(
                    find_option(&name.replace('_', "-")).unwrap(),
                    option
                ));
                // `--noX` must not be another option.
                assert!(find_option(&format!("no{name}")).is_none(), "{name}");
            }
            if let Some(letter) = option.short {
                assert!(
                    seen.insert(Box::leak(letter.to_string().into_boxed_str())),
                    "{letter}"
                );
            }
            assert!(option.doc.ends_with('.'), "{}", option.name);
        }
    }

    #[test]
    fn defaults_are_values() {
        for option in OPTIONS.iter().filter(|option| !option.default.is_empty()) {
            let value = Value::parse(option, option.default);
            assert!(value.is_ok(), "{}: {value:?}", option.name);
        }
    }
}
