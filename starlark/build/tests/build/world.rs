//! A small world to load files in: rules, a file system, and packages as text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_build::{Loader, LoaderOptions};
use kiln_diag::Diag;
use kiln_host::Interpreter;
use kiln_targets::{
    AttrValue, BuildRequest, Bzl, BzlRequest, Defaults, Dialect, Globbed, PackageDefs, PackageIo,
    Select, SelectKey, SourceText, Target, Visibility, VisibilitySpec,
};

use crate::rules::{class_of, rules};

/// The rules of this world, loaded as natives.
const NATIVES: &str = r#"
thing = test_rule("thing", srcs = "label_list", deps = "label_list", text = "string",
    texts = "string_list", number = "int", flag = "bool", numbers = "int_list",
    words = "string_dict", lists = "string_list_dict", labels = "label_keyed_string_dict",
    tools = "string_keyed_label_dict", one = "label")
gen = test_rule("gen", outs = "output_list", out = "output")
strict = test_rule("strict", srcs = "label_list!", size = "string=small,large", fixed = "string~")
templated = test_rule("templated", src = "label", outputs = {
    "log": "%{name}.log", "copy": "%{dirname}copies/%{basename}_%{src}"})
def wrapped(name, **kwargs):
    thing(name = name + "_inner", **kwargs)
_hidden = 1
bzl_globals = {"Info": "info of the natives"}
"#;

/// Files in a package's folder.
pub struct Files(pub &'static [&'static str]);

impl PackageIo for Files {
    fn glob(&self, include: &[String], exclude: &[String], _: bool) -> Result<Globbed, Diag> {
        let fits = |file: &str, patterns: &[String]| patterns.iter().any(|p| fits(file, p));
        let files = self
            .0
            .iter()
            .filter(|file| fits(file, include) && !fits(file, exclude));
        let unmatched = |pattern: &&String| !self.0.iter().any(|file| self::fits(file, pattern));
        Ok(Globbed {
            paths: files.map(|file| (*file).to_owned()).collect(),
            unmatched: include.iter().filter(unmatched).cloned().collect(),
        })
    }

    fn subpackages(&self, include: &[String], exclude: &[String]) -> Result<Globbed, Diag> {
        self.glob(include, exclude, false)
    }
}

/// `*.x` and literal names: all that these tests need.
fn fits(file: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => file.ends_with(end),
        None => file == pattern,
    }
}

pub struct World {
    pub loader: Loader,
    pub natives: Arc<Bzl>,
    pub mapping: Arc<RepoMapping>,
    pub repo: Repo,
}

impl Default for World {
    fn default() -> World {
        World::new(LoaderOptions::default())
    }
}

impl World {
    pub fn new(options: LoaderOptions) -> World {
        let loader = Loader::new(Interpreter::default(), options, rules, class_of);
        let mut mapping = RepoMapping::new(Repo::root());
        mapping.insert("dep", Repo::new("dep+"));
        let mapping = Arc::new(mapping);
        let mut world = World {
            natives: Arc::new(
                bzl(&loader, &mapping, None, "//:natives.bzl", NATIVES, &[]).unwrap(),
            ),
            loader,
            mapping,
            repo: Repo::root(),
        };
        world.natives = world.bzl("//:natives.bzl", NATIVES, &[]).unwrap();
        world
    }

    pub fn bzl(
        &self,
        label: &str,
        text: &str,
        loads: &[(Arc<str>, Arc<Bzl>)],
    ) -> Result<Arc<Bzl>, Diag> {
        let natives = Some(&self.natives);
        bzl(&self.loader, &self.mapping, natives, label, text, loads).map(Arc::new)
    }

    /// Evaluates `p/BUILD`. `files` are .bzl files by label, each loaded by those after it and
    /// by the BUILD file; other names are files in the package.
    pub fn build(&self, text: &str, bzls: &[(&str, &str)]) -> Result<PackageDefs, Diag> {
        self.build_below(&Arc::default(), text, bzls)
    }

    /// The same with these defaults of folders above.
    pub fn build_below(
        &self,
        inherited: &Arc<Defaults>,
        text: &str,
        bzls: &[(&str, &str)],
    ) -> Result<PackageDefs, Diag> {
        let mut loads: Vec<(Arc<str>, Arc<Bzl>)> = Vec::new();
        for (label, text) in bzls {
            let bzl = self.bzl(label, text, &loads)?;
            loads.push((Arc::from(*label), bzl));
        }
        let parsed = self.loader.parse(SourceText {
            path: "p/BUILD".into(),
            text: text.into(),
            dialect: Dialect::Build,
        })?;
        self.loader.build(BuildRequest {
            parsed: &parsed,
            package: &PackageId::new(self.repo.clone(), RelPath::new("p").unwrap()),
            build_file: &RelPath::new("p/BUILD").unwrap(),
            mapping: &self.mapping,
            loads: &loads,
            natives: &self.natives,
            inherited,
            module: ("mod", "1.2"),
            io: &Files(&["a.cc", "b.cc", "b.h", "sub"]),
        })
    }
}

