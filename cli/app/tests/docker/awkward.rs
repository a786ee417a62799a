//! Awkward outputs are the same trees from a container and from the workspace as from a sandbox.

use expect_test::expect;
use kiln_testkit::{Docker, Workspace};

use crate::{no_containers, workspace};

/// Odd names, modes, links, empty folders, an output that is an input as well.
pub(crate) const RULE: &str = r#"
def _impl(ctx):
    tree = ctx.actions.declare_directory(ctx.label.name + "_tree")
    file = ctx.actions.declare_file(ctx.label.name + "_file")
    ctx.actions.run_shell(
        outputs = [tree, file],
        command = """
set -e
cd "$1"
mkdir -p empty deep/er/est 'with space' .hidden
echo a > deep/er/est/a
echo b > 'with space/b c'
echo c > "quote's"
echo d > -dash
echo e > 'ü'
printf '' > nothing
echo x > executable; chmod 755 executable
echo y > odd; chmod 751 odd
echo z > closed; chmod 0 closed
mkdir shut; echo s > shut/s; chmod 0 shut
ln -s deep/er link
ln -s nowhere dangling
ln -s /usr/bin/env absolute
ln -s ../.. up
ln -s "$PWD/nothing" here
ln executable again
cd - >/dev/null
cat "$1/nothing" "$1/deep/er/est/a" > "$2"
""",
        arguments = [tree.path, file.path],
    )
    return [DefaultInfo(files = depset([tree, file]))]

awkward = rule(implementation = _impl)
"#;

#[test]
fn trees_are_the_same() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
load(":rule.bzl", "awkward")
awkward(name = "local", environment = "local")
awkward(name = "docker", environment = "docker")
awkward(name = "workspace", environment = "workspace")
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    workspace.write("rule.bzl", RULE);
    let output = workspace.kiln("build //:local //:docker //:workspace");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let trees = ["local", "docker", "workspace"].map(|name| listing(&workspace, name));
    assert_eq!(trees[0], trees[1]);
    assert_eq!(trees[0], trees[2]);
    expect![[r#"
        -dash 644 "d\n"
        .hidden/
        absolute -> /usr/bin/env
        again 755 "x\n"
        closed 644 "z\n"
        dangling -> nowhere
        deep/
        deep/er/
        deep/er/est/
        deep/er/est/a 644 "a\n"
        empty/
        executable 755 "x\n"
        here -> nothing
        link -> deep/er
        nothing 644 ""
        odd 755 "y\n"
        quote's 644 "c\n"
        shut/
        shut/s 644 "s\n"
        up -> ../..
        with space/
        with space/b c 644 "b\n"
        ü 644 "e\n""#]]
    .assert_eq(&trees[1]);
    no_containers(&docker, &workspace);
}

/// Every entry with its kind, mode, contents or target.
fn listing(workspace: &Workspace, name: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let root = workspace
        .root()
        .join(format!("kiln-out/fastbuild-{name}/bin/{name}_tree"));
    let root = std::fs::canonicalize(root).unwrap();
    let mut lines = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let shown = path.strip_prefix(&root).unwrap().display().to_string();
            let mode = metadata.permissions().mode() & 0o777;
            lines.push(match metadata {
                _ if metadata.is_symlink() => {
                    let target = std::fs::read_link(&path).unwrap();
                    format!("{shown} -> {}", target.display())
                }
                _ if metadata.is_dir() => {
                    open.push(path);
                    format!("{shown}/")
                }
                _ => format!(
                    "{shown} {mode:o} {:?}",
                    std::fs::read_to_string(&path).unwrap()
                ),
            });
        }
    }
    lines.sort();
    lines.join("\n")
}
