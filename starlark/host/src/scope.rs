//! Where a piece of Starlark is written, and hence what its label strings mean.
#![allow(unused_qualifications)] // in what the derives write

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use kiln_address::{Label, LabelError, RepoMapping};
use kiln_base::Fingerprint;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use starlark::codemap::{CodeMap, CodeMapId};
use starlark::starlark_simple_value;
use starlark::values::starlark_value;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkPagablePanic, StarlarkValue};

/// A Starlark file: its label, what repository names mean in it, and its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileScope {
    /// The file's label (`//pkg:defs.bzl`; for a BUILD file `//pkg:BUILD`).
    pub label: Label,
    /// What repository names in it mean.
    pub mapping: Arc<RepoMapping>,
    /// The identity of its text, its repository names and all it loads. For BUILD files, which
    /// nothing depends on by fingerprint, that of the empty text.
    pub fingerprint: Fingerprint,
}

impl FileScope {
    /// Parses a label string written in this file.
    pub fn parse_label(&self, text: &str) -> Result<Label, LabelError> {
        Label::parse(text, self.label.package(), &self.mapping)
    }
}

/// The scopes of all files whose functions can still be called, by their source text's identity.
///
/// An entry lives as long as the heap of its module: a [`ScopeGuard`] in that heap takes it out.
#[derive(Default)]
pub(crate) struct Scopes(RwLock<FxHashMap<CodeMapId, Arc<FileScope>>>);

impl Scopes {
    pub(crate) fn get(&self, file: &CodeMap) -> Option<Arc<FileScope>> {
        self.0.read().get(&file.id()).cloned()
    }

    pub(crate) fn register(self: &Arc<Self>, file: &CodeMap, scope: &Arc<FileScope>) -> ScopeGuard {
        self.0.write().insert(file.id(), scope.clone());
        ScopeGuard {
            scopes: self.clone(),
            file: file.clone(),
        }
    }
}

/// Keeps a file's scope known; it sits in the heap of the file's module.
#[derive(ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
#[allocative(skip)]
pub(crate) struct ScopeGuard {
    scopes: Arc<Scopes>,
    // Held so that its id stays unique.
    file: CodeMap,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        self.scopes.0.write().remove(&self.file.id());
    }
}

impl fmt::Debug for ScopeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("file scope")
    }
}

impl fmt::Display for ScopeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("file scope")
    }
}

starlark_simple_value!(ScopeGuard);

#[starlark_value(type = "file_scope")]
impl<'v> StarlarkValue<'v> for ScopeGuard {}
