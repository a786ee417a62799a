//! MODULE.bazel and WORKSPACE files.

use std::fmt::Write;

use expect_test::{Expect, expect};
use kiln_diag::Diag;
use kiln_targets::{Dialect, ModuleDefs, SourceText};

use crate::world::World;

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&show(load(text, "MODULE.bazel", Dialect::Module)));
}

fn check_workspace(text: &str, expect: Expect) {
    expect.assert_eq(&show(load(text, "WORKSPACE", Dialect::Workspace)));
}

fn load(text: &str, path: &str, dialect: Dialect) -> Result<ModuleDefs, Diag> {
    let loader = World::default().loader;
    let parsed = loader.parse(SourceText {
        path: path.into(),
        text: text.into(),
        dialect,
    })?;
    loader.module(&parsed)
}

fn show(defs: Result<ModuleDefs, Diag>) -> String {
    let defs = match defs {
        Ok(defs) => defs,
        Err(diag) => return diag.render(),
    };
    let mut out = format!(
        "module {} {} {:?}\n",
        defs.name, defs.version, defs.repo_name
    );
    for dep in &defs.deps {
        let dev = if dep.dev { " dev" } else { "" };
        let _ = writeln!(
            out,
            "dep {} {} as {:?}{dev}",
            dep.name, dep.version, dep.repo_name
        );
    }
    for item in &defs.overrides {
        let _ = writeln!(
            out,
            "override {} by {:?} at {}",
            item.module, item.kind, item.span
        );
    }
    for used in &defs.extensions {
        let dev = if used.dev { " dev" } else { "" };
        let _ = writeln!(
            out,
            "extension {}%{} {:?}{dev}",
            used.bzl, used.name, used.repos
        );
    }
    for (what, list) in [
        ("toolchains", &defs.toolchains),
        ("dev toolchains", &defs.dev_toolchains),
        ("platforms", &defs.platforms),
        ("dev platforms", &defs.dev_platforms),
    ] {
        if !list.is_empty() {
            let _ = writeln!(out, "{what} {list:?}");
        }
    }
    for (file, span) in &defs.includes {
        let _ = writeln!(out, "include {file} at {span}");
    }
    for repo in &defs.workspace_repos {
        let _ = writeln!(out, "{} {} path {:?}", repo.rule, repo.name, repo.path);
    }
    out.trim_end().to_owned()
}

