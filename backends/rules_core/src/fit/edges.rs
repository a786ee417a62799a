//! What flows from one environment into another.

use kiln_diag::{Diag, Part};
use kiln_targets::TargetDef;

use super::graph::Graph;
use super::there::{Place, Places};
use super::{Kind, Need, PORTABLE, Role, RuleSpot};

/// What does not fit together: which target says it, and what to say of it.
pub(super) fn findings(graph: &Graph, places: &Places) -> Vec<(usize, Kind, Diag)> {
    let mut findings = Vec::new();
    for (at, user) in graph.rules() {
        for need in &user.needs {
            let Some(made) = graph.behind(need) else {
                continue;
            };
            if made.environment == user.environment || made.is_portable() {
                continue;
            }
            let (Some(there), Some(here)) =
                (places.of(&made.environment), places.of(&user.environment))
            else {
                continue;
            };
            let edge = Edge {
                user,
                need,
                made,
                here,
                there,
            };
            if let Some(diag) = edge.other_platform() {
                findings.push((at, Kind::Platform, diag));
            } else if let Some(diag) = edge.out_of_the_workspace() {
                findings.push((at, Kind::Workspace, diag));
            }
        }
    }
    findings
}

/// A dependency that is built elsewhere than its dependent.
struct Edge<'a> {
    user: &'a RuleSpot,
    need: &'a Need,
    made: &'a RuleSpot,
    here: &'a Place,
    there: &'a Place,
}

impl Edge<'_> {
    /// Code for one platform can be carried to another, but neither run nor linked there.
    fn other_platform(&self) -> Option<Diag> {
        let (Some(here), Some(there)) = (self.here.platform, self.there.platform) else {
            return None;
        };
        if here == there || !self.made.tools.cc {
            return None;
        }
        let verb = match self.need.role {
            Role::Tool => "runs",
            Role::Input if self.user.tools.cc => "is linked with",
            _ => return None,
        };
        let (user, made) = (&self.user.def.label, &self.made.def.label);
        let diag = Diag::build(format!(
            "`{user}` {verb} `{made}`, which is built for another platform"
        ));
        let diag = self.at(diag);
        Some(
            diag.note_at(
                format!("`{made}` is built {}, for `{there}`", self.there.shown()),
                self.made.def.span.clone(),
            )
            .note(format!("`{user}` is built {}, for `{here}`", self.here.shown()))
            .hint(format!(
                "drop the `environment` of `{made}`, so that it is built where it is needed, or have `parametrize` make one for each"
            ))
            .hint(format!(
                "if what it makes is the same everywhere, tag it `{PORTABLE}`"
            )),
        )
    }

    /// Nobody knows what was read to make something in the workspace.
    fn out_of_the_workspace(&self) -> Option<Diag> {
        if !self.there.is_workspace() || self.here.is_workspace() || !self.made.acts {
            return None;
        }
        let (user, made) = (&self.user.def.label, &self.made.def.label);
        let diag = Diag::build(format!(
            "`{user}` uses what `{made}` makes in the workspace itself"
        ));
        let diag = self.at(diag);
        Some(
            diag.note_at(
                format!(
                    "`{made}` is built {}, where it may read what nobody declared",
                    self.there.shown()
                ),
                self.made.def.span.clone(),
            )
            .note(format!(
                "`{user}` is built {}, and what it makes is kept and shared",
                self.here.shown()
            ))
            .hint(format!(
                "build `{user}` in the workspace as well, or `{made}` in a sandbox"
            ))
            .hint(format!(
                "if the outputs of `{made}` depend on what it declares alone, tag it `{PORTABLE}`"
            )),
        )
    }

    /// Where the dependency is written.
    fn at(&self, diag: Diag) -> Diag {
        let user: &TargetDef = &self.user.def;
        let diag = diag.at(user.span.clone());
        match self.need.attr.is_empty() {
            true => diag,
            false => diag.about(&*self.need.attr, Part::Label(self.need.label.to_string())),
        }
    }
}
