//! The providers that are built in (Bazel: `DefaultInfo`, `OutputGroupInfo`, …).

use std::fmt;
use std::sync::{Arc, LazyLock};

use kiln_diag::Diag;

use crate::interp::*;
use crate::values::depset::{self, Depset};
use crate::values::file::FileValue;
use crate::values::provider::{self, ProviderDef};
use crate::values::runfiles::RunfilesValue;

/// All of them.
pub(crate) struct Builtins {
    pub(crate) default_info: Arc<ProviderDef>,
    pub(crate) output_groups: Arc<ProviderDef>,
    pub(crate) run_environment: Arc<ProviderDef>,
    pub(crate) execution_info: Arc<ProviderDef>,
    pub(crate) toolchain_info: Arc<ProviderDef>,
    pub(crate) template_variables: Arc<ProviderDef>,
    pub(crate) feature_flag: Arc<ProviderDef>,
    pub(crate) instrumented_files: Arc<ProviderDef>,
    pub(crate) analysis_test_result: Arc<ProviderDef>,
    /// Nobody has it: failures of analysis end a build (`allow_analysis_failures` is not there).
    analysis_failure: Arc<ProviderDef>,
    pub(crate) constraint_value: Arc<ProviderDef>,
    pub(crate) constraint_setting: Arc<ProviderDef>,
    pub(crate) platform: Arc<ProviderDef>,
    pub(crate) toolchain_type: Arc<ProviderDef>,
    pub(crate) package_specification: Arc<ProviderDef>,
}

/// The one set of them: providers are told apart by identity.
pub(crate) static BUILTINS: LazyLock<Builtins> = LazyLock::new(|| {
    let of = |name, fields: &[&str]| ProviderDef::builtin(name, Some(fields), false);
    Builtins {
        default_info: of(
            "DefaultInfo",
            &[
                "data_runfiles",
                "default_runfiles",
                "executable",
                "files",
                "files_to_run",
                "runfiles",
            ],
        ),
        output_groups: ProviderDef::builtin("OutputGroupInfo", None, true),
        run_environment: of(
            "RunEnvironmentInfo",
            &["environment", "inherited_environment"],
        ),
        execution_info: of("ExecutionInfo", &["exec_group", "requirements"]),
        toolchain_info: ProviderDef::builtin("ToolchainInfo", None, false),
        template_variables: of("TemplateVariableInfo", &["variables"]),
        feature_flag: of("FeatureFlagInfo", &["error", "value"]),
        instrumented_files: of(
            "InstrumentedFilesInfo",
            &["instrumented_files", "metadata_files"],
        ),
        analysis_test_result: of("AnalysisTestResultInfo", &["message", "success"]),
        analysis_failure: of("AnalysisFailureInfo", &["causes"]),
        constraint_value: of("ConstraintValueInfo", &["constraint", "label"]),
        constraint_setting: of(
            "ConstraintSettingInfo",
            &[
                "default_constraint_value",
                "has_default_constraint_value",
                "label",
            ],
        ),
        platform: of("PlatformInfo", &["constraints", "exec_properties", "label"]),
        toolchain_type: of("ToolchainTypeInfo", &["type_label"]),
        package_specification: of("PackageSpecificationInfo", &[]),
    }
});

/// How calling a built-in provider makes an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Make {
    DefaultInfo,
    OutputGroups,
    RunEnvironment,
    ExecutionInfo,
    TemplateVariables,
    AnalysisTestResult,
    /// Any fields, by name.
    Fields,
    /// Rules of users cannot make instances.
    Never,
}

/// A provider that is built in, as a callable value.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct BuiltinProvider {
    #[allocative(skip)]
    def: Arc<ProviderDef>,
    #[allocative(skip)]
    make: Make,
}

starlark_simple_value!(BuiltinProvider);

/// The identity of a built-in provider value.
pub(crate) fn def_of<'v>(value: Value<'v>) -> Option<&'v Arc<ProviderDef>> {
    BuiltinProvider::from_value(value).map(|provider| &provider.def)
}

impl fmt::Display for BuiltinProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<provider {}>", self.def)
    }
}

#[starlark_value(type = "Provider")]
impl<'v> StarlarkValue<'v> for BuiltinProvider {
    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let positions: Vec<Value<'v>> = args.positions(heap)?.collect();
        let mut fields = args.names_map()?;
        let names: &[&str] = match self.make {
            Make::RunEnvironment => &["environment", "inherited_environment"],
            Make::ExecutionInfo => &["requirements", "exec_group"],
            Make::TemplateVariables => &["variables"],
            Make::AnalysisTestResult => &["success", "message"],
            _ => &[],
        };
        if positions.len() > names.len() {
            return fail(format!("provider `{}` takes its fields by name", self.def));
        }
        for (name, value) in names.iter().zip(positions) {
            fields.insert(heap.alloc_str(name), value);
        }
        self.check(&mut fields, heap)?;
        provider::instance(&self.def, fields, heap)
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(def_of(other).is_some_and(|other| self.def.same(other)))
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        use std::hash::Hash;
        self.def.name().hash(hasher);
        Ok(())
    }
}

type Fields<'v> = SmallMap<StringValue<'v>, Value<'v>>;

