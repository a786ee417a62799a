//! Explains undeclared files: what a file is, and which label would declare it.
//!
//! Only asked of what failed: packages are loaded for it that the action itself had no need of.

mod headers;
mod home;

use std::path::Path;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_process::{AccessKind, Process, ProcessResult, Scene, Undeclared, undeclared};
use kiln_rules::{RuleCx, Uses};
use kiln_store::Store;
use kiln_targets::Target;

use crate::failure;
use crate::services::{Events, Workspace};
use home::{Attrs, generated, home, is_package, package};

pub(crate) use home::Loads;

/// Where an action of a target ran.
pub(crate) struct Place<'a> {
    /// Whose action it is.
    pub(crate) target: &'a Label,
    /// What ran.
    pub(crate) process: &'a Process,
    /// What stands for the root of the workspace, if not the exec root itself: a test's runfiles,
    /// where it is when it starts.
    pub(crate) runfiles: Option<RelPath>,
    /// Whether it ran on this machine: what is installed here says nothing of others.
    pub(crate) here: bool,
}

/// Attributes whose files go to whoever depends on their target.
const EXPORTED: [&str; 2] = ["hdrs", "textual_hdrs"];
/// As many absent files are named: the others are likely to be no more than a consequence.
const MAX_ABSENT: usize = 3;
/// As many targets that have a file are named.
const MAX_OWNERS: usize = 3;

/// Adds to `diag` what `written`, the output of a failed action, tells of undeclared files.
pub(crate) async fn explain<R: Loads>(
    cx: &RuleCx<R>,
    workspace: &Workspace,
    place: &Place<'_>,
    written: &str,
    diag: Diag,
) -> Diag {
    let found = findings(workspace, place, written);
    explain_all(cx, workspace, place, &found, diag, true).await
}

/// An error about files of the workspace, or of the machine, that were read without being
/// declared.
pub(crate) async fn undeclared_reads<R: Loads>(
    cx: &RuleCx<R>,
    workspace: &Workspace,
    place: &Place<'_>,
    paths: Vec<String>,
    diag: Diag,
) -> Diag {
    let found: Vec<Undeclared> = paths
        .into_iter()
        .map(|path| Undeclared {
            kind: match path.starts_with('/') {
                true => AccessKind::Outside,
                false => AccessKind::Read,
            },
            path,
            places: Vec::new(),
        })
        .collect();
    explain_all(cx, workspace, place, &found, diag, true).await
}

/// Tells what the log of a failed test says of undeclared files, if it does. `executable` is the
/// test's program, beside which its runfiles are.
pub(crate) async fn warn_of_test<R>(
    cx: &RuleCx<R>,
    target: &Label,
    executable: &str,
    process: &Process,
    here: bool,
    result: &ProcessResult,
) -> Result<(), Diag>
where
    R: Loads + Uses<Store> + Uses<Workspace> + Uses<Events>,
{
    let log = crate::printed::printed(&*cx.service::<Store>()?, &result.stdout)?;
    let log = failure::tail(&log);
    let workspace = cx.service::<Workspace>()?;
    let place = Place {
        target,
        process,
        runfiles: RelPath::new(format!("{executable}.runfiles/_main")).ok(),
        here,
    };
    let found = findings(&workspace, &place, &log);
    let plain = Diag::build(format!("`{target}` uses files that it does not declare"));
    let plain = plain.into_warning();
    // A test may well look for what need not be there, and tell of it.
    let diag = explain_all(cx, &workspace, &place, &found, plain.clone(), false).await;
    if diag != plain {
        cx.service::<Events>()?.0.emit(Event::Diagnostic(diag));
    }
    Ok(())
}

fn findings(workspace: &Workspace, place: &Place<'_>, written: &str) -> Vec<Undeclared> {
    let root = RelPath::root();
    let scene = Scene {
        process: place.process,
        workdir: place.runfiles.as_ref().unwrap_or(&place.process.workdir),
        sources: place.runfiles.as_ref().unwrap_or(&root),
        workspace: &workspace.root,
        exists: &|path: &Path| place.here && path.exists(),
    };
    undeclared(&scene, written)
}

