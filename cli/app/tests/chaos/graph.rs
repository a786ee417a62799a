//! Build graphs with known outputs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kiln_base::Digest;
use kiln_faults::Dice;
use kiln_testkit::Workspace;

/// The files of a workspace, and how many actions it has.
pub(crate) struct Graph {
    pub(crate) files: String,
    pub(crate) actions: u64,
}

const DEFS: &str = r#"
//- defs.bzl
def _folder(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [out],
        inputs = ctx.files.srcs,
        use_default_shell_env = True,
        command = "cp $(readlink -f %s) $1/copy && mkdir -p $1/a/empty && seq 1 %d > $1/a/b && ln -s a/b $1/link" % (ctx.files.srcs[0].path, ctx.attr.lines),
        arguments = [out.path],
    )
    return DefaultInfo(files = depset([out]))

folder = rule(implementation = _folder, attrs = {"srcs": attr.label_list(allow_files = True), "lines": attr.int()})
//- in.txt
fire
"#;

/// Small and large outputs, several at once, folders with links, programs, and what is printed;
/// each depends on up to three earlier ones.
pub(crate) fn graph(seed: u64) -> Graph {
    let mut dice = Dice::new(seed).of("graph");
    let mut build = "//- BUILD\nload(\"//:defs.bzl\", \"folder\")\n".to_owned();
    let mut outputs = vec!["in.txt".to_owned()];
    let actions = 8 + dice.below(8);
    for at in 0..actions {
        let mut sources: Vec<String> = Vec::new();
        for _ in 0..=dice.below(3) {
            let from = dice.below(outputs.len() as u64) as usize;
            if !sources.contains(&outputs[from]) {
                sources.push(outputs[from].clone());
            }
        }
        let quoted: Vec<String> = sources.iter().map(|source| format!("{source:?}")).collect();
        let sources = quoted.join(", ");
        // One of them goes as a stream whatever the limit of a batch is.
        let lines = match at {
            0 => 850_000,
            _ => dice.pick(&[0, 10, 300, 9_000, 60_000]),
        };
        if dice.below(5) == 0 {
            let _ = writeln!(
                build,
                "folder(name = \"n{at}\", srcs = [{}], lines = {lines})",
                quoted[0]
            );
            continue;
        }
        let print = dice.pick(&["", "echo made; ", "echo made; echo warned >&2; "]);
        let second = dice.below(4) == 0;
        let more = match second {
            true => format!("cat $(SRCS) | cksum > $(location n{at}.sum); "),
            false => String::new(),
        };
        let outs = match second {
            true => format!("\"n{at}.txt\", \"n{at}.sum\""),
            false => format!("\"n{at}.txt\""),
        };
        let cmd = format!(
            "{print}{more}(head -qc 3000 $(SRCS); echo n{at}; seq 1 {lines}) > $(location n{at}.txt)"
        );
        let _ = writeln!(
            build,
            "genrule(name = \"n{at}\", srcs = [{sources}], outs = [{outs}], cmd = {cmd:?}, executable = {})",
            if !second && dice.below(4) == 0 {
                "True"
            } else {
                "False"
            }
        );
        outputs.push(format!("n{at}.txt"));
    }
    Graph {
        files: format!("{DEFS}{build}"),
        actions,
    }
}

/// Two environments that race, for a workspace that has none.
pub(crate) const RACE: &str = r#"
//- kiln.toml
[environments-preview.names]
here = "//environments:here"
there = "//environments:there"
//- environments/BUILD
local_environment(name = "here", race_with = "there")
remote_environment(name = "there")
"#;

/// All that a build made: files with their contents and modes, links, folders. `folder` is that
/// of the configuration.
pub(crate) fn outputs(workspace: &Workspace, folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let root = workspace.root().join("kiln-out").join(folder).join("bin");
    walk(&root, "", &mut found);
    found
}

fn walk(folder: &Path, below: &str, found: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = format!("{below}/{}", entry.file_name().to_string_lossy());
        let meta = fs::symlink_metadata(&path).unwrap();
        let what = if meta.is_dir() {
            walk(&path, &name, found);
            "folder".to_owned()
        } else if meta.is_symlink() && path.parent() != Some(folder) {
            "link".to_owned()
        } else if meta.is_symlink() && below.matches('/').count() > 0 {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else {
            // Outputs may be links into the store: what is behind them counts.
            let meta = fs::metadata(&path).unwrap();
            if meta.is_dir() {
                walk(&path, &name, found);
            }
            match meta.is_dir() {
                true => "folder".to_owned(),
                false => {
                    let content = fs::read(&path).unwrap();
                    let executable = meta.permissions().mode() & 0o111 != 0;
                    format!("{} {executable}", Digest::of(&content))
                }
            }
        };
        found.insert(name, what);
    }
}
