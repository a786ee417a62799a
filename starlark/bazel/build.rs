//! Embeds `starlark/prelude/`: writes a table of all its files for `src/prelude.rs` to include.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest.join("../prelude").canonicalize()?;
    let mut paths = Vec::new();
    collect(&root, "", &mut paths)?;
    // As the look-up compares: repository first, then path.
    paths.sort_by(|a, b| split(a).cmp(&split(b)));
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::from("&[\n");
    for path in &paths {
        let (repository, inner) = split(path);
        let text = text_of(&root.join(path), &out, repository, inner)?;
        writeln!(
            table,
            "    PreludeFile {{ repository: {repository:?}, path: {inner:?}, text: {text} }},"
        )?;
    }
    table.push_str("]\n");
    fs::write(out.join("prelude_files.rs"), table)?;
    println!("cargo::rerun-if-changed={}", root.display());
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// What stands in a file for the processor that kiln is built for, in the names of `@platforms`.
const HOST_CPU: &str = "@HOST_CPU@";

/// The expression for a file's text: the file itself, or a copy with [`HOST_CPU`] replaced.
fn text_of(
    file: &Path,
    out: &Path,
    repository: &str,
    inner: &str,
) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    if !text.contains(HOST_CPU) {
        return Ok(format!("include_str!({file:?})"));
    }
    let cpu = env::var("CARGO_CFG_TARGET_ARCH")?;
    let copy = out.join(format!("{repository}_{}", inner.replace('/', "_")));
    fs::write(&copy, text.replace(HOST_CPU, &cpu))?;
    Ok(format!("include_str!({copy:?})"))
}

fn split(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

/// All files below `folder`, relative to `root`, with `/` between parts. Files directly in the
/// root belong to no repository and are left out.
fn collect(root: &Path, folder: &str, paths: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or("a file of the prelude has a name that is no UTF-8")?;
        let path = match folder {
            "" => name.to_owned(),
            _ => format!("{folder}/{name}"),
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(root, &path, paths)?;
        } else if kind.is_file() && !folder.is_empty() {
            paths.push(path);
        }
    }
    Ok(())
}
