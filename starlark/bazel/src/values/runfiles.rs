//! `runfiles` and `FilesToRunProvider`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{Artifact, ArtifactSet, Order, Runfiles};

use crate::interp::*;
use crate::values::depset::Depset;
use crate::values::file::{self, FileValue};
use crate::values::structs::Struct;

/// Files that a program needs beside it (Bazel: `runfiles`).
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct RunfilesValue {
    #[allocative(skip)]
    pub(crate) runfiles: Arc<Runfiles>,
}

starlark_simple_value!(RunfilesValue);

impl RunfilesValue {
    /// All of these together; shares what needs no merging.
    pub(crate) fn merge(parts: &[Arc<Runfiles>]) -> RunfilesValue {
        let mut full = parts.iter().filter(|part| !part.is_empty());
        let runfiles = match (full.next(), full.next()) {
            (None, _) => Arc::default(),
            (Some(only), None) => only.clone(),
            _ => Arc::new(Runfiles::merge_all(parts.iter().map(|part| &**part))),
        };
        RunfilesValue { runfiles }
    }
}

impl fmt::Display for RunfilesValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<runfiles>")
    }
}

starlark::methods_static!(RUNFILES_METHODS = runfiles_methods);

#[starlark_value(type = "runfiles")]
impl<'v> StarlarkValue<'v> for RunfilesValue {
    fn get_methods() -> Option<&'static Methods> {
        Some(RUNFILES_METHODS.methods())
    }
}

#[starlark_module]
fn runfiles_methods(methods: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn files<'v>(this: &RunfilesValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let files = this.runfiles.files.clone();
        Ok(heap.alloc(Depset::of_files(Order::Default, files)))
    }

    #[starlark(attribute)]
    fn symlinks<'v>(this: &RunfilesValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        symlink_entries(&this.runfiles.symlinks, heap)
    }

    #[starlark(attribute)]
    fn root_symlinks<'v>(this: &RunfilesValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        symlink_entries(&this.runfiles.root_symlinks, heap)
    }

    #[starlark(attribute)]
    fn empty_filenames<'v>(this: &RunfilesValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let names = this.runfiles.empty.iter();
        let names: Vec<_> = names.map(|name| heap.alloc(&**name)).collect();
        Ok(heap.alloc(Depset::build(Order::Default, &names, &[])?))
    }

    fn merge<'v>(
        this: &RunfilesValue,
        #[starlark(require = pos)] other: &RunfilesValue,
    ) -> starlark::Result<RunfilesValue> {
        Ok(RunfilesValue::merge(&[
            this.runfiles.clone(),
            other.runfiles.clone(),
        ]))
    }

    /// For kiln's own Python rules.
    fn _with_init_files(this: &RunfilesValue) -> starlark::Result<RunfilesValue> {
        Ok(RunfilesValue {
            runfiles: Arc::new(with_init_files(&this.runfiles)),
        })
    }

    fn merge_all<'v>(
        this: &RunfilesValue,
        #[starlark(require = pos)] others: Value<'v>,
    ) -> starlark::Result<RunfilesValue> {
        let Some(others) = sequence(others) else {
            return fail(format!(
                "`merge_all` takes a list of runfiles, and got `{}`",
                others.get_type()
            ));
        };
        let mut parts = vec![this.runfiles.clone()];
        for other in others {
            match RunfilesValue::from_value(*other) {
                Some(other) => parts.push(other.runfiles.clone()),
                None => {
                    return fail(format!(
                        "`merge_all` takes a list of runfiles, and one is `{}`",
                        other.get_type()
                    ));
                }
            }
        }
        Ok(RunfilesValue::merge(&parts))
    }
}

/// The same with an empty `__init__.py` in every folder, below its repository's, of Python files
/// and extensions, and in the folders above these (Bazel: `--legacy_create_init`).
fn with_init_files(runfiles: &Runfiles) -> Runfiles {
    const NEED: [&str; 3] = [".py", ".pyc", ".so"];
    let entries = runfiles.entries();
    let paths: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let mut empty: BTreeSet<Arc<str>> = runfiles.empty.iter().cloned().collect();
    let mut done = BTreeSet::new();
    for path in paths
        .iter()
        .filter(|path| NEED.iter().any(|need| path.ends_with(need)))
    {
        let mut folder = *path;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            if !parent.contains('/') || !done.insert(parent) {
                break;
            }
            let init = format!("{parent}/__init__.py");
            if !paths.contains(init.as_str()) && !paths.contains(format!("{init}c").as_str()) {
                empty.insert(init.into());
            }
            folder = parent;
        }
    }
    Runfiles {
        empty: empty.into_iter().collect(),
        ..runfiles.clone()
    }
}

