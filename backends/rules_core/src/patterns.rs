//! From target patterns to targets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kiln_address::{Label, PackageId, Pattern, PatternKind, Repo, Selector};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_rules::{Declares, Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{AttrValue, PackageDefs, Target, TargetDef};

use crate::absent;
use crate::files::DirEntries;
use crate::keys::{DirKey, PackageKey, TargetKey};
use crate::members::Member;
use crate::packages::{Package, PackageLookup, PackagesBelow, package_above};
use crate::repos::Repositories;
use crate::targets::{LoadedKind, LoadedTarget};
use crate::test_filters::{TestFilters, is_manual, is_suite, suite_tags_fit, tags_fit};

/// Which targets a command is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    /// The patterns as given, signs included.
    pub patterns: Vec<String>,
    /// The current folder, relative to the root.
    pub cwd: RelPath,
    /// What to do with what matches.
    pub purpose: Purpose,
    /// `--build_tag_filters`: tags wanted, and with `-` those not wanted.
    pub build_tags: Vec<String>,
    /// Which tests are run.
    pub tests: TestFilters,
    /// `--build_manual_tests`: wildcards mean tests tagged `manual` as well, to be built.
    pub manual_tests: bool,
    /// Whether a package that does not load is an error of its own, and the others count.
    pub keep_going: bool,
}
impl Param for Selection {}

/// What a command wants of the targets that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Everything that can be built; targets tagged `manual` only by name. Test suites are
    /// replaced by their tests (Bazel).
    Build,
    /// As `Build`; what `--build_tag_filters` leaves out is there all the same if it is a test
    /// to run.
    Test,
    /// Everything there is, `manual` or not.
    List,
}

/// The targets that patterns match.
#[derive(Debug, PartialEq, Eq)]
pub struct Selected {
    /// The targets, sorted.
    pub targets: Vec<SelectedTarget>,
    /// What could not be loaded (with `keep_going`).
    pub errors: Vec<Diag>,
}
impl Product for Selected {}

/// One target that was selected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SelectedTarget {
    /// Its label.
    pub label: Label,
    /// Its kind: `cc_library rule`, `source file`, `generated file`.
    pub kind: Arc<str>,
    /// Whether it is a test.
    pub test: bool,
    /// Whether it is a test that filters let run.
    pub run: bool,
    /// Whether it was named, and not only matched by a wildcard.
    pub named: bool,
}

/// Finds the targets that patterns match.
#[rule(gets(
    PackageKey -> PackageLookup, PackageKey -> Package, DirKey -> PackagesBelow,
    DirKey -> DirEntries,
    TargetKey -> LoadedTarget
))]
pub async fn selected(
    cx: &RuleCx,
    selection: Arc<Selection>,
    repositories: Arc<Repositories>,
) -> Result<Selected, Diag> {
    let mapping = &repositories.root()?.mapping;
    let mut state = State {
        selection: &selection,
        found: BTreeMap::new(),
        errors: Vec::new(),
    };
    for text in &selection.patterns {
        let pattern = Pattern::parse(text, &selection.cwd, mapping)?;
        match state.matches(cx, &pattern).await {
            Ok(targets) if pattern.negative => {
                for target in targets {
                    state.found.remove(&target.label);
                }
            }
            Ok(targets) => {
                for target in targets {
                    let known = state.found.entry(target.label.clone());
                    let entry = known.or_insert_with(|| target.clone());
                    entry.named |= target.named;
                    entry.run |= target.run;
                }
            }
            Err(error) if selection.keep_going => state.errors.push(error),
            Err(error) => return Err(error),
        }
    }
    let mut errors = state.errors;
    errors.dedup();
    let targets = state.found.into_values().collect();
    Ok(Selected { targets, errors })
}

struct State<'a> {
    selection: &'a Selection,
    found: BTreeMap<Label, SelectedTarget>,
    errors: Vec<Diag>,
}

type Cx = RuleCx<selected>;

