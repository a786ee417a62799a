//! What dependencies must be, before an implementation function sees them.

use kiln_address::Label;
use kiln_diag::Diag;
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

struct Check<'a> {
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
        match &self.schema.allow_files {
            FileFilter::Any => Ok(()),
            FileFilter::Extensions(endings) if fits(file, endings) => Ok(()),
            // A file that a rule makes may stand for the rule where programs are wanted.
            FileFilter::Nothing if self.schema.executable && !file.is_source() => Ok(()),
            FileFilter::Nothing => Err(self.wrong("is a file, and targets are expected there")),
            FileFilter::Extensions(endings) => Err(self.wrong(&format!(
                "is a file of another kind; {} are expected there",
                endings_text(endings)
            ))),
        }
    }

    fn target(&self, target: &AnalyzedTarget) -> Result<(), Diag> {
        self.files_of(target)?;
        if self.schema.executable && target.executable.is_none() {
            return Err(self.wrong(&format!("({}) is not executable", target.rule)));
        }
        self.providers(target)
    }

    fn files_of(&self, target: &AnalyzedTarget) -> Result<(), Diag> {
        if self.schema.single_file {
            let files = target.files.to_list();
            if files.len() != 1 {
                return Err(self.wrong(&format!(
                    "({}) makes {} files, and exactly one is expected there",
                    target.rule,
                    files.len()
                )));
            }
        }
        let FileFilter::Extensions(endings) = &self.schema.allow_files else {
            return Ok(());
        };
        if !self.needs.providers.is_empty() && self.has_providers(target) {
            return Ok(());
        }
        let files = target.files.to_list();
        let is_folder = |file: &Artifact| file.kind() == kiln_targets::ArtifactKind::Directory;
        if files
            .iter()
            .any(|file| fits(file, endings) || is_folder(file))
        {
            return Ok(());
        }
        let diag = self.wrong(&format!(
            "({}) makes no {}",
            target.rule,
            endings_text(endings)
        ));
        let names: Vec<&str> = files.iter().take(5).map(Artifact::exec_path).collect();
        Err(match names.is_empty() {
            true => diag.note("it makes no files by default"),
            false => diag.note(format!("it makes {}", names.join(", "))),
        })
    }

    fn providers(&self, target: &AnalyzedTarget) -> Result<(), Diag> {
        if self.needs.providers.is_empty() || self.has_providers(target) {
            return Ok(());
        }
        if self.needs.rules.iter().any(|rule| **rule == *target.rule) {
            return Ok(());
        }
        let sets = self.schema.providers.iter();
        let sets = sets.map(|set| {
            set.iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
        });
        let wanted: Vec<String> = sets.map(|set| set.join(" and ")).collect();
        let diag = self.wrong(&format!("({}) lacks {}", target.rule, wanted.join(", or ")));
        Err(diag.note(format!("it has {}", names_of(target))))
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
    }
}

fn names_of(target: &AnalyzedTarget) -> String {
    let value = handle(target).map(|TargetHandle(value)| value.value());
    match value.and_then(Target::from_value) {
        Some(target) => provider_names(&target.defs),
        None => "`DefaultInfo`".to_owned(),
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
