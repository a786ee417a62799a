//! Bazel's flags that kiln has no counterpart for, so that rc files written for Bazel can be read.
//!
//! A flag is *irrelevant* if a build without it gives the same results (memory of a virtual
//! machine, progress bars, Bazel's own caches, languages that kiln's rules do not know). It is
//! *unsupported* if a build that heeded it could differ; such flags are kept in
//! [`Options::bazel_flags`](crate::Options::bazel_flags) for whoever checks a migration.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What is known of a flag of Bazel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BazelFlag {
    /// Ignoring it could change a result.
    pub unsupported: bool,
    value: bool,
}

impl BazelFlag {
    /// Whether `--name` alone takes the next word as its value.
    pub(crate) fn needs_value(self) -> bool {
        self.value
    }
}

/// What is known of a flag of Bazel, by its name with underscores and without dashes, `no` in
/// front allowed; `None` if Bazel has none of that name, as far as is known.
pub fn bazel_flag(name: &str) -> Option<BazelFlag> {
    if let Some(flag) = table().get(name) {
        return Some(*flag);
    }
    let positive = name.strip_prefix("no").unwrap_or(name);
    if let Some(flag) = table().get(positive).filter(|flag| !flag.value) {
        return Some(*flag);
    }
    // There are hundreds of these, and each release has others.
    let passing = ["experimental_", "incompatible_", "internal_"];
    passing
        .iter()
        .any(|prefix| positive.starts_with(prefix))
        .then_some(BazelFlag {
            unsupported: false,
            value: false,
        })
}

/// The names of all flags of the table, for "did you mean".
pub(crate) fn bazel_names() -> impl Iterator<Item = &'static str> {
    table().keys().copied()
}

fn table() -> &'static HashMap<&'static str, BazelFlag> {
    static TABLE: OnceLock<HashMap<&'static str, BazelFlag>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let groups = [
            (IRRELEVANT, false, false),
            (IRRELEVANT_VALUES, false, true),
            (UNSUPPORTED, true, false),
            (UNSUPPORTED_VALUES, true, true),
        ];
        let mut table = HashMap::new();
        for (names, unsupported, value) in groups {
            let names = names.split_ascii_whitespace();
            table.extend(names.map(|name| (name, BazelFlag { unsupported, value })));
        }
        table
    })
}

/// Irrelevant, on or off.
const IRRELEVANT: &str = "
    all_incompatible_changes allow_analysis_failures allow_unresolved_symlinks announce
    apple_generate_dsym async attempt_to_print_relative_paths autodetect_server_javabase batch
    batch_cpu_scheduling bep_publish_used_heap_size_post_build bes_best_effort
    bes_lifecycle_events block_for_lock build_event_binary_file_path_conversion
    build_event_json_file_path_conversion build_event_publish_all_actions
    build_event_text_file_path_conversion build_runfile_links build_runfile_manifests
    build_test_dwp check_bzl_visibility check_tests_up_to_date check_up_to_date client_debug
    compile_one_dependency consistent_labels deduplicate_depsets deep_execroot
    desugar_for_android device_debug_entitlements discard_analysis_cache
    discard_orphaned_artifacts enable_bzlmod enable_propeller_optimize_absolute_paths
    enable_workspace enforce_constraints enforce_transitive_configs_for_config_feature_flag
    expand_test_suites experimental_ui expunge_async fatal_event_bus_exceptions fetch
    generate_json_trace_profile google_default_credentials graphless_query
    guard_against_concurrent_changes heap_dump_on_oom heuristically_drop_nodes host_jvm_debug
    ignore_dev_dependency ignore_unsupported_sandboxing include_artifacts include_commandline
    include_param_files incremental_dexing infer_universe_scope inmemory_dotd_files
    inmemory_unused_inputs_list instrument_test_targets java_debug java_deps
    java_header_compilation keep_backend_build_event_connections_alive keep_state_after_build
    legacy_external_runfiles legacy_important_outputs legacy_local_fallback
    materialize_param_files nodep_deps objc_generate_linkmap objc_use_dotd_pruning
    one_version_enforcement_on_java_tests preemptible print_relative_test_log_paths
    progress_in_terminal_title proto_include_rule_inputs relative_locations
    remote_cache_async remote_cache_compression remote_local_fallback remote_require_cached
    remote_verify_downloads reuse_sandbox_directories
    run_validations sandbox_default_allow_network
    sandbox_explicit_pseudoterminal sandbox_fake_hostname sandbox_fake_username save_temps
    show_loading_progress show_make_env show_task_finish show_timestamps shutdown_on_low_sys_mem
    skyframe_state slim_profile strict_filesets suggest swift_whole_module_optimization
    test_verbose_timeout_warnings track_incremental_state trim_test_configuration
    unlimit_coredumps use_action_cache use_ijars use_target_platform_for_tests
    verbose_explanations watchfs windows_enable_symlinks worker_multiplex
    worker_quit_after_build worker_sandboxing worker_verbose write_command_log
    xml_default_values zip_undeclared_test_outputs
