//! `cache`: what the store holds, shrinking it, checking it.

use std::io::Write;

use kiln_diag::Diag;
use serde_json::json;

use crate::command::context::Context;
use crate::engine::open_store;
use crate::show::{bytes, errors, out};

/// Runs `cache stats`, `cache gc` or `cache verify`.
pub(crate) fn cache(context: &Context) -> Result<u8, Diag> {
    let store = open_store(&context.cache()?)?;
    errors(&store.warnings());
    let json = context.options.format() == "json";
    let words: Vec<&str> = context
        .options
        .patterns()
        .iter()
        .map(|word| &**word)
        .collect();
    match words[..] {
        [] | ["stats"] => {
            let stats = store.stats()?;
            if json {
                return out(&json!({
                    "blobs": stats.blobs, "blob_bytes": stats.blob_bytes,
                    "actions": stats.actions, "index_bytes": stats.index_bytes,
                    "max_bytes": stats.max_bytes, "root": store.root(),
                }));
            }
            print(&[
                ("store", store.root().display().to_string()),
                (
                    "blobs",
                    format!("{} in {} files", bytes(stats.blob_bytes), stats.blobs),
                ),
                ("action results", stats.actions.to_string()),
                ("index", bytes(stats.index_bytes)),
                ("limit", bytes(stats.max_bytes)),
            ])
        }
        ["gc"] => {
            let report = store.gc(context.options.max_bytes())?;
            if json {
                return out(&json!({
                    "blobs_removed": report.blobs_removed, "actions_removed": report.actions_removed,
                    "bytes_before": report.bytes_before, "bytes_after": report.bytes_after,
                }));
            }
            print(&[
                ("blobs removed", report.blobs_removed.to_string()),
                ("action results removed", report.actions_removed.to_string()),
                ("before", bytes(report.bytes_before)),
                ("now", bytes(report.bytes_after)),
            ])
        }
        ["verify"] => {
            let report = store.verify()?;
            if json {
                return out(&json!({
                    "files": report.files, "bytes": report.bytes, "damaged": report.damaged,
                    "actions": report.actions, "actions_removed": report.actions_removed,
                }));
            }
            print(&[
                (
                    "checked",
                    format!("{} in {} files", bytes(report.bytes), report.files),
                ),
                ("damaged and removed", report.damaged.len().to_string()),
                ("action results", report.actions.to_string()),
                ("action results removed", report.actions_removed.to_string()),
            ])
        }
        _ => Err(
            Diag::usage(format!("`kiln cache` has no command `{}`", words.join(" ")))
                .hint("`kiln cache stats`, `kiln cache gc` and `kiln cache verify` are there"),
        ),
    }
}

fn print(rows: &[(&str, String)]) -> Result<u8, Diag> {
    let mut text = String::new();
    for (name, value) in rows {
        text.push_str(&format!("{name}: {value}\n"));
    }
    crate::show::written(std::io::stdout().write_all(text.as_bytes()))
}
