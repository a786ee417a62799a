"""The machine's C++ toolchain as a target, and rules that describe other toolchains.

kiln finds the compiler itself. Toolchains that a repository describes load and build, but nothing
is compiled with them.
"""

load("//cc:config.bzl", "require_tools")
load("//cc:providers.bzl", "CcToolchainInfo")

def _cpu(tools):
    return {"aarch64": "aarch64", "x86_64": "k8"}.get(tools.target.partition("-")[0], tools.target)

def _cc_toolchain_info(tools):
    return CcToolchainInfo(
        all_files = depset(),
        ar_executable = tools.ar,
        compiler = tools.compiler,
        compiler_executable = tools.cc,
        cpu = _cpu(tools),
        libc = "glibc",
        objcopy_executable = tools.objcopy or "",
        strip_executable = tools.strip or "",
        sysroot = None,
        target_gnu_system_name = tools.target,
        toolchain_id = "local_" + tools.compiler,
        tools = tools,
    )

def _current_cc_toolchain_impl(ctx):
    tools = require_tools(ctx.machine_tools.cc, ctx.label)
    info = _cc_toolchain_info(tools)
    return [
        DefaultInfo(),
        info,
        platform_common.ToolchainInfo(
            cc = info,
            cc_provider_in_toolchain = True,
        ),
        platform_common.TemplateVariableInfo({
            "ABI": "local",
            "ABI_GLIBC_VERSION": "local",
            "AR": tools.ar,
            "CC": tools.cc,
            "CC_FLAGS": "",
            "C_COMPILER": tools.compiler,
            "NM": "/usr/bin/nm",
            "OBJCOPY": tools.objcopy or "",
            "STRIP": tools.strip or "",
            "TARGET_CPU": _cpu(tools),
        }),
    ]

current_cc_toolchain = rule(
    implementation = _current_cc_toolchain_impl,
    _machine_tools = ["cc"],
    doc = "The C++ toolchain found on the machine.",
)

def _compiler_flag_impl(ctx):
    tools = ctx.machine_tools.cc
    return [config_common.FeatureFlagInfo(value = tools.compiler if tools else "none")]

compiler_flag = rule(
    implementation = _compiler_flag_impl,
    _machine_tools = ["cc"],
    doc = "The compiler's name (`gcc`, `clang`) as something `config_setting(flag_values)` can ask for.",
)

def _inert_impl(ctx):
    return [DefaultInfo(), platform_common.ToolchainInfo()]

def _inert(doc, strings = [], labels = [], lists = [], bools = [], string_lists = []):
    """A rule that takes attributes and does nothing."""
    attrs = {name: attr.string() for name in strings}
    attrs |= {name: attr.label(allow_files = True) for name in labels}
    attrs |= {name: attr.label_list(allow_files = True) for name in lists}
    attrs |= {name: attr.bool() for name in bools}
    attrs |= {name: attr.string_list() for name in string_lists}
    return rule(implementation = _inert_impl, attrs = attrs, doc = doc)

cc_toolchain = _inert(
    "A description of a C++ toolchain: accepted, not used.",
    strings = ["compiler", "cpu", "toolchain_identifier"],
    labels = [
        "all_files",
        "ar_files",
        "as_files",
        "compiler_files",
        "compiler_files_without_includes",
        "coverage_files",
        "dwp_files",
        "dynamic_runtime_lib",
        "libc_top",
        "linker_files",
        "module_map",
        "objcopy_files",
        "static_runtime_lib",
        "strip_files",
        "toolchain_config",
    ],
    bools = ["exec_transition_for_inputs", "supports_header_parsing", "supports_param_files"],
    string_lists = ["output_licenses"],
)

def _cc_toolchain_suite_impl(ctx):
    return [DefaultInfo()]

cc_toolchain_suite = rule(
    implementation = _cc_toolchain_suite_impl,
    doc = "An older way to choose a C++ toolchain: accepted, not used.",
    attrs = {"toolchains": attr.string_dict()},
)

cc_toolchain_alias = current_cc_toolchain

fdo_prefetch_hints = _inert("Accepted, not used.", labels = ["profile"])

fdo_profile = _inert(
    "Accepted, not used.",
    strings = ["absolute_path_profile"],
    labels = ["memprof_profile", "profile", "proto_profile"],
)

memprof_profile = _inert(
    "Accepted, not used.",
    strings = ["absolute_path_profile"],
    labels = ["profile"],
)

propeller_optimize = _inert("Accepted, not used.", labels = ["cc_profile", "ld_profile"])