/// A depset of entries with `path` and `target_file` (Bazel: `SymlinkEntry`).
fn symlink_entries<'v>(
    links: &[(Arc<str>, Artifact)],
    heap: Heap<'v>,
) -> starlark::Result<Value<'v>> {
    let entries = links.iter().map(|(path, target)| {
        let fields = [
            ("path", heap.alloc(&**path)),
            ("target_file", file::alloc(heap, target)),
        ];
        heap.alloc(Struct::of(heap, fields))
    });
    let entries: Vec<_> = entries.collect();
    Ok(heap.alloc(Depset::build(Order::Default, &entries, &[])?))
}

/// Reads `symlinks = {path: File}`, or a depset of entries.
pub(crate) fn links(
    value: Option<Value<'_>>,
    what: &str,
) -> starlark::Result<Vec<(Arc<str>, Artifact)>> {
    let Some(value) = value.filter(|value| !value.is_none()) else {
        return Ok(Vec::new());
    };
    let wrong = || {
        stop(Diag::build(format!(
            "`{what}` takes a dict from paths to files, and got `{}`",
            value.get_type()
        )))
    };
    let mut links = Vec::new();
    let mut push = |path: Value<'_>, file: Value<'_>| {
        let path = path.unpack_str().ok_or_else(wrong)?;
        let file = FileValue::artifact_of(file).ok_or_else(wrong)?;
        check_link_path(path, what)?;
        links.push((Arc::from(path), file.clone()));
        Ok::<(), starlark::Error>(())
    };
    if let Some(dict) = DictRef::from_value(value) {
        for (path, file) in dict.iter() {
            push(path, file)?;
        }
    } else if let Some(set) = Depset::from_value(value) {
        for entry in crate::values::depset_order::list(set) {
            let entry = Struct::from_value(entry).ok_or_else(wrong)?;
            match (entry.get("path"), entry.get("target_file")) {
                (Some(path), Some(file)) => push(path, file)?,
                _ => return Err(wrong()),
            }
        }
    } else {
        return Err(wrong());
    }
    Ok(links)
}

/// Links must stay inside the runfiles tree.
fn check_link_path(path: &str, what: &str) -> starlark::Result<()> {
    match kiln_base::RelPath::new(path) {
        Ok(path) if !path.as_str().is_empty() => Ok(()),
        _ => fail(format!(
            "`{what}` has the path `{path}`, which is no normalized relative path"
        )),
    }
}

/// What it takes to run a program (Bazel: `FilesToRunProvider`).
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct FilesToRun {
    #[allocative(skip)]
    pub(crate) executable: Option<Artifact>,
    #[allocative(skip)]
    pub(crate) runfiles: Arc<Runfiles>,
    /// What the target makes by default, for programs without an executable.
    #[allocative(skip)]
    pub(crate) files: ArtifactSet,
}

starlark_simple_value!(FilesToRun);

impl fmt::Display for FilesToRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<files to run>")
    }
}

starlark::methods_static!(FILES_TO_RUN_METHODS = files_to_run_methods);

#[starlark_value(type = "FilesToRunProvider")]
impl<'v> StarlarkValue<'v> for FilesToRun {
    fn get_methods() -> Option<&'static Methods> {
        Some(FILES_TO_RUN_METHODS.methods())
    }
}

#[starlark_module]
fn files_to_run_methods(methods: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn executable<'v>(this: &FilesToRun, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(match &this.executable {
            Some(executable) => file::alloc(heap, executable),
            None => Value::new_none(),
        })
    }

    /// kiln makes runfiles trees, never manifests.
    #[starlark(attribute)]
    fn runfiles_manifest(this: &FilesToRun) -> starlark::Result<NoneType> {
        let _ = this;
        Ok(NoneType)
    }

    /// kiln makes runfiles trees, never manifests.
    #[starlark(attribute)]
    fn repo_mapping_manifest(this: &FilesToRun) -> starlark::Result<NoneType> {
        let _ = this;
        Ok(NoneType)
    }
}
