//! `clean`: removes outputs.

use std::fs;

use kiln_diag::Diag;

use crate::command::context::Context;
use crate::engine::out_folder;
use crate::output::OUT;

/// Removes the output folder of this workspace and the link to it. Results stay in the store, which
/// other workspaces share: `kiln cache gc` shrinks that.
pub(crate) fn clean(context: &Context) -> Result<u8, Diag> {
    let workspace = context.workspace()?;
    let folder = out_folder(&context.cache()?, &workspace.root);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| Diag::io("cannot remove", &folder, &e))?;
    }
    let link = workspace.root.join(OUT);
    if link.is_symlink() {
        fs::remove_file(&link).map_err(|e| Diag::io("cannot remove", &link, &e))?;
    }
    Ok(0)
}
