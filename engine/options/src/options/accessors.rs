//! Accessors of single options.

use std::path::PathBuf;
use std::sync::Arc;

use super::{EnvSetting, Options, RunUnder, as_text};
use crate::Value;
use crate::checks::{byte_count, four_timeouts, per_label, seconds, words_in_front};
use crate::jobs::{self, HostResources};
use crate::registry::find_option;

/// Accessors by the kind of value. Each name is checked against the registry by a test.
macro_rules! accessors {
    ($($kind:ident $method:ident $(= $name:literal)? -> $type:ty;)*) => {
        impl Options {
            $(
                #[doc = concat!("`--", accessors!(@name $method $($name)?), "`")]
                pub fn $method(&self) -> $type {
                    self.$kind(accessors!(@name $method $($name)?))
                }
            )*
        }

        #[cfg(test)]
        const ACCESSED: &[(&str, &str)] =
            &[$((stringify!($kind), accessors!(@name $method $($name)?))),*];
    };
    (@name $method:ident $name:literal) => { $name };
    (@name $method:ident) => { stringify!($method) };
}

accessors! {
    flag announce_rc -> bool;
    list copts = "copt" -> Vec<Arc<str>>;
    list conlyopts = "conlyopt" -> Vec<Arc<str>>;
    list cxxopts = "cxxopt" -> Vec<Arc<str>>;
    list linkopts = "linkopt" -> Vec<Arc<str>>;
    list per_file_copts = "per_file_copt" -> Vec<Arc<str>>;
    list host_copts = "host_copt" -> Vec<Arc<str>>;
    list host_conlyopts = "host_conlyopt" -> Vec<Arc<str>>;
    list host_cxxopts = "host_cxxopt" -> Vec<Arc<str>>;
    list host_linkopts = "host_linkopt" -> Vec<Arc<str>>;
    list features -> Vec<Arc<str>>;
    list host_features -> Vec<Arc<str>>;
    pairs defines = "define" -> Vec<(Arc<str>, Arc<str>)>;
    env action_env -> Vec<EnvSetting>;
    env host_action_env -> Vec<EnvSetting>;
    commas platforms -> Vec<Arc<str>>;
    text host_platform -> Option<&str>;
    text cpu -> Option<&str>;
    text compiler -> Option<&str>;
    text kiln_version -> Option<&str>;
    flag force_pic -> bool;
    list stripopts = "stripopt" -> Vec<Arc<str>>;
    flag stamp -> bool;
    text workspace_status_command -> Option<&str>;
    text embed_label -> Option<&str>;
    flag collect_code_coverage -> bool;
    text instrumentation_filter -> Option<&str>;
    flag build_tests_only -> bool;
    commas build_tag_filters -> Vec<Arc<str>>;
    commas test_tag_filters -> Vec<Arc<str>>;
    commas test_size_filters -> Vec<Arc<str>>;
    commas test_timeout_filters -> Vec<Arc<str>>;
    commas test_lang_filters -> Vec<Arc<str>>;
    flag build_manual_tests -> bool;
    flag transitive -> bool;
    flag closed -> bool;
    flag implicit_deps -> bool;
    flag tool_deps -> bool;
    overrides override_modules = "override_module" -> Vec<(Arc<str>, PathBuf)>;
    overrides override_repositories = "override_repository" -> Vec<(Arc<str>, PathBuf)>;
    commas extra_toolchains -> Vec<Arc<str>>;
    commas extra_execution_platforms -> Vec<Arc<str>>;
    flag incompatible_disallow_empty_glob -> bool;
    number max_computation_steps -> i64;
    commas deleted_packages -> Vec<Arc<str>>;
    text test_filter -> Option<&str>;
    list test_args = "test_arg" -> Vec<Arc<str>>;
    env test_env -> Vec<EnvSetting>;
    text test_strategy -> Option<&str>;
    flag test_keep_going -> bool;
    flag runs_per_test_detects_flakes -> bool;
    flag test_runner_fail_fast -> bool;
    flag check_sharding = "incompatible_check_sharding_support" -> bool;
    flag keep_going -> bool;
    flag build -> bool;
    flag analyze -> bool;
    flag check_visibility -> bool;
    text cache_dir -> Option<&str>;
    flag enable_runfiles -> bool;
    flag verbose_failures -> bool;
    text output -> Option<&str>;
    flag show_progress -> bool;
    flag docker_execution -> bool;
    word listen -> &str;
    text instance_name -> Option<&str>;
    text token_file -> Option<&str>;
    text tls_server_certificate -> Option<&str>;
    text tls_server_key -> Option<&str>;
    flag allow_insecure_listen -> bool;
    flag read_only -> bool;
    flag origin -> bool;
    text remote_cache -> Option<&str>;
    text remote_executor -> Option<&str>;
    list remote_exec_headers = "remote_exec_header" -> Vec<Arc<str>>;
    text remote_instance_name -> Option<&str>;
    list remote_headers = "remote_header" -> Vec<Arc<str>>;
    list remote_cache_headers = "remote_cache_header" -> Vec<Arc<str>>;
    list credential_helpers = "credential_helper" -> Vec<Arc<str>>;
    flag remote_accept_cached -> bool;
    flag remote_upload_local_results -> bool;
    word remote_down -> &str;
    word race -> &str;
    word remote_download_outputs -> &str;
    list remote_download_regexes = "remote_download_regex" -> Vec<Arc<str>>;
    number remote_retries -> i64;
    flag exclude_defaults -> bool;
    flag quiet -> bool;
    flag verbose -> bool;
    flag expunge -> bool;
    word compilation_mode -> &str;
    word dynamic_mode -> &str;
    word strip -> &str;
    word test_output -> &str;
    word test_summary -> &str;
    word test_sharding_strategy -> &str;
    word cache_test_results -> &str;
    word sandbox -> &str;
    word keep_sandboxes -> &str;
    word symlink_prefix -> &str;
    word color -> &str;
    word ui -> &str;
    word format -> &str;
    word subcommands -> &str;
    number show_result -> i64;
}

