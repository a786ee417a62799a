//! Messages about packages, targets and files that are not there, with what is there instead.

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_diag::{Diag, nearest};
use kiln_fs::{EntryKind, Resolved};
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{PackageDefs, Target};

use crate::files::{DirEntries, shown_path};
use crate::keys::{DirKey, PackageKey};
use crate::packages::PackageLookup;

/// A rule that can look around.
pub(crate) trait Looks:
    Declares<DirEntries, (DirKey,)> + Declares<PackageLookup, (PackageKey,)>
{
}

impl<R> Looks for R where R: Declares<DirEntries, (DirKey,)> + Declares<PackageLookup, (PackageKey,)>
{}

/// A label whose package is there and has nothing of that name.
pub(crate) async fn target<R: Looks>(cx: &RuleCx<R>, label: &Label, defs: &PackageDefs) -> Diag {
    let package = label.package();
    let build_file = shown_path(&package.repo, &defs.build_file);
    let name = label.name();
    let diag = Diag::build(format!(
        "no such target `{label}`: `{build_file}` declares no target `{name}` and there is no such \
         file"
    ));
    if let Some(what) = odd(cx, &package.repo, &label.file_path()).await {
        let diag = Diag::build(format!(
            "`{label}` is neither a target nor a file: `{}` is {what}",
            shown_path(&package.repo, &label.file_path())
        ));
        return diag.hint("put a file or folder there, or remove the label");
    }
    // Parameters that no target of the name has.
    if let Some((bare, _)) = name.split_once('@')
        && let Some(Target::Members(members)) = defs.targets.get(bare)
    {
        let members = members.iter().map(|member| format!("`{package}:{member}`"));
        let members: Vec<String> = members.collect();
        return Diag::build(format!(
            "no such target `{label}`: `{bare}` is parametrized, and has no such parameters"
        ))
        .hint(format!("write one of {}", members.join(", ")));
    }
    let (folder, _) = name.rsplit_once('/').unwrap_or(("", name));
    let path = package.path.join(folder).unwrap_or(package.path.clone());
    let files = names(cx, &package.repo, &path, Resolved::File).await;
    let files = files.iter().map(|file| match folder {
        "" => file.clone(),
        folder => format!("{folder}/{file}"),
    });
    let files: Vec<String> = files.collect();
    let targets = defs.targets.keys().map(|name| &**name);
    let known = targets.chain(files.iter().map(String::as_str));
    let near = diag.clone().did_you_mean(name, known);
    match near == diag {
        false => near,
        true => diag.hint(format!(
            "correct the label, declare `{name}` in `{build_file}`, or create the file"
        )),
    }
}

/// A folder that is no package.
pub(crate) async fn package<R: Looks>(cx: &RuleCx<R>, id: &PackageId) -> Diag {
    let diag = Diag::build(format!(
        "no such package `{id}`: there is no BUILD.bazel or BUILD file in it"
    ));
    for name in ["BUILD.bazel", "BUILD"] {
        let Ok(path) = id.path.join(name) else {
            continue;
        };
        let folder = is_folder(cx, &id.repo, &path).await.then_some("a folder");
        if let Some(what) = odd(cx, &id.repo, &path).await.or(folder) {
            let shown = shown_path(&id.repo, &path);
            return diag.note(format!("`{shown}` is {what}")).hint(match name {
                "BUILD" => "put a file `BUILD.bazel` beside it",
                _ => "make it a file",
            });
        }
    }
    let build_file = id.path.join("BUILD.bazel").unwrap_or(id.path.clone());
    let create = format!("create `{}`", shown_path(&id.repo, &build_file));
    if is_folder(cx, &id.repo, &id.path).await {
        let mut above = id.path.parent();
        while let Some(at) = above {
            let owner = PackageId::new(id.repo.clone(), at.clone());
            if is_package(cx, &owner).await {
                let below = id.path.strip_prefix(&at).unwrap_or_else(RelPath::root);
                return diag
                    .note(format!("the folder belongs to package `{owner}`"))
                    .hint(format!(
                        "{create}, or name what is in it as `{owner}:{below}/…`"
                    ));
            }
            above = at.parent();
        }
        return diag.hint(create);
    }
    match similar_folder(cx, &id.repo, &id.path, true).await {
        Some(path) => diag.hint(format!(
            "did you mean `{}`?",
            PackageId::new(id.repo.clone(), path)
        )),
        None => diag.hint(format!("correct the label, or {create}")),
    }
}