fn bzl(
    loader: &Loader,
    mapping: &Arc<RepoMapping>,
    natives: Option<&Arc<Bzl>>,
    label: &str,
    text: &str,
    loads: &[(Arc<str>, Arc<Bzl>)],
) -> Result<Bzl, Diag> {
    let root = PackageId::new(mapping.owner().clone(), RelPath::root());
    let label = Label::parse(label, &root, mapping).unwrap();
    let parsed = loader.parse(SourceText {
        path: label.file_path().to_string().into(),
        text: text.into(),
        dialect: Dialect::Bzl,
    })?;
    loader.bzl(BzlRequest {
        parsed: &parsed,
        label: &label,
        mapping,
        loads,
        natives,
    })
}

/// A package in few lines.
pub fn show(result: Result<PackageDefs, Diag>) -> String {
    let package = match result {
        Ok(package) => package,
        Err(diag) => return diag.render(),
    };
    let mut out = String::new();
    if package.default_visibility != Visibility::Private {
        let visibility = show_visibility(&package.default_visibility);
        let _ = writeln!(out, "package: visibility {visibility}");
    }
    if !package.features.is_empty() || package.default_testonly {
        let _ = writeln!(
            out,
            "package: features {:?} testonly {}",
            package.features, package.default_testonly
        );
    }
    for (name, target) in &package.targets {
        let _ = writeln!(out, "{}", show_target(name, target));
    }
    for warning in &package.warnings {
        let _ = writeln!(out, "{}", warning.render());
    }
    out.trim_end().to_owned()
}

fn show_target(name: &str, target: &Target) -> String {
    match target {
        Target::Rule(def) => {
            let mut text = format!("{name}: {}(", def.rule.name);
            let attrs = def.attrs.iter().filter(|(attr, _)| &**attr != "name");
            let attrs: Vec<String> = attrs
                .map(|(attr, value)| format!("{attr} = {}", show_value(value)))
                .collect();
            text.push_str(&attrs.join(", "));
            text.push(')');
            if def.visibility != Visibility::Private {
                let _ = write!(text, " visibility {}", show_visibility(&def.visibility));
            }
            if let Some(generator) = &def.generator {
                let _ = write!(text, " by {generator} at {}", def.span);
            }
            text
        }
        Target::Output { generated_by } => format!("{name}: output of {generated_by}"),
        Target::Exported { visibility } => {
            format!(
                "{name}: exported, visibility {}",
                show_visibility(visibility)
            )
        }
        Target::Members(members) => format!("{name}: members {}", members.join(" ")),
        Target::Group(group) => {
            let packages = group.packages.iter().map(|(spec, included)| {
                let sign = if *included { "" } else { "-" };
                format!("{sign}{}", show_spec(spec))
            });
            let packages: Vec<String> = packages.collect();
            format!(
                "{name}: group of [{}] everybody {} includes {:?}",
                packages.join(", "),
                group.everybody,
                group.includes
            )
        }
    }
}

pub fn show_value(value: &AttrValue) -> String {
    let join = |values: &[AttrValue], by: &str| {
        let values: Vec<String> = values.iter().map(show_value).collect();
        values.join(by)
    };
    match value {
        AttrValue::None => "None".to_owned(),
        AttrValue::Bool(value) => value.to_string(),
        AttrValue::Int(value) => value.to_string(),
        AttrValue::String(text) => format!("{text:?}"),
        AttrValue::Label(label) => label.to_string(),
        AttrValue::List(items) => format!("[{}]", join(items, ", ")),
        AttrValue::Dict(entries) => {
            let entry =
                |(key, value): &(_, _)| format!("{}: {}", show_value(key), show_value(value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        AttrValue::Select(select) => show_select(select),
        AttrValue::Concat(parts) => join(parts, " + "),
    }
}

fn show_select(select: &Select) -> String {
    let mut branches: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in &select.branches {
        let key = match key {
            SelectKey::Default => "default".to_owned(),
            SelectKey::Setting(label) => label.to_string(),
        };
        branches.insert(key, show_value(value));
    }
    let branches: Vec<String> = branches.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    let error = match &select.no_match_error {
        Some(error) => format!(" or {error:?}"),
        None => String::new(),
    };
    format!("select({}{error})", branches.join(", "))
}

fn show_visibility(visibility: &Visibility) -> String {
    match visibility {
        Visibility::Public => "public".to_owned(),
        Visibility::Private => "private".to_owned(),
        Visibility::Listed(specs) => {
            let specs: Vec<String> = specs.iter().map(show_spec).collect();
            format!("[{}]", specs.join(", "))
        }
    }
}

fn show_spec(spec: &VisibilitySpec) -> String {
    match spec {
        VisibilitySpec::Package(package) => package.to_string(),
        VisibilitySpec::Subpackages(package) => format!("{package}/..."),
        VisibilitySpec::Group(label) => format!("group {label}"),
    }
}
