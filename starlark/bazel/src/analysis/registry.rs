//! The files a target declares and the actions that make them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_host::starlark::codemap::FileSpan;
use kiln_host::to_span;
use kiln_targets::{ActionTemplate, Artifact, ArtifactKind, Configuration};

/// Plain Rust that native functions reach through the evaluation context, so that nothing
/// mutable sits in a Starlark heap.
///
/// Invariant: each declared file has at most one action, and each output of an action is
/// declared.
pub(crate) struct Registry {
    target: Label,
    configuration: Configuration,
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    declared: Vec<Declared>,
    /// Index into `declared` by exec path.
    by_path: HashMap<Arc<str>, usize>,
    actions: Vec<Arc<ActionTemplate>>,
}

struct Declared {
    artifact: Artifact,
    /// Where it was declared; `None` for those that an attribute predeclares.
    at: Option<FileSpan>,
    /// The action that makes it, and where that was registered.
    action: Option<Option<FileSpan>>,
    /// Whether it may go without an action.
    optional: bool,
}

impl Registry {
    pub(crate) fn new(target: Label, configuration: Configuration) -> Registry {
        Registry {
            target,
            configuration,
            inner: RefCell::default(),
        }
    }

    /// Declares an output by its path in the repository. Declaring it again gives the same one.
    pub(crate) fn declare(
        &self,
        path: RelPath,
        kind: ArtifactKind,
        at: Option<FileSpan>,
    ) -> Result<Artifact, Diag> {
        self.add(path, kind, at, false)
    }

    /// Declares a file that needs no action.
    pub(crate) fn declare_optional(&self, path: RelPath) -> Result<Artifact, Diag> {
        self.add(path, ArtifactKind::File, None, true)
    }

    fn add(
        &self,
        path: RelPath,
        kind: ArtifactKind,
        at: Option<FileSpan>,
        optional: bool,
    ) -> Result<Artifact, Diag> {
        let artifact = Artifact::derived(self.target.clone(), &self.configuration, path, kind);
        let mut inner = self.inner.borrow_mut();
        let key: Arc<str> = Arc::from(artifact.exec_path());
        if let Some(before) = inner.by_path.get(&key) {
            let index = *before;
            let before = &mut inner.declared[index];
            before.optional &= optional;
            if before.artifact.kind() == kind {
                return Ok(before.artifact.clone());
            }
            let diag = Diag::build(format!(
                "`{}` is declared as a {} and as a {}",
                artifact.repo_path(),
                kind_name(before.artifact.kind()),
                kind_name(kind)
            ));
            return Err(noted(diag, "first declared here", before.at.as_ref()));
        }
        let index = inner.declared.len();
        inner.by_path.insert(key, index);
        inner.declared.push(Declared {
            artifact: artifact.clone(),
            at,
            action: None,
            optional,
        });
        Ok(artifact)
    }

    /// Registers an action.
    pub(crate) fn register(
        &self,
        action: ActionTemplate,
        at: Option<FileSpan>,
    ) -> Result<(), Diag> {
        let mut inner = self.inner.borrow_mut();
        for output in action.outputs.iter() {
            let Some(index) = inner.by_path.get(output.exec_path()).copied() else {
                return Err(self.foreign(output));
            };
            let declared = &mut inner.declared[index];
            if let Some(first) = &declared.action {
                let diag = Diag::build(format!("two actions make `{}`", output.repo_path()));
                return Err(noted(diag, "the first one is here", first.as_ref()));
            }
            declared.action = Some(at.clone());
        }
        inner.actions.push(Arc::new(action));
        Ok(())
    }

    fn foreign(&self, output: &Artifact) -> Diag {
        let diag = Diag::build(format!(
            "`{}` cannot be an output: it is no file that this target declares",
            output.exec_path()
        ));
        match output.is_source() {
            true => diag.note("it is a source file"),
            false => diag.note(format!("it belongs to `{}`", output.owner_label())),
        }
        .hint("declare outputs by `ctx.actions.declare_file`")
    }

    /// Whether an action makes it.
    pub(crate) fn is_made(&self, artifact: &Artifact) -> bool {
        let inner = self.inner.borrow();
        let index = inner.by_path.get(artifact.exec_path());
        index.is_some_and(|index| inner.declared[*index].action.is_some())
    }

    /// Takes the actions out; every declared file must have one.
    pub(crate) fn finish(&self) -> Result<Vec<Arc<ActionTemplate>>, Diag> {
        let inner = self.inner.take();
        let mut orphans = inner
            .declared
            .iter()
            .filter(|file| file.action.is_none() && !file.optional);
        let Some(first) = orphans.next() else {
            return Ok(inner.actions);
        };
        let diag = Diag::build(format!(
            "no action makes `{}`, which is declared as an output",
            first.artifact.repo_path()
        ));
        let diag = orphans.take(5).fold(diag, |diag, other| {
            diag.note(format!("nor `{}`", other.artifact.repo_path()))
        });
        Err(match &first.at {
            Some(at) => diag.at(to_span(at)),
            None => diag.note("it is an output attribute of the rule"),
        })
    }
}

fn noted(diag: Diag, message: &str, at: Option<&FileSpan>) -> Diag {
    match at {
        Some(at) => diag.note_at(message, to_span(at)),
        None => diag,
    }
}

fn kind_name(kind: ArtifactKind) -> &'static str {
    match kind {
        ArtifactKind::File => "file",
        ArtifactKind::Directory => "directory",
        ArtifactKind::Symlink => "symlink",
    }
}