impl State<'_> {
    async fn matches(&mut self, cx: &Cx, pattern: &Pattern) -> Result<Vec<SelectedTarget>, Diag> {
        match &pattern.kind {
            PatternKind::Below(id, selector) => self.below(cx, pattern, id, *selector).await,
            PatternKind::Package(id, selector) => {
                let package = cx.get::<Package, _>((PackageKey(id.clone()),)).await?;
                self.in_package(cx, &package.0, *selector).await
            }
            PatternKind::Target(label) => self.named(cx, label).await,
            PatternKind::Path(repo, path) => self.path(cx, pattern, repo, path).await,
        }
    }

    async fn below(
        &mut self,
        cx: &Cx,
        pattern: &Pattern,
        id: &PackageId,
        selector: Selector,
    ) -> Result<Vec<SelectedTarget>, Diag> {
        let key = DirKey {
            repo: id.repo.clone(),
            path: id.path.clone(),
        };
        let packages = get_below(cx, key).await?;
        if packages.is_empty() && !pattern.negative {
            let diag = Diag::usage(format!(
                "target pattern `{}` matches nothing: no package at or below `{id}`",
                pattern.text
            ));
            return Err(
                match absent::similar_folder(cx, &id.repo, &id.path, false).await {
                    Some(near) => {
                        let near = PackageId::new(id.repo.clone(), near);
                        diag.hint(format!("did you mean `{near}/...`?"))
                    }
                    None => diag.hint("a package is a folder with a BUILD.bazel or BUILD file"),
                },
            );
        }
        let keys = packages.into_iter().map(|id| (PackageKey(id),)).collect();
        let mut targets = Vec::new();
        for package in cx.get_each::<Package, _>(keys).await {
            match package {
                Ok(package) => targets.extend(self.in_package(cx, &package.0, selector).await?),
                Err(error) if self.selection.keep_going => self.errors.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok(targets)
    }

    async fn in_package(
        &mut self,
        cx: &Cx,
        package: &PackageDefs,
        selector: Selector,
    ) -> Result<Vec<SelectedTarget>, Diag> {
        let mut targets = Vec::new();
        for (name, target) in &package.targets {
            let file = |kind: &str| -> Result<SelectedTarget, Diag> {
                let label = package.id.target(name);
                let label = label.map_err(|error| Diag::internal(error.to_string()))?;
                Ok(SelectedTarget {
                    label,
                    kind: Arc::from(kind),
                    test: false,
                    run: false,
                    named: false,
                })
            };
            match target {
                Target::Rule(def) if self.wanted(def) => {
                    targets.extend(self.expanded(cx, def, false).await?);
                }
                Target::Output { .. } if selector == Selector::Everything => {
                    targets.push(file("generated file")?);
                }
                Target::Exported { .. } if selector == Selector::Everything => {
                    targets.push(file("source file")?);
                }
                _ => {}
            }
        }
        Ok(targets)
    }

    /// Whether a wildcard means this target.
    fn wanted(&self, def: &TargetDef) -> bool {
        self.selection.purpose == Purpose::List
            || !is_manual(def)
            || (self.selection.manual_tests && def.rule.test)
    }

    /// A target named by a pattern, or by a test suite.
    async fn named(&mut self, cx: &Cx, label: &Label) -> Result<Vec<SelectedTarget>, Diag> {
        let loaded = cx
            .get::<LoadedTarget, _>((TargetKey(label.clone()),))
            .await?;
        let file = |kind: &str| SelectedTarget {
            label: label.clone(),
            kind: Arc::from(kind),
            test: false,
            run: false,
            named: true,
        };
        match &loaded.kind {
            LoadedKind::Rule(def) => self.expanded(cx, def, true).await,
            LoadedKind::Output(_) => Ok(vec![file("generated file")]),
            LoadedKind::Source { .. } => Ok(vec![file("source file")]),
            LoadedKind::Group(_) => Ok(vec![file("package group")]),
            LoadedKind::Members(members) => self.members(cx, members).await,
        }
    }

    /// All targets of a parametrized name, or the file that each of them makes.
    async fn members(&mut self, cx: &Cx, members: &[Member]) -> Result<Vec<SelectedTarget>, Diag> {
        let mut found = Vec::new();
        for member in members {
            if member.label == member.def.label {
                found.extend(self.expanded(cx, &member.def, true).await?);
                continue;
            }
            found.push(SelectedTarget {
                label: member.label.clone(),
                kind: Arc::from("generated file"),
                test: false,
                run: false,
                named: true,
            });
        }
        Ok(found)
    }

    /// The target itself; for tests, what a suite stands for.
    async fn expanded(
        &mut self,
        cx: &Cx,
        def: &Arc<TargetDef>,
        named: bool,
    ) -> Result<Vec<SelectedTarget>, Diag> {
        if is_suite(def) && self.selection.purpose != Purpose::List {
            return self.suite(cx, def).await;
        }
        let chosen = named || !is_manual(def);
        Ok(self.single(def, named, chosen).into_iter().collect())
    }

    /// A target that stands for itself, unless filters leave it out. `chosen`: not only built,
    /// as `--build_manual_tests` asks for.
    fn single(&self, def: &TargetDef, named: bool, chosen: bool) -> Option<SelectedTarget> {
        let Selection {
            purpose,
            build_tags,
            tests,
            ..
        } = self.selection;
        let run = def.rule.test && chosen && tests.fit(def);
        let wanted = match purpose {
            Purpose::List => true,
            Purpose::Build => tags_fit(def, build_tags),
            Purpose::Test => run || tags_fit(def, build_tags),
        };
        wanted.then(|| SelectedTarget {
            label: def.label.clone(),
            kind: Arc::from(def.rule.kind_text()),
            test: def.rule.test,
            run,
            named,
        })
    }

    /// The tests of a suite, those of suites in it included. Without `tests` it is all tests of
    /// the package (Bazel); its `tags` filter.
    async fn suite(&mut self, cx: &Cx, suite: &TargetDef) -> Result<Vec<SelectedTarget>, Diag> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut pending = vec![suite.label.clone()];
        while let Some(label) = pending.pop() {
            if !seen.insert(label.clone()) {
                continue;
            }
            let loaded = cx
                .get::<LoadedTarget, _>((TargetKey(label.clone()),))
                .await?;
            if let LoadedKind::Members(members) = &loaded.kind {
                pending.extend(members.iter().map(|member| member.label.clone()));
                continue;
            }
            let LoadedKind::Rule(def) = &loaded.kind else {
                continue;
            };
            if def.rule.test {
                found.extend(self.single(def, false, true));
                continue;
            }
            if !is_suite(def) {
                let message = format!("`{label}` in test suite `{}` is no test", suite.label);
                return Err(Diag::build(message).at(suite.span.clone()));
            }
            let wanted: Vec<String> = def.tags().map(str::to_owned).collect();
            let wanted: Vec<String> = wanted.into_iter().filter(|tag| tag != "manual").collect();
            let listed = def.attr("tests").map_or(&[][..], AttrValue::items);
            let listed: Vec<Label> = listed
                .iter()
                .filter_map(|item| item.as_label().cloned())
                .collect();
            if listed.is_empty() && !def.is_given("tests") {
                let key = PackageKey(def.label.package().clone());
                let package = cx.get::<Package, _>((key,)).await?;
                for target in package.0.targets.values() {
                    if let Target::Rule(test) = target
                        && test.rule.test
                        && !is_manual(test)
                        && suite_tags_fit(test, &wanted)
                    {
                        pending.push(test.label.clone());
                    }
                }
                continue;
            }
            for label in listed {
                if wanted.is_empty() {
                    pending.push(label);
                    continue;
                }
                let loaded = cx
                    .get::<LoadedTarget, _>((TargetKey(label.clone()),))
                    .await?;
                let keep = match &loaded.kind {
                    LoadedKind::Rule(test) => !test.rule.test || suite_tags_fit(test, &wanted),
                    _ => true,
                };
                if keep {
                    pending.push(label);
                }
            }
        }
        Ok(found)
    }

    /// A path: the default target of that package, or the targets that own this file.
    async fn path(
        &mut self,
        cx: &Cx,
        pattern: &Pattern,
        repo: &Repo,
        path: &RelPath,
    ) -> Result<Vec<SelectedTarget>, Diag> {
        let id = PackageId::new(repo.clone(), path.clone());
        let lookup = cx
            .get::<PackageLookup, _>((PackageKey(id.clone()),))
            .await?;
        if lookup.0.is_some() {
            let name = path.file_name();
            let label = id
                .target(name)
                .map_err(|error| Diag::usage(error.to_string()))?;
            return self.named(cx, &label).await;
        }
        let nothing = absent::path(cx, &pattern.text, repo, path).await;
        let Some(owner) = package_above(cx, repo, path).await? else {
            return Err(nothing);
        };
        let below = path.strip_prefix(&owner.path).unwrap_or_else(RelPath::root);
        let file = owner.target(below.as_str()).map_err(|_| nothing.clone())?;
        let package = cx.get::<Package, _>((PackageKey(owner.clone()),)).await?;
        if package.0.targets.contains_key(below.as_str()) {
            return self.named(cx, &file).await;
        }
        let mut owners = Vec::new();
        for target in package.0.targets.values() {
            let Target::Rule(def) = target else { continue };
            let mut owns = false;
            for (schema, value) in def.all_attrs() {
                if schema.kind.is_dependency() {
                    value.visit_labels(&mut |label, key| owns |= !key && *label == file);
                }
            }
            if owns {
                owners.extend(self.expanded(cx, def, true).await?);
            }
        }
        match owners.is_empty() {
            true if !absent::is_file(cx, repo, path).await => Err(nothing),
            true => Err(Diag::usage(format!(
                "target pattern `{}` matches nothing: no target of `{owner}` has `{below}` as a source",
                pattern.text
            ))
            .hint(format!("name the file as `{owner}:{below}`, or put it into the `srcs` of a target"))),
            false => Ok(owners),
        }
    }
}

async fn get_below<R>(cx: &RuleCx<R>, key: DirKey) -> Result<Vec<PackageId>, Diag>
where
    R: Declares<PackagesBelow, (DirKey,)>,
{
    Ok(cx.get::<PackagesBelow, _>((key,)).await?.0.clone())
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![selected]
}