impl BuiltinProvider {
    /// Checks the types of fields and fills in defaults.
    fn check<'v>(&self, fields: &mut Fields<'v>, heap: Heap<'v>) -> starlark::Result<()> {
        let mut default = |name: &str, value: Value<'v>| {
            if !fields.contains_key(name) {
                fields.insert(heap.alloc_str(name), value);
            }
        };
        match self.make {
            Make::Fields => Ok(()),
            Make::Never => fail(format!("`{}` cannot be made by rules", self.def)),
            Make::DefaultInfo => check_default_info(fields),
            Make::OutputGroups => to_depsets(fields, heap),
            Make::RunEnvironment => {
                default("environment", heap.alloc(AllocDict::EMPTY));
                default("inherited_environment", heap.alloc(AllocList::EMPTY));
                Ok(())
            }
            Make::ExecutionInfo => {
                default("requirements", heap.alloc(AllocDict::EMPTY));
                default("exec_group", heap.alloc("test"));
                Ok(())
            }
            Make::AnalysisTestResult => {
                default("message", heap.alloc(""));
                Ok(())
            }
            Make::TemplateVariables => match fields.get("variables") {
                Some(value) if DictRef::from_value(*value).is_some() => Ok(()),
                Some(value) => wrong_type("variables", "a dict", *value),
                None => fail("`TemplateVariableInfo` needs a dict of variables"),
            },
        }
    }
}

fn wrong_type<T>(field: &str, needs: &str, got: Value<'_>) -> starlark::Result<T> {
    fail(format!(
        "`{field}` takes {needs}, and got `{}`",
        got.get_type()
    ))
}

fn check_default_info(fields: &mut Fields<'_>) -> starlark::Result<()> {
    const TAKES: [&str; 5] = [
        "files",
        "runfiles",
        "data_runfiles",
        "default_runfiles",
        "executable",
    ];
    for (name, value) in fields.iter() {
        let name = name.as_str();
        match name {
            name if !TAKES.contains(&name) => {
                let diag = Diag::build(format!("`DefaultInfo` takes no `{name}`"));
                return Err(stop(diag.did_you_mean(name, TAKES)));
            }
            _ if value.is_none() => {}
            "files" if Depset::from_value(*value).is_none() => {
                let diag = Diag::build(format!(
                    "`files` of `DefaultInfo` takes a depset, and got `{}`",
                    value.get_type()
                ));
                return Err(stop(diag.hint("write `files = depset([...])`")));
            }
            "files" => {
                depset::artifacts(*value, "files")?;
            }
            "executable" if FileValue::artifact_of(*value).is_none() => {
                return wrong_type("executable", "a `File`", *value);
            }
            "runfiles" | "data_runfiles" | "default_runfiles"
                if RunfilesValue::from_value(*value).is_none() =>
            {
                return wrong_type(name, "`runfiles` (made by `ctx.runfiles`)", *value);
            }
            _ => {}
        }
    }
    let given = |name: &str| fields.get(name).is_some_and(|value| !value.is_none());
    if given("runfiles") && (given("data_runfiles") || given("default_runfiles")) {
        return fail(
            "`DefaultInfo` takes `runfiles`, or `data_runfiles` and `default_runfiles`, not both",
        );
    }
    Ok(())
}

/// Lists of files are accepted for depsets.
fn to_depsets<'v>(fields: &mut Fields<'v>, heap: Heap<'v>) -> starlark::Result<()> {
    for (name, value) in fields.iter_mut() {
        let files = depset::artifacts(*value, name.as_str())?;
        if Depset::from_value(*value).is_none() {
            *value = heap.alloc(Depset::of_files(kiln_targets::Order::Default, files));
        }
    }
    Ok(())
}

/// The providers that files see by name.
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    let b = &*BUILTINS;
    let value = |def: &Arc<ProviderDef>, make| BuiltinProvider {
        def: def.clone(),
        make,
    };
    builder.set("DefaultInfo", value(&b.default_info, Make::DefaultInfo));
    builder.set(
        "OutputGroupInfo",
        value(&b.output_groups, Make::OutputGroups),
    );
    builder.set(
        "RunEnvironmentInfo",
        value(&b.run_environment, Make::RunEnvironment),
    );
    builder.set(
        "AnalysisTestResultInfo",
        value(&b.analysis_test_result, Make::AnalysisTestResult),
    );
    builder.set(
        "AnalysisFailureInfo",
        value(&b.analysis_failure, Make::Never),
    );
    builder.set(
        "InstrumentedFilesInfo",
        value(&b.instrumented_files, Make::Never),
    );
    builder.set(
        "PackageSpecificationInfo",
        value(&b.package_specification, Make::Never),
    );
    builder.namespace("testing", |testing| {
        testing.set(
            "ExecutionInfo",
            value(&b.execution_info, Make::ExecutionInfo),
        );
        testing.set(
            "TestEnvironment",
            value(&b.run_environment, Make::RunEnvironment),
        );
        crate::rule::inert::testing(testing);
    });
    builder.namespace("platform_common", |common| {
        common.set("ToolchainInfo", value(&b.toolchain_info, Make::Fields));
        common.set(
            "TemplateVariableInfo",
            value(&b.template_variables, Make::TemplateVariables),
        );
        common.set(
            "ConstraintValueInfo",
            value(&b.constraint_value, Make::Never),
        );
        common.set(
            "ConstraintSettingInfo",
            value(&b.constraint_setting, Make::Never),
        );
        common.set("PlatformInfo", value(&b.platform, Make::Never));
    });
    builder.namespace("config_common", |common| {
        common.set("FeatureFlagInfo", value(&b.feature_flag, Make::Fields));
        crate::rule::toolchain_type::config_common(common);
    });
}
