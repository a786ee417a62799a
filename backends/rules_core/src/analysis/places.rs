//! The exact place of what is wrong with a target.

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_diag::{Diag, Part};
use kiln_rules::{Declares, RuleCx, Uses};
use kiln_targets::{Dialect, SourceText, TargetDef};

use super::target::Target;
use crate::files::{FileText, shown_path};
use crate::keys::FileKey;
use crate::repos::Repositories;
use crate::services::HostService;

impl Target<'_> {
    /// Moves an error about a part of this target to where that part is written.
    pub(crate) async fn placed<R>(
        &self,
        cx: &RuleCx<R>,
        repositories: &Repositories,
        error: Diag,
    ) -> Diag
    where
        R: Declares<FileText, (FileKey,)> + Uses<HostService>,
    {
        placed(cx, repositories, self.def, &self.loaded.build_file, error).await
    }
}

/// Moves an error about a part of a target from the target's call to where that part is written.
/// Whatever prevents that leaves the error where it is.
pub(crate) async fn placed<R>(
    cx: &RuleCx<R>,
    repositories: &Repositories,
    def: &TargetDef,
    build_file: &RelPath,
    error: Diag,
) -> Diag
where
    R: Declares<FileText, (FileKey,)> + Uses<HostService>,
{
    let own = &def.label;
    let path = shown_path(own.repo(), build_file);
    let call = &def.span;
    let Some(about) = error.part().cloned() else {
        return error;
    };
    if error.span() != Some(call) || call.file != path {
        return error;
    }
    let file = FileKey {
        repo: own.repo().clone(),
        path: build_file.clone(),
    };
    let text = cx.get::<FileText, _>((file,)).await;
    let (Ok(text), Ok(host), Ok(repository)) = (
        text,
        cx.service::<HostService>(),
        repositories.get(own.repo()),
    ) else {
        return error;
    };
    let Some(text) = text.0.clone() else {
        return error;
    };
    let source = SourceText {
        path,
        text,
        dialect: Dialect::Build,
    };
    let is_wanted = |text: &str| match &about.part {
        Part::Whole => false,
        Part::Text(wanted) => text.contains(wanted),
        Part::Label(wanted) => Label::parse(text, own.package(), &repository.mapping)
            .is_ok_and(|label| label.to_string() == *wanted),
    };
    match host.0.locate(source, call, &about.attribute, &is_wanted) {
        Some(span) => error.moved(span),
        None => error,
    }
}