async fn explain_all<R: Loads>(
    cx: &RuleCx<R>,
    workspace: &Workspace,
    place: &Place<'_>,
    found: &[Undeclared],
    mut diag: Diag,
    tell_absent: bool,
) -> Diag {
    let mut absent = 0;
    for found in found {
        let asked = Asked {
            cx,
            workspace,
            place,
            found,
        };
        absent += usize::from(found.kind == AccessKind::Absent);
        diag = match found.kind {
            AccessKind::Read => asked.present(diag).await,
            AccessKind::Import => asked.imported(diag).await,
            AccessKind::Absent if absent <= MAX_ABSENT => asked.absent(diag, tell_absent).await,
            AccessKind::Absent => diag,
            AccessKind::Outside => asked.outside(diag),
            AccessKind::Write => asked.written(diag),
        };
    }
    diag
}

/// One finding to explain.
struct Asked<'a, R> {
    cx: &'a RuleCx<R>,
    workspace: &'a Workspace,
    place: &'a Place<'a>,
    found: &'a Undeclared,
}

impl<R: Loads> Asked<'_, R> {
    /// A file (or folder) of the workspace that is no input.
    async fn present(&self, diag: Diag) -> Diag {
        let (path, target) = (&self.found.path, self.place.target);
        let diag = diag.note(format!(
            "`{path}` is in the workspace, but is no input of `{target}`"
        ));
        let Ok(path) = RelPath::new(path) else {
            return diag;
        };
        let attrs = self.attrs().await;
        if path.under(&self.workspace.root).is_dir() {
            return diag.hint(self.folder(&path, &attrs).await);
        }
        let Some(home) = home(self.cx, &path).await else {
            return diag.hint(format!(
                "declare it: make one of the folders above `{path}` a package (with a \
                 `BUILD.bazel` file) and put the file into {attrs} of `{target}`"
            ));
        };
        let label = home.label(target);
        let owners = home.owners();
        let mut hint = format!("declare it: put `{label}` into {attrs} of `{target}`");
        if let Some((_, attr)) = owners.iter().find(|(owner, _)| owner == target) {
            return diag.hint(format!(
                "`{target}` has it in `{attr}`, which this action does not see; {}",
                hint.trim_start_matches("declare it: ")
            ));
        }
        let shared = owners
            .iter()
            .filter(|(_, attr)| EXPORTED.contains(&&**attr));
        let shared: Vec<String> = shared
            .take(MAX_OWNERS)
            .map(|(owner, attr)| format!("`{owner}`, which has it in its `{attr}`,"))
            .collect();
        if !shared.is_empty() && attrs.deps {
            hint = format!(
                "declare it: add {} to the `deps` of `{target}`",
                shared.join(" or ")
            );
        } else if !owners.is_empty() {
            hint = format!("{hint} ({})", in_words(&owners));
        }
        let diag = diag.hint(hint);
        match home.is_private(target) && shared.is_empty() {
            true => diag.hint(format!(
                "for that, `{}` needs `exports_files([\"{}\"])`",
                home.defs.build_file, home.name
            )),
            false => diag,
        }
    }

    /// A module that is no input. Whoever imports it need not be the target itself: it may be one
    /// of its tools.
    async fn imported(&self, diag: Diag) -> Diag {
        let (path, target) = (&self.found.path, self.place.target);
        let diag = diag.note(format!(
            "`{path}` is in the workspace, but is no input of `{target}`"
        ));
        let home = match RelPath::new(path) {
            Ok(path) => home(self.cx, &path).await,
            Err(_) => None,
        };
        let owners = home.map(|home| home.owners()).unwrap_or_default();
        diag.hint(match owners.is_empty() {
            true => "declare it: put it into the `srcs` of a target, and that into the `deps` of \
                     the one that imports it"
                .to_owned(),
            false => format!(
                "declare it: put the target that has it into the `deps` of the one that imports it \
                 ({})",
                in_words(&owners)
            ),
        })
    }

    async fn folder(&self, path: &RelPath, attrs: &Attrs) -> String {
        let target = self.place.target;
        let package = PackageId::new(Repo::root(), path.clone());
        if is_package(self.cx, &package).await {
            return format!(
                "declare what is needed of it: put targets of package `{package}` into {attrs} of \
                 `{target}`"
            );
        }
        let own = &target.package().path;
        match path.strip_prefix(own) {
            Some(below) => format!(
                "declare what is needed of it: put `glob([\"{below}/**\"])` into {attrs} of \
                 `{target}`"
            ),
            None => {
                format!("declare what is needed of it: put its files into {attrs} of `{target}`")
            }
        }
    }

    /// A file that is not in the workspace; something may make it.
    async fn absent(&self, diag: Diag, tell_absent: bool) -> Diag {
        let target = self.place.target;
        for place in &self.found.places {
            let source = generated(place).unwrap_or_else(|| place.clone());
            let Some(home) = home(self.cx, &source).await else {
                continue;
            };
            if let Some(Target::Output { generated_by }) = home.defs.targets.get(&*home.name) {
                let label = home.label(target);
                let attrs = self.attrs().await;
                let by = home.defs.id.target(generated_by);
                let by = by.map_or_else(|_| generated_by.to_string(), |by| by.to_string());
                return diag
                    .note(format!(
                        "`{}` is made by `{by}`, and is no input of `{target}`",
                        self.found.path
                    ))
                    .hint(format!(
                        "declare it: put `{label}` into {attrs} of `{target}`"
                    ));
            }
        }
        if let [first, others @ ..] = &headers::find(self.cx, target, &self.found.places).await[..]
        {
            return self.elsewhere(diag, first, others).await;
        }
        let path = &self.found.path;
        if !tell_absent {
            return diag;
        }
        let diag = diag.note(format!(
            "`{path}` is no input of `{target}`, and not in the workspace either"
        ));
        match self.found.places.first().is_some_and(headers::is_header) {
            true => diag.hint(
                "correct the `#include`; if another module has the header, name that in a \
                 `bazel_dep` of MODULE.bazel and its target in `deps`",
            ),
            false => diag.hint(format!(
                "correct the path, or have a target make `{path}` and declare that"
            )),
        }
    }

    /// A header that is not where it was looked for, but somewhere else.
    async fn elsewhere(
        &self,
        diag: Diag,
        first: &headers::Found,
        others: &[headers::Found],
    ) -> Diag {
        let target = self.place.target;
        let path = &first.path;
        let mut diag = diag.note(format!(
            "`{path}` has that name, but is no input of `{target}`"
        ));
        for other in others {
            diag = diag.note(format!("so has `{}`", other.path));
        }
        let owners = first.owners.iter().take(MAX_OWNERS);
        let owners: Vec<String> = owners
            .map(|(owner, attr)| format!("`{owner}`, which has it in its `{attr}`,"))
            .collect();
        diag.hint(match owners.is_empty() {
            false => format!(
                "declare it: add {} to the `deps` of `{target}`",
                owners.join(" or ")
            ),
            true => format!(
                "declare it: put `{path}` into the `hdrs` of a target, and that into the `deps` of \
                 `{target}`"
            ),
        })
    }

    fn outside(&self, diag: Diag) -> Diag {
        let path = &self.found.path;
        let diag = diag.note(format!(
            "`{path}` is on this machine, but actions see only their inputs and the folders of the \
             system"
        ));
        once(
            diag,
            match Path::new(path).strip_prefix(&self.workspace.root) {
                Ok(source) => format!(
                    "name it as an action sees it: `{}`, relative to the folder it runs in",
                    source.display()
                ),
                Err(_) => {
                    "put what is needed into the workspace or a module, and declare it".to_owned()
                }
            },
        )
    }

    fn written(&self, diag: Diag) -> Diag {
        let (path, target) = (&self.found.path, self.place.target);
        let is_input =
            RelPath::new(path).is_ok_and(|path| self.place.process.inputs.get(&path).is_some());
        let what = match is_input {
            true => "which is one of its inputs; they are read-only",
            false => "which is not one of its outputs",
        };
        let diag = diag.note(format!("`{target}` wrote to `{path}`, {what}"));
        let hint = "write to declared outputs or to a temporary folder (`mktemp -d`)";
        once(diag, hint.to_owned())
    }

    /// Which attributes of the target may name files.
    async fn attrs(&self) -> Attrs {
        let target = self.place.target;
        let package = package(self.cx, target.package().clone()).await;
        let found = package
            .as_ref()
            .and_then(|defs| defs.targets.get(target.name()));
        match found {
            Some(Target::Rule(def)) => Attrs::of(def),
            _ => Attrs::default(),
        }
    }
}

/// Adds a hint that is not there yet.
fn once(diag: Diag, hint: String) -> Diag {
    match diag.hints().contains(&hint) {
        true => diag,
        false => diag.hint(hint),
    }
}

/// "`//a:b` has it in its `srcs`", for the first of them.
fn in_words(owners: &[(Label, Arc<str>)]) -> String {
    let owners = owners.iter().take(MAX_OWNERS);
    let owners: Vec<String> = owners
        .map(|(owner, attr)| format!("`{owner}` has it in its `{attr}`"))
        .collect();
    owners.join(", ")
}
