//! `File` and what hangs on it.

use std::fmt;
use std::hash::Hash;

use kiln_targets::{Artifact, ArtifactKind, Configuration, Owner};

use crate::interp::*;

/// A file as rules see it (Bazel: `File`).
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct FileValue {
    #[allocative(skip)]
    pub(crate) artifact: Artifact,
}

starlark_simple_value!(FileValue);

impl FileValue {
    /// The artifact behind a value, if it is a file.
    pub(crate) fn artifact_of<'v>(value: Value<'v>) -> Option<&'v Artifact> {
        FileValue::from_value(value).map(|file| &file.artifact)
    }
}

/// Puts an artifact on a heap.
pub(crate) fn alloc<'v>(heap: Heap<'v>, artifact: &Artifact) -> Value<'v> {
    heap.alloc(FileValue {
        artifact: artifact.clone(),
    })
}

impl fmt::Display for FileValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.artifact.is_source() {
            true => "source",
            false => "generated",
        };
        write!(f, "<{kind} file {}>", self.artifact.short_path())
    }
}

starlark::methods_static!(FILE_METHODS = file_methods);

#[starlark_value(type = "File")]
impl<'v> StarlarkValue<'v> for FileValue {
    fn get_methods() -> Option<&'static Methods> {
        Some(FILE_METHODS.methods())
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(FileValue::artifact_of(other) == Some(&self.artifact))
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        self.artifact.hash(hasher);
        Ok(())
    }
}

#[starlark_module]
fn file_methods(methods: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn path<'v>(this: &FileValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(this.artifact.exec_path()))
    }

    #[starlark(attribute)]
    fn short_path<'v>(this: &FileValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(this.artifact.short_path()))
    }

    #[starlark(attribute)]
    fn basename<'v>(this: &FileValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(basename_of(this.artifact.exec_path())))
    }

    #[starlark(attribute)]
    fn dirname<'v>(this: &FileValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let path = this.artifact.exec_path();
        Ok(heap.alloc(path.rsplit_once('/').map_or("", |(dir, _)| dir)))
    }

    #[starlark(attribute)]
    fn extension<'v>(this: &FileValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let name = basename_of(this.artifact.exec_path());
        Ok(heap.alloc(name.rsplit_once('.').map_or("", |(_, extension)| extension)))
    }

    #[starlark(attribute)]
    fn is_source(this: &FileValue) -> starlark::Result<bool> {
        Ok(this.artifact.is_source())
    }

    #[starlark(attribute)]
    fn is_directory(this: &FileValue) -> starlark::Result<bool> {
        Ok(this.artifact.kind() == ArtifactKind::Directory)
    }

    #[starlark(attribute)]
    fn is_symlink(this: &FileValue) -> starlark::Result<bool> {
        Ok(this.artifact.kind() == ArtifactKind::Symlink)
    }

    #[starlark(attribute)]
    fn root<'v>(this: &FileValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(RootValue::of(&this.artifact)))
    }

    #[starlark(attribute)]
    fn owner<'v>(this: &FileValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(crate::context::label_value(
            this.artifact.owner_label(),
            heap,
        ))
    }
}

/// The last component of a path.
pub(crate) fn basename_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A folder that files lie below (Bazel: `FileRoot`).
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct RootValue {
    pub(crate) path: String,
}

starlark_simple_value!(RootValue);

impl RootValue {
    /// The folder that outputs of a configuration lie below.
    pub(crate) fn bin(configuration: &Configuration) -> RootValue {
        RootValue {
            path: format!("kiln-out/{}/bin", configuration.folder()),
        }
    }

    /// The root of a file. That of an output is the output folder, whatever its repository.
    fn of(artifact: &Artifact) -> RootValue {
        match artifact.owner() {
            Owner::Source(_) | Owner::Status(..) => RootValue {
                path: artifact.root().to_owned(),
            },
            Owner::Target(_, configuration) => RootValue::bin(configuration),
        }
    }
}

impl fmt::Display for RootValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[derived]", self.path)
    }
}

starlark::methods_static!(ROOT_METHODS = root_methods);

#[starlark_value(type = "root")]
impl<'v> StarlarkValue<'v> for RootValue {
    fn get_methods() -> Option<&'static Methods> {
        Some(ROOT_METHODS.methods())
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(RootValue::from_value(other).is_some_and(|other| self.path == other.path))
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        self.path.hash(hasher);
        Ok(())
    }
}

#[starlark_module]
fn root_methods(methods: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn path<'v>(this: &RootValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(this.path.as_str()))
    }
}
