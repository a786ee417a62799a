//! What dependencies must be, before an implementation function sees them.

use kiln_address::Label;
use kiln_diag::{Diag, Part};
use kiln_targets::{AnalyzeRequest, AnalyzedTarget, Artifact, AttrSchema, Dep, FileFilter};

use crate::analysis::attrs::TargetHandle;
use crate::analysis::locations::handle;
use crate::providers::BUILTINS;
use crate::rule::spec::Needs;
use crate::values::file::basename_of;
use crate::values::target::{Target, provider_names};

/// Checks all dependencies of a target against the schema (Bazel: `allow_files`,
/// `allow_single_file`, `executable`, `providers`).
pub(crate) fn dependencies(request: &AnalyzeRequest<'_>, needs: &[Needs]) -> Result<(), Diag> {
    let schemas = request.target.rule.attrs.iter().zip(needs);
    for ((schema, needs), deps) in schemas.zip(request.deps) {
        if schema.kind.is_dependency() && !is_engines(&schema.name) {
            for (given, dep) in deps {
                let checked = Check {
                    attrs: &request.target.rule.attrs,
                    schema,
                    needs,
                    given,
                };
                checked.dependency(dep)?;
            }
        }
    }
    Ok(())
}

/// Attributes that every rule has and the engine reads.
fn is_engines(name: &str) -> bool {
    matches!(name, "toolchains" | "target_compatible_with")
}

/// Attributes that people think of.
const USUAL: [&str; 5] = ["srcs", "hdrs", "textual_hdrs", "deps", "data"];

struct Check<'a> {
    /// All attributes of the rule.
    attrs: &'a [AttrSchema],
    schema: &'a AttrSchema,
    needs: &'a Needs,
    given: &'a Label,
}

