//! The exact place of what is wrong with a target.

use kiln_address::Label;
use kiln_diag::{Diag, Part};
use kiln_rules::RuleCx;
use kiln_targets::{Dialect, SourceText};

use super::analyzed;
use super::target::Target;
use crate::files::{FileText, shown_path};
use crate::keys::FileKey;
use crate::repos::Repositories;
use crate::services::HostService;

impl Target<'_> {
    /// Moves an error about a part of this target from the target's call to where that part is
    /// written. Whatever prevents that leaves the error where it is.
    pub(super) async fn placed(
        &self,
        cx: &RuleCx<analyzed>,
        repositories: &Repositories,
        error: Diag,
    ) -> Diag {
        let own = &self.def.label;
        let path = shown_path(own.repo(), &self.loaded.build_file);
        let call = &self.def.span;
        let Some(about) = error.part().cloned() else {
            return error;
        };
        if error.span() != Some(call) || call.file != path {
            return error;
        }
        let file = FileKey {
            repo: own.repo().clone(),
            path: self.loaded.build_file.clone(),
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
}