";

/// Irrelevant, with a value.
const IRRELEVANT_VALUES: &str = "
    allow_yanked_versions android_compiler android_cpu android_databinding_use_v3_4_args
    android_manifest_merger android_platforms android_sdk apple_bitcode apple_crosstool_top
    apple_platform_type apple_platforms aspect_deps auto_output_filter
    bep_maximum_open_remote_upload_files bes_backend bes_check_preceding_lifecycle_events
    bes_header bes_instance_name bes_keywords bes_oom_finish_upload_timeout
    bes_outerr_buffer_size bes_outerr_chunk_size bes_proxy bes_results_url bes_system_keywords
    bes_timeout bes_upload_mode blazerc build_event_binary_file
    build_event_binary_file_upload_mode build_event_json_file build_event_json_file_upload_mode
    build_event_max_named_set_of_file_entries build_event_text_file
    build_event_text_file_upload_mode build_event_upload_max_retries
    build_event_upload_max_threads build_metadata build_request_id cache_computed_file_digests
    check_constraint check_direct_dependencies clean_style client_env combined_report
    connect_deadline connect_timeout_secs credential_helper_cache_duration
    credential_helper_timeout cs_fdo_absolute_path default_ios_provisioning_profile
    digest_function disk_cache distdir downloader_config dynamic_local_execution_delay
    dynamic_local_strategy dynamic_remote_strategy execution_log_binary_file
    execution_log_compact_file execution_log_json_file execution_log_sort failure_detail_out
    fat_apk_cpu gc_thrashing_limits gc_thrashing_threshold genrule_strategy google_auth_scopes
    google_credentials grpc_keepalive_time grpc_keepalive_timeout heap_dump_dir
    heuristically_drop_nodes_after high_priority_workers host_cpu host_java_launcher
    host_java_toolchain host_javabase host_javacopt host_jvm_args host_jvm_profile host_jvmopt
    host_objccopt http_connector_attempts http_connector_retry_max_timeout
    http_max_parallel_downloads http_timeout_scaling install_base invocation_id
    invocation_policy io_nice_level ios_cpu ios_minimum_os ios_multi_cpus ios_sdk_version
    ios_signing_cert_name ios_simulator_device ios_simulator_version java_classpath
    java_language_version java_launcher java_optimization_mode java_runtime_version
    java_toolchain javabase javacopt jvm_heap_histogram_internal_object_pattern jvmopt
    loading_phase_threads local_cpu_resources local_extra_resources local_ram_resources
    local_resources local_startup_timeout_secs local_termination_grace_seconds lockfile_mode
    logging low_memory_warning macos_cpus macos_minimum_os macos_qos_class macos_sdk_version
    master_blazerc max_config_changes_to_show max_idle_secs
    max_test_output_bytes memory_profile memory_profile_stable_heap_parameters module_mirrors
    nested_set_depth_limit objccopt one_version_enforcement optimizing_dexer order_output
    output_base output_filter output_tree_tracking output_user_root package_path
    platform_mappings plugin profile profiles_to_retain progress_report_interval proguard_top
    proto_compiler proto_toolchain_for_cc proto_toolchain_for_j2objc proto_toolchain_for_java
    proto_toolchain_for_javalite protocopt python_native_rules_allowlist python_top
    ram_utilization_factor registry remote_build_event_upload remote_bytestream_uri_prefix
    remote_default_exec_properties
    remote_default_platform_properties
    remote_download_symlink_template remote_downloader remote_downloader_header
    remote_execution_priority remote_grpc_log
    remote_local_fallback_strategy remote_max_connections
    remote_print_execution_messages remote_proxy remote_result_cache_priority
    remote_retry_max_delay repo repo_contents_cache
    repo_contents_cache_gc_idle_delay repo_contents_cache_gc_max_age repository_cache
    rewind_retries sandbox_add_mount_pair sandbox_async_tree_delete_idle_threads sandbox_base
    sandbox_block_path sandbox_tmpfs_path sandbox_writable_path scale_timeouts server_javabase
    server_jvm_out show_config_fragments show_progress_rate_limit
    skyframe_high_water_mark_full_gc_drops_per_invocation
    skyframe_high_water_mark_minor_gc_drops_per_invocation skyframe_high_water_mark_threshold
    spawn_strategy starlark_cpu_profile strategy strategy_regexp strict_java_deps
    strict_proto_deps strict_public_imports swiftcopt target_environment terminal_columns
    test_result_expiration test_tmpdir
    tool_java_language_version tool_java_runtime_version tool_tag toolchain_resolution_debug
    transitions tvos_cpus tvos_minimum_os tvos_sdk_version tvos_simulator_device
    tvos_simulator_version ui_actions_shown ui_event_filters universe_scope verbosity
    visionos_cpus watchos_cpus watchos_minimum_os watchos_sdk_version watchos_simulator_device
    watchos_simulator_version worker_extra_flag worker_max_instances
    worker_max_multiplex_instances worker_max_retries xcode_version xcode_version_config