impl Check<'_> {
    fn dependency(&self, dep: &Dep) -> Result<(), Diag> {
        match dep {
            Dep::Source(file) => self.file(file),
            Dep::Output(file, by) => self
                .file(file)
                .map_err(|diag| diag.note(format!("it is made by `{}`", by.label))),
            Dep::Target(target) => self.target(target),
        }
    }

    fn file(&self, file: &Artifact) -> Result<(), Diag> {
        let (diag, instead) = match &self.schema.allow_files {
            FileFilter::Any => return Ok(()),
            FileFilter::Extensions(endings) if fits(file, endings) => return Ok(()),
            // A file that a rule makes may stand for the rule where programs are wanted.
            FileFilter::Nothing if self.schema.executable && !file.is_source() => return Ok(()),
            FileFilter::Nothing => (
                self.wrong("is a file, and targets are expected there"),
                "the label of a target".to_owned(),
            ),
            FileFilter::Extensions(endings) => {
                let expected = self.expected(endings);
                let what = format!("is a file of another kind; {expected} are expected there");
                (self.wrong(&what), expected)
            }
        };
        let takes = |schema: &AttrSchema| match &schema.allow_files {
            FileFilter::Any => true,
            FileFilter::Nothing => false,
            FileFilter::Extensions(endings) => fits(file, endings),
        };
        Err(self.elsewhere(diag, &instead, &takes))
    }

    /// What the attribute takes: files with these endings, and targets with certain providers.
    fn expected(&self, endings: &[std::sync::Arc<str>]) -> String {
        match self.needs.providers.is_empty() {
            true => endings_text(endings),
            false => format!(
                "targets with {}, or {}",
                self.providers_text(),
                endings_text(endings)
            ),
        }
    }

    /// Names the attributes of the rule that would take what this one does not, else what this one
    /// takes.
    fn elsewhere(&self, diag: Diag, instead: &str, takes: &dyn Fn(&AttrSchema) -> bool) -> Diag {
        let own = &self.schema.name;
        let find = |name: &&str| self.attrs.iter().find(|schema| *schema.name == **name);
        let others = USUAL.iter().filter_map(find);
        let others = others.filter(|schema| schema.name != *own && takes(schema));
        let others: Vec<String> = others.map(|schema| format!("`{}`", schema.name)).collect();
        match &others[..] {
            [] => diag.hint(format!("put {instead} there")),
            others => diag.hint(format!("move `{}` to {}", self.given, others.join(" or "))),
        }
    }

    fn target(&self, target: &AnalyzedTarget) -> Result<(), Diag> {
        if self.schema.executable && target.executable.is_none() {
            let diag = self.wrong(&format!("({}) is not executable", target.rule));
            return Err(diag.hint("name a target that is a program"));
        }
        self.providers(target)?;
        if let FileFilter::Extensions(endings) = &self.schema.allow_files
            && self.needs.providers.is_empty()
        {
            self.files_of(target, endings)?;
        }
        if !self.schema.single_file {
            return Ok(());
        }
        let files = target.files.to_list();
        match files.len() {
            1 => Ok(()),
            count => {
                let diag = self.wrong(&format!(
                    "({}) makes {count} files, and exactly one is expected there",
                    target.rule
                ));
                Err(names_in(diag, &files).hint("name one file, or a target that makes one"))
            }
        }
    }

    fn files_of(
        &self,
        target: &AnalyzedTarget,
        endings: &[std::sync::Arc<str>],
    ) -> Result<(), Diag> {
        let files = target.files.to_list();
        let is_folder = |file: &Artifact| file.kind() == kiln_targets::ArtifactKind::Directory;
        if files
            .iter()
            .any(|file| fits(file, endings) || is_folder(file))
        {
            return Ok(());
        }
        let rule = &target.rule;
        let diag = self.wrong(&format!("({rule}) makes no {}", endings_text(endings)));
        let instead = format!("a target that makes {}", endings_text(endings));
        Err(self.elsewhere(names_in(diag, &files), &instead, &takes_any_target))
    }

    fn providers(&self, target: &AnalyzedTarget) -> Result<(), Diag> {
        if self.needs.providers.is_empty() || self.has_providers(target) {
            return Ok(());
        }
        if self.needs.rules.iter().any(|rule| **rule == *target.rule) {
            return Ok(());
        }
        let diag = self.wrong(&format!(
            "({}) lacks {}",
            target.rule,
            self.providers_text()
        ));
        let diag = diag.note(format!("it has {}", names_of(target)));
        let instead = format!("a target that has {}", self.providers_text());
        Err(self.elsewhere(diag, &instead, &takes_any_target))
    }

    fn providers_text(&self) -> String {
        let sets = self.schema.providers.iter();
        let sets = sets.map(|set| {
            set.iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
        });
        let wanted: Vec<String> = sets.map(|set| set.join(" and ")).collect();
        wanted.join(", or ")
    }

    fn has_providers(&self, target: &AnalyzedTarget) -> bool {
        let Some(TargetHandle(value)) = handle(target) else {
            return self.needs.providers.iter().any(Vec::is_empty);
        };
        let Some(target) = Target::from_value(value.value()) else {
            return false;
        };
        let has =
            |def| BUILTINS.default_info.same(def) || target.defs.iter().any(|mine| mine.same(def));
        self.needs.providers.iter().any(|set| set.iter().all(has))
    }

    fn wrong(&self, what: &str) -> Diag {
        Diag::build(format!(
            "in the attribute `{}`, `{}` {what}",
            self.schema.name, self.given
        ))
        .about(&*self.schema.name, Part::Label(self.given.to_string()))
    }
}

fn names_of(target: &AnalyzedTarget) -> String {
    let value = handle(target).map(|TargetHandle(value)| value.value());
    match value.and_then(Target::from_value) {
        Some(target) => provider_names(&target.defs),
        None => "`DefaultInfo`".to_owned(),
    }
}

fn takes_any_target(schema: &AttrSchema) -> bool {
    *schema.name == *"data"
}

fn names_in(diag: Diag, files: &[Artifact]) -> Diag {
    let names: Vec<&str> = files.iter().take(5).map(Artifact::exec_path).collect();
    match names.is_empty() {
        true => diag.note("it makes no files by default"),
        false => diag.note(format!("it makes {}", names.join(", "))),
    }
}

fn fits(file: &Artifact, endings: &[std::sync::Arc<str>]) -> bool {
    let name = basename_of(file.exec_path());
    endings.iter().any(|ending| match ending.is_empty() {
        true => !name.contains('.'),
        false => name.ends_with(&**ending),
    })
}

fn endings_text(endings: &[std::sync::Arc<str>]) -> String {
    let endings: Vec<String> = endings.iter().map(|ending| format!("`{ending}`")).collect();
    match endings.as_slice() {
        [] => "no files".to_owned(),
        [one] => format!("{one} files"),
        [most @ .., last] => format!("{} or {last} files", most.join(", ")),
    }
}
