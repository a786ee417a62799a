//! The attributes that every rule has (Bazel: "attributes common to all build rules", "… to all
//! test rules", "… to all binary rules").

use std::sync::Arc;

use kiln_targets::{AttrKind, AttrSchema, AttrValue, BuildSetting, Cfg, FileFilter};

use crate::rule::attr::zero;

/// Lists of labels that kiln reads as texts: they name licenses, environments and constraints of
/// remote machines, which must not be loaded.
pub(crate) const TEXT_LABELS: [&str; 6] = [
    "applicable_licenses",
    "aspect_hints",
    "compatible_with",
    "exec_compatible_with",
    "package_metadata",
    "restricted_to",
];

/// The attribute that says where a target is built and tested (ENV-030).
pub(crate) const ENVIRONMENT: &str = "environment";

/// What decides which attributes a rule has.
pub(crate) struct Traits<'a> {
    pub(crate) executable: bool,
    pub(crate) test: bool,
    pub(crate) build_setting: Option<&'a BuildSetting>,
    /// Whether targets may say where they are built.
    pub(crate) environment: bool,
}

/// The attributes, in no particular order.
pub(crate) fn attributes(traits: &Traits<'_>) -> Vec<AttrSchema> {
    let mut attrs = vec![
        fixed(AttrSchema {
            mandatory: true,
            ..schema("name", AttrKind::String)
        }),
        fixed(schema("deprecation", AttrKind::String)),
        schema("exec_properties", AttrKind::StringDict),
        schema("features", AttrKind::StringList),
        fixed(schema("generator_function", AttrKind::String)),
        fixed(schema("generator_location", AttrKind::String)),
        fixed(schema("generator_name", AttrKind::String)),
        fixed(schema("licenses", AttrKind::StringList)),
        fixed(schema("tags", AttrKind::StringList)),
        schema("target_compatible_with", AttrKind::LabelList),
        fixed(schema("testonly", AttrKind::Bool)),
        schema("toolchains", AttrKind::LabelList),
        fixed(schema("transitive_configs", AttrKind::StringList)),
        fixed(schema("visibility", AttrKind::StringList)),
    ];
    attrs.extend(
        TEXT_LABELS
            .iter()
            .map(|name| schema(name, AttrKind::StringList)),
    );
    if traits.environment {
        attrs.push(fixed(AttrSchema {
            default: AttrValue::string(""),
            ..schema(ENVIRONMENT, AttrKind::String)
        }));
    }
    if traits.executable || traits.test {
        attrs.push(schema("args", AttrKind::StringList));
        attrs.push(fixed(schema("output_licenses", AttrKind::StringList)));
    }
    if traits.test {
        attrs.extend(of_tests());
    }
    if let Some(setting) = traits.build_setting {
        attrs.push(fixed(AttrSchema {
            mandatory: true,
            ..schema("build_setting_default", setting.kind)
        }));
        attrs.push(fixed(schema("on_leave_scope", setting.kind)));
        attrs.push(fixed(AttrSchema {
            default: AttrValue::string("universal"),
            ..schema("scope", AttrKind::String)
        }));
    }
    attrs
}

fn of_tests() -> [AttrSchema; 5] {
    let words = |words: &[&str]| words.iter().map(AttrValue::string).collect::<Arc<[_]>>();
    [
        fixed(AttrSchema {
            default: AttrValue::string("medium"),
            values: words(&["small", "medium", "large", "enormous"]),
            ..schema("size", AttrKind::String)
        }),
        // Without a value the size decides.
        fixed(AttrSchema {
            values: words(&["short", "moderate", "long", "eternal"]),
            ..schema("timeout", AttrKind::String)
        }),
        fixed(schema("flaky", AttrKind::Bool)),
        AttrSchema {
            default: AttrValue::Int(-1),
            ..schema("shard_count", AttrKind::Int)
        },
        fixed(schema("local", AttrKind::Bool)),
    ]
}

/// An attribute without anything special.
fn schema(name: &str, kind: AttrKind) -> AttrSchema {
    AttrSchema {
        name: Arc::from(name),
        kind,
        doc: None,
        default: zero(kind),
        mandatory: false,
        configurable: true,
        allow_empty: true,
        values: Arc::from([]),
        allow_files: FileFilter::Nothing,
        single_file: false,
        executable: false,
        cfg: Cfg::Target,
        providers: Arc::from([]),
    }
}

/// The same, without `select`.
fn fixed(schema: AttrSchema) -> AttrSchema {
    AttrSchema {
        configurable: false,
        ..schema
    }
}