impl Options {
    /// An option that always has a value: its default is one.
    fn word(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    fn number(&self, name: &str) -> i64 {
        match self.given(name).next_back().map(|given| &given.value) {
            Some(Value::Int(number)) => *number,
            _ => find_option(name)
                .and_then(|option| option.default.parse().ok())
                .unwrap_or(0),
        }
    }

    /// `--jobs`, on this machine.
    pub fn jobs(&self, host: HostResources) -> usize {
        jobs::evaluate(self.word("jobs"), host).unwrap_or(host.cpus + 2)
    }

    /// `--local_test_jobs`, on this machine; `None`: as many as there are jobs.
    pub fn local_test_jobs(&self, host: HostResources) -> Option<usize> {
        match self.word("local_test_jobs") {
            "auto" | "0" => None,
            text => jobs::evaluate(text, host),
        }
    }

    /// `--sandbox_memory_limit_mb`, on this machine; `None`: no limit.
    pub fn sandbox_memory_limit_mb(&self, host: HostResources) -> Option<u64> {
        let text = self.word("sandbox_memory_limit_mb");
        let number = jobs::evaluate(text, host)?;
        u64::try_from(number).ok()
    }

    /// `--sandbox_process_limit`: 0 is no limit, `None` is `auto`.
    pub fn sandbox_process_limit(&self) -> Option<u64> {
        self.word("sandbox_process_limit").parse().ok()
    }

    /// `--vendor_dir`; relative to the root of the workspace.
    pub fn vendor_dir(&self) -> Option<PathBuf> {
        let path = self.text("vendor_dir")?;
        let root = self.workspace.as_ref().unwrap_or(&self.cwd);
        Some(root.join(path))
    }

    /// `--target_pattern_file`; relative to the user's folder.
    pub fn target_pattern_file(&self) -> Option<PathBuf> {
        self.text("target_pattern_file").map(|path| self.path(path))
    }

    /// `--explain`; relative to the user's folder.
    pub fn explain(&self) -> Option<PathBuf> {
        self.text("explain").map(|path| self.path(path))
    }

    /// `--remote_timeout`, in seconds; at least one.
    pub fn remote_timeout(&self) -> u64 {
        let text = self.word("remote_timeout");
        seconds(text).unwrap_or(60).max(1)
    }

    /// `--remote_token_file`; relative to the user's folder.
    pub fn remote_token_file(&self) -> Option<PathBuf> {
        self.text("remote_token_file").map(|path| self.path(path))
    }

    /// `--tls_certificate`; relative to the user's folder.
    pub fn tls_certificate(&self) -> Option<PathBuf> {
        self.text("tls_certificate").map(|path| self.path(path))
    }

    /// `--tls_client_certificate`; relative to the user's folder.
    pub fn tls_client_certificate(&self) -> Option<PathBuf> {
        let path = self.text("tls_client_certificate");
        path.map(|path| self.path(path))
    }

    /// `--tls_client_key`; relative to the user's folder.
    pub fn tls_client_key(&self) -> Option<PathBuf> {
        self.text("tls_client_key").map(|path| self.path(path))
    }

    /// `--runs_per_test`: the patterns for labels (`None`: all others) with the numbers. The last
    /// one that fits a label counts.
    pub fn runs_per_test(&self) -> Vec<(Option<Arc<str>>, u32)> {
        let texts = self.given("runs_per_test").filter_map(as_text);
        texts
            .filter_map(|text| per_label(text, |n| n.parse().ok()))
            .collect()
    }

    /// `--flaky_test_attempts`, as [`Options::runs_per_test`]; the number is `None` for `default`.
    pub fn flaky_test_attempts(&self) -> Vec<(Option<Arc<str>>, Option<u32>)> {
        let attempts = |n: &str| match n {
            "default" => Some(None),
            n => n.parse().ok().map(Some),
        };
        let texts = self.given("flaky_test_attempts").filter_map(as_text);
        texts.filter_map(|text| per_label(text, attempts)).collect()
    }

    /// `--test_timeout`: seconds for short, moderate, long and eternal tests; `None` for those
    /// that keep their own.
    pub fn test_timeouts(&self) -> [Option<u64>; 4] {
        let text = self.text("test_timeout").unwrap_or_default();
        four_timeouts(text).unwrap_or_default()
    }

    /// `--run_under`; `None` for none, or for an empty one.
    pub fn run_under(&self) -> Option<RunUnder> {
        words_in_front(self.text("run_under")?)
    }

    /// `--max_bytes`.
    pub fn max_bytes(&self) -> Option<u64> {
        byte_count(self.text("max_bytes")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn accessors_fit_the_registry() {
        for (accessor, name) in ACCESSED {
            let option = find_option(name).unwrap_or_else(|| panic!("no option {name}"));
            assert_eq!(option.name, *name);
            let fits = match *accessor {
                "flag" => option.kind == Kind::Flag,
                "list" | "pairs" | "env" | "overrides" => option.kind == Kind::List,
                "commas" => option.kind == Kind::Commas,
                "number" => option.kind == Kind::Int,
                "text" => option.kind == Kind::Text,
                "word" => {
                    matches!(option.kind, Kind::Choice(_) | Kind::Text)
                        && !option.default.is_empty()
                }
                _ => false,
            };
            assert!(fits, "{accessor} {name}");
        }
    }
}