/// A .bzl file that a `load` statement names.
pub(crate) async fn bzl<R: Looks>(cx: &RuleCx<R>, label: &Label) -> Diag {
    let path = label.file_path();
    let shown = shown_path(label.repo(), &path);
    let diag = Diag::build(format!("cannot load `{label}`: there is no file `{shown}`"));
    let folder = path.parent().unwrap_or_else(RelPath::root);
    let siblings = names(cx, label.repo(), &folder, Resolved::File).await;
    let siblings = siblings.iter().filter(|name| name.ends_with(".bzl"));
    let siblings: Vec<&str> = siblings.map(String::as_str).collect();
    if let [near, ..] = nearest(path.file_name(), siblings.iter().copied())[..] {
        let at = label.package().path.clone();
        let below = folder.strip_prefix(&at).unwrap_or_else(RelPath::root);
        let name = below.join(near).map_or(near.to_owned(), |p| p.to_string());
        return diag.hint(format!("did you mean `{}:{name}`?", label.package()));
    }
    if !is_folder(cx, label.repo(), &folder).await
        && let Some(folder) = similar_folder(cx, label.repo(), &folder, false).await
    {
        let id = PackageId::new(label.repo().clone(), folder);
        return diag.hint(format!("did you mean `{id}:{}`?", path.file_name()));
    }
    let diag = match siblings.is_empty() {
        true => diag,
        false => diag.note(format!("the folder has {}", siblings.join(", "))),
    };
    diag.hint(format!("correct the label, or create `{shown}`"))
}

/// A path of the command line that is neither a package nor a file.
pub(crate) async fn path<R: Looks>(
    cx: &RuleCx<R>,
    pattern: &str,
    repo: &Repo,
    path: &RelPath,
) -> Diag {
    let diag = Diag::usage(format!(
        "target pattern `{pattern}` matches nothing: `{path}` is neither a package nor a file of one"
    ));
    if let Some(near) = similar_folder(cx, repo, path, true).await {
        return diag.hint(format!("did you mean `{near}`?"));
    }
    let above = path.parent().unwrap_or_else(RelPath::root);
    let folder = match is_folder(cx, repo, &above).await {
        true => Some(above),
        false => similar_folder(cx, repo, &above, false).await,
    };
    if let Some(folder) = folder {
        let files = names(cx, repo, &folder, Resolved::File).await;
        let files = files.iter().map(String::as_str);
        if let [near, ..] = nearest(path.file_name(), files)[..]
            && let Ok(near) = folder.join(near)
        {
            return diag.hint(format!("did you mean `{near}`?"));
        }
    }
    diag.hint("`//...` means all targets of the workspace")
}

/// Whether there is a file at a path.
pub(crate) async fn is_file<R: Looks>(cx: &RuleCx<R>, repo: &Repo, path: &RelPath) -> bool {
    let folder = path.parent().unwrap_or_else(RelPath::root);
    let files = names(cx, repo, &folder, Resolved::File).await;
    files.iter().any(|name| name == path.file_name())
}

/// The folder that a path may be a slip of: where the path leaves what exists, the nearest name.
pub(crate) async fn similar_folder<R: Looks>(
    cx: &RuleCx<R>,
    repo: &Repo,
    path: &RelPath,
    is_package: bool,
) -> Option<RelPath> {
    let mut at = RelPath::root();
    let mut slips = 0;
    for part in path.components() {
        let here = at.join(part).ok()?;
        if is_folder(cx, repo, &here).await {
            at = here;
            continue;
        }
        let known = names(cx, repo, &at, Resolved::Directory).await;
        let near = nearest(part, known.iter().map(String::as_str));
        at = at.join(near.first()?).ok()?;
        slips += 1;
    }
    let id = PackageId::new(repo.clone(), at.clone());
    let fits = !is_package || self::is_package(cx, &id).await;
    (slips > 0 && fits).then_some(at)
}

/// What is at a path, if it is neither a file nor a folder.
async fn odd<R: Looks>(cx: &RuleCx<R>, repo: &Repo, path: &RelPath) -> Option<&'static str> {
    let key = DirKey {
        repo: repo.clone(),
        path: path.parent()?,
    };
    let entries = cx.get::<DirEntries, _>((key,)).await.ok()?;
    let entry = entries.0.as_ref()?.get(path.file_name())?;
    match entry.kind.resolved() {
        Resolved::File | Resolved::Directory => None,
        Resolved::Missing => Some("a symbolic link that leads nowhere"),
        Resolved::Other => Some("a pipe, a socket or a device"),
    }
}

/// The names of a kind in a folder. What cannot be looked at says nothing here.
async fn names<R: Looks>(
    cx: &RuleCx<R>,
    repo: &Repo,
    path: &RelPath,
    kind: Resolved,
) -> Vec<String> {
    let key = DirKey {
        repo: repo.clone(),
        path: path.clone(),
    };
    let Ok(entries) = cx.get::<DirEntries, _>((key,)).await else {
        return Vec::new();
    };
    let entries = entries.0.as_ref().map_or(&[][..], |list| list.entries());
    let fits = |entry: &EntryKind| entry.resolved() == kind;
    let entries = entries.iter().filter(|entry| fits(&entry.kind));
    entries.map(|entry| entry.name.to_string()).collect()
}

async fn is_folder<R: Looks>(cx: &RuleCx<R>, repo: &Repo, path: &RelPath) -> bool {
    let key = DirKey {
        repo: repo.clone(),
        path: path.clone(),
    };
    let entries = cx.get::<DirEntries, _>((key,)).await;
    entries.is_ok_and(|entries| entries.0.is_some())
}

async fn is_package<R: Looks>(cx: &RuleCx<R>, id: &PackageId) -> bool {
    let found = cx.get::<PackageLookup, _>((PackageKey(id.clone()),)).await;
    found.is_ok_and(|found| found.0.is_some())
}