";

/// Unsupported, on or off.
const UNSUPPORTED: &str = "
    break_build_on_parallel_dex2oat_failure build_python_zip enable_fdo_profile_absolute_path
    force_ignore_dash_static interface_shared_objects legacy_whole_archive microcoverage omitfp
    output_symbol_counts parse_headers_verifies_modules process_headers_in_dependencies
    share_native_deps start_end_lib strict_system_includes use_top_level_targets_for_symlinks
";

/// Unsupported, with a value.
const UNSUPPORTED_VALUES: &str = "
    aspects aspects_parameters bolt_profile cc_proto_library_header_suffixes
    cc_proto_library_source_suffixes coverage_output_generator coverage_report_generator
    coverage_support crosstool_top cs_fdo_instrument cs_fdo_profile custom_malloc
    default_test_resources exec_aspects experimental_action_listener experimental_multi_cpu
    experimental_output_paths experimental_remote_grpc_log experimental_ui_max_stdouterr_bytes
    fdo_instrument fdo_optimize fdo_prefetch_hints
    fdo_profile fission force_python grte_top host_compilation_mode host_compiler
    host_crosstool_top host_force_python host_grte_top host_ltobackendopt host_per_file_copt
    host_stripopt inject_repository lipo_context ltobackendopt ltoindexopt memprof_profile
    minimum_os_version modify_execution_info output_groups per_file_ltobackendopt
    platform_suffix propeller_optimize propeller_optimize_cc_profile
    propeller_optimize_ld_profile python2_path python3_path python_path python_version repo_env
    shell_executable xbinary_fdo
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find_option;

    #[test]
    fn flags_of_bazel() {
        let irrelevant = |value| {
            Some(BazelFlag {
                unsupported: false,
                value,
            })
        };
        assert_eq!(bazel_flag("enable_bzlmod"), irrelevant(false));
        assert_eq!(bazel_flag("noenable_bzlmod"), irrelevant(false));
        assert_eq!(bazel_flag("lockfile_mode"), irrelevant(true));
        assert_eq!(bazel_flag("nolockfile_mode"), None);
        assert_eq!(
            bazel_flag("incompatible_disallow_something"),
            irrelevant(false)
        );
        assert_eq!(bazel_flag("noincompatible_x"), irrelevant(false));
        assert!(bazel_flag("fdo_instrument").is_some_and(|flag| flag.unsupported));
        assert_eq!(bazel_flag("lock_file_mode"), None);
    }

    #[test]
    fn no_flag_is_in_two_tables() {
        let all = [
            IRRELEVANT,
            IRRELEVANT_VALUES,
            UNSUPPORTED,
            UNSUPPORTED_VALUES,
        ];
        let count: usize = all
            .iter()
            .map(|names| names.split_ascii_whitespace().count())
            .sum();
        assert_eq!(count, table().len());
        for name in bazel_names() {
            assert!(find_option(name).is_none(), "kiln has `{name}` itself");
        }
    }
}
