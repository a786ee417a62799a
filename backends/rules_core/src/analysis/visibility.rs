//! Who may depend on whom.

use kiln_address::{Label, PackageId};
use kiln_diag::{Diag, Part};
use kiln_events::Event;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{AttrSchema, AttrValue, Dep, Visibility, VisibilitySpec};

use super::target::Target;
use super::{Analyzed, Outcome, analyzed};
use crate::keys::TargetKey;
use crate::services::Events;
use crate::targets::{LoadedKind, LoadedTarget};

impl Target<'_> {
    /// Visibility and `testonly` (Bazel).
    pub(super) async fn check_visible(
        &self,
        cx: &RuleCx<analyzed>,
        schema: &AttrSchema,
        label: &Label,
        dep: &Analyzed,
    ) -> Result<(), Diag> {
        let own = &self.def.label;
        // Private attributes are the rule author's, not the user's.
        if schema.name.starts_with('_') || schema.name.starts_with('$') {
            return Ok(());
        }
        if dep.testonly && !self.may_use_testonly() {
            return Err(Diag::build(format!(
                "`{own}` depends on `{label}`, which is for tests only (`testonly`)"
            ))
            .at(self.def.span.clone())
            .about(&*schema.name, Part::Label(label.to_string()))
            .hint(format!(
                "set `testonly = True` on `{own}`, or drop the dependency"
            )));
        }
        if visible(cx, own.package(), label, &dep.visibility).await? {
            return Ok(());
        }
        let source = matches!(dep.outcome, Outcome::Ready(Dep::Source(_)));
        let cure = match source {
            true => format!(
                "add `exports_files([\"{}\"])` to the BUILD file of `{}`",
                label.name(),
                label.package()
            ),
            false => format!(
                "add `\"{}:__pkg__\"` to the `visibility` of `{label}`",
                own.package()
            ),
        };
        let error = Diag::build(format!(
            "`{label}` is not visible to `{own}` (attribute `{}`)",
            schema.name
        ))
        .at(self.def.span.clone())
        .about(&*schema.name, Part::Label(label.to_string()))
        .hint(cure);
        if !self.options.ignore_visibility {
            return Err(error);
        }
        let events = cx.service::<Events>()?;
        events.0.emit(Event::Diagnostic(error.into_warning()));
        Ok(())
    }

    fn may_use_testonly(&self) -> bool {
        self.def.rule.test || self.def.attr("testonly").and_then(AttrValue::as_bool) == Some(true)
    }
}

/// Whether something in `package` may depend on `label`, whose visibility is `visibility`.
async fn visible<R>(
    cx: &RuleCx<R>,
    package: &PackageId,
    label: &Label,
    visibility: &Visibility,
) -> Result<bool, Diag>
where
    R: Declares<LoadedTarget, (TargetKey,)>,
{
    if package == label.package() {
        return Ok(true);
    }
    let specs = match visibility {
        Visibility::Public => return Ok(true),
        Visibility::Private => return Ok(false),
        Visibility::Listed(specs) => specs,
    };
    if specs.iter().any(|spec| covers(spec, package)) {
        return Ok(true);
    }
    // Groups are loaded only when nothing else decides, and each once.
    let mut pending: Vec<Label> = Vec::new();
    let mut seen: Vec<Label> = Vec::new();
    pending.extend(specs.iter().filter_map(|spec| match spec {
        VisibilitySpec::Group(group) => Some(group.clone()),
        _ => None,
    }));
    while let Some(label) = pending.pop() {
        if seen.contains(&label) {
            continue;
        }
        seen.push(label.clone());
        let Ok(loaded) = cx.get::<LoadedTarget, _>((TargetKey(label),)).await else {
            continue;
        };
        let LoadedKind::Group(group) = &loaded.kind else {
            continue;
        };
        let refused = group
            .packages
            .iter()
            .any(|(spec, add)| !add && covers(spec, package));
        let allowed = group
            .packages
            .iter()
            .any(|(spec, add)| *add && covers(spec, package));
        if !refused && (group.everybody || allowed) {
            return Ok(true);
        }
        pending.extend(group.includes.iter().cloned());
    }
    Ok(false)
}

fn covers(spec: &VisibilitySpec, package: &PackageId) -> bool {
    match spec {
        VisibilitySpec::Package(id) => id == package,
        VisibilitySpec::Subpackages(id) => {
            id.repo == package.repo && package.path.strip_prefix(&id.path).is_some()
        }
        VisibilitySpec::Group(_) => false,
    }
}