#[test]
fn everything() {
    check(
        r#"
"""A module."""
module(name = "m", version = "1.0", compatibility_level = 1, repo_name = "me",
    bazel_compatibility = [">=7.0.0"])
VERSION = "2"
bazel_dep(name = "a", version = VERSION)
bazel_dep(name = "b", version = "1", repo_name = "com_b")
bazel_dep(name = "c", repo_name = None, dev_dependency = True)
local_path_override(module_name = "a", path = "../a")
archive_override(module_name = "b", urls = ["https://x"], integrity = "sha256-x", strip_prefix = "y")
git_override(module_name = "c", remote = "x", commit = "y")
single_version_override(module_name = "d", version = "1", patches = ["//:x.patch"], patch_strip = 1)
multiple_version_override(module_name = "e", versions = ["1", "2"])
ext = use_extension("//:ext.bzl", "ext", dev_dependency = True)
ext.tag(x = 1, y = [2])
[ext.toolchain(version = v) for v in ["1", "2"]]
use_repo(ext, "r1", "r2", own = "theirs")
use_repo(ext, "r3")
override_repo(ext, r1 = "com_b")
inject_repo(ext, "a")
http_archive = use_repo_rule("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
http_archive(name = "data", urls = [], sha256 = "x")
http_archive(name = "test_data", dev_dependency = True)
register_toolchains("//:all", "@r1//:t")
register_toolchains("//dev:all", dev_dependency = True)
register_execution_platforms("//:p")
include("//:more.MODULE.bazel")
"#,
        expect![[r#"
            module m 1.0 Some("me")
            dep a 2 as Some("a")
            dep b 1 as Some("com_b")
            dep c  as None dev
            override a by LocalPath("../a") at MODULE.bazel:9:1
            override b by Download("archive_override") at MODULE.bazel:10:1
            override c by Download("git_override") at MODULE.bazel:11:1
            override d by Version at MODULE.bazel:12:1
            override e by Version at MODULE.bazel:13:1
            extension //:ext.bzl%ext [("r1", "r1"), ("r2", "r2"), ("own", "theirs"), ("r3", "r3")] dev
            extension @bazel_tools//tools/build_defs/repo:http.bzl%http_archive [("data", "data")]
            extension @bazel_tools//tools/build_defs/repo:http.bzl%http_archive [("test_data", "test_data")] dev
            toolchains ["//:all", "@r1//:t"]
            dev toolchains ["//dev:all"]
            platforms ["//:p"]
            include //:more.MODULE.bazel at MODULE.bazel:27:1"#]],
    );
    check("", expect!["module   None"]);
}

#[test]
fn mistakes() {
    check(
        "module(name = 'a')\nmodule(name = 'b')",
        expect![[r#"
            error: `module` is called twice
              --> MODULE.bazel:2:1
               |
             2 | module(name = 'b')
               | ^^^^^^^^^^^^^^^^^^
               = first called here
              --> MODULE.bazel:1:1
               |
             1 | module(name = 'a')
               | ^^^^^^^^^^^^^^^^^^
            hint: remove one of the calls: a module has one name and one version"#]],
    );
    check(
        "git_override(module_name = 'a')\nlocal_path_override(module_name = 'a', path = 'x')",
        expect![[r#"
            error: module `a` is overridden twice
              --> MODULE.bazel:2:1
               |
             2 | local_path_override(module_name = 'a', path = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = first overridden here
              --> MODULE.bazel:1:1
               |
             1 | git_override(module_name = 'a')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove one of the overrides"#]],
    );
    check(
        "module(nmae = 'a')",
        expect![[r#"
            error: `module` has no parameter `nmae`
              --> MODULE.bazel:1:1
               |
             1 | module(nmae = 'a')
               | ^^^^^^^^^^^^^^^^^^
            hint: remove it, or correct its name"#]],
    );
    check(
        "bazel_dep(version = '1')",
        expect![[r#"
            error: `bazel_dep` needs the named argument `name`
              --> MODULE.bazel:1:1
               |
             1 | bazel_dep(version = '1')
               | ^^^^^^^^^^^^^^^^^^^^^^^^
            hint: add `name = …`"#]],
    );
    check(
        "bazel_dep(name = 1)",
        expect![[r#"
            error: argument `name`: expected string, got `1` of type int
              --> MODULE.bazel:1:1
               |
             1 | bazel_dep(name = 1)
               | ^^^^^^^^^^^^^^^^^^^
            hint: give `name` a value of type string"#]],
    );
    check(
        "bazel_dep(name = 'a')\nbazel_dep(name = 'b', repo_name = 'a')",
        expect![[r#"
        error: two repositories are called `a` here
          --> MODULE.bazel:2:1
           |
         2 | bazel_dep(name = 'b', repo_name = 'a')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = first named here
          --> MODULE.bazel:1:1
           |
         1 | bazel_dep(name = 'a')
           | ^^^^^^^^^^^^^^^^^^^^^
        hint: give one of them another name (`repo_name = …`, `use_repo(ext, other = …)`)"#]],
    );
    check(
        "e = use_extension('//:e.bzl', 'e')\nuse_repo(e, 'x', 'x')",
        expect![[r#"
        error: two repositories are called `x` here
          --> MODULE.bazel:2:1
           |
         2 | use_repo(e, 'x', 'x')
           | ^^^^^^^^^^^^^^^^^^^^^
           = first named here
          --> MODULE.bazel:2:1
           |
         2 | use_repo(e, 'x', 'x')
           | ^^^^^^^^^^^^^^^^^^^^^
        hint: give one of them another name (`repo_name = …`, `use_repo(ext, other = …)`)"#]],
    );
    check(
        "use_repo('e', 'x')",
        expect![[r#"
            error: argument `extension_proxy`: expected module_extension, got `"e"` of type string
              --> MODULE.bazel:1:1
               |
             1 | use_repo('e', 'x')
               | ^^^^^^^^^^^^^^^^^^
            hint: give `extension_proxy` a value of type module_extension"#]],
    );
    check(
        "load('//:x.bzl', 'x')",
        expect![[r#"
        error: `load` is not allowed in MODULE.bazel files
          --> MODULE.bazel:1:1
           |
         1 | load('//:x.bzl', 'x')
           | ^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "bazel_deb(name = 'a')",
        expect![[r#"
        error: `bazel_deb` is not defined
          --> MODULE.bazel:1:1
           |
         1 | bazel_deb(name = 'a')
           | ^^^^^^^^^
        hint: did you mean `bazel_dep`?"#]],
    );
    check(
        "glob(['x'])",
        expect![[r#"
        error: `glob` is not defined
          --> MODULE.bazel:1:1
           |
         1 | glob(['x'])
           | ^^^^
        hint: names defined here: False, None, True, abs, all, any, archive_override, bazel_dep, bool, bytes, chr, dict, dir, enumerate, fail, float, getattr, git_override, hasattr, hash, include, inject_repo, int, json, len, list, local_path_override, max, min, module, multiple_version_override, ord, override_repo, print, range, register_execution_platforms, register_toolchains, repr, reversed, set, single_version_override, sorted, str, tuple, type, use_extension, use_repo, use_repo_rule, zip"#]],
    );
    check(
        "r = use_repo_rule('//:r.bzl', 'r')\nr(url = 'x')",
        expect![[r#"
        error: a repository of `r` needs a `name`
          --> MODULE.bazel:2:1
           |
         2 | r(url = 'x')
           | ^^^^^^^^^^^^"#]],
    );
    check(
        "def f(): pass",
        expect![[r#"
        error: `def` is not allowed in MODULE.bazel files
          --> MODULE.bazel:1:1
           |
         1 | def f(): pass
           | ^^^^^^^^^^^^^"#]],
    );
    check(
        "local_path_override(path = 'x')",
        expect![[r#"
            error: `local_path_override` needs the named argument `module_name`
              --> MODULE.bazel:1:1
               |
             1 | local_path_override(path = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: add `module_name = …`"#]],
    );
}

#[test]
fn workspaces() {
    check_workspace(
        r#"
workspace(name = "ws")
load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
NAME = "com_" + "x"
http_archive(name = NAME, urls = ["https://x"], sha256 = "y")
local_repository(name = "l", path = "third_party/l")
new_local_repository(name = "n", path = "n", build_file = "//:n.BUILD")
maybe(http_archive, name = "m")
maybe(repo_rule = http_archive, name = "k")
repos.http(name = "dotted")
bind(name = "b", actual = "//c")
load("@com_x//:deps.bzl", "deps")
deps()
undefined(x, y)
http_archive(name = unknown())
register_toolchains("//:t", "@l//:all")
register_execution_platforms("//:p")
def f():
    http_archive(name = "inside")
[http_archive(name = n) for n in ["a"]]
"#,
        expect![[r#"
            module ws  None
            toolchains ["//:t", "@l//:all"]
            platforms ["//:p"]
            http_archive com_x path None
            local_repository l path Some("third_party/l")
            new_local_repository n path Some("n")
            http_archive m path None
            maybe k path None
            repos.http dotted path None"#]],
    );
    check_workspace(
        "workspace(name = ",
        expect![[r#"
            error: unexpected new line, expected expression
              --> WORKSPACE:1:18
               |
             1 | workspace(name =
               |                  ^
            hint: complete the line, or close the bracket that was opened further up"#]],
    );
}
