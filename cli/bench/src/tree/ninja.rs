//! Trees as `build.ninja`. Outputs are below `out/`.

use super::{Flavour, Tree};

/// What the flavours run. The flags of the compiler are those that Bazel and kiln give it.
const RULES: &str = "\
ninja_required_version = 1.5

rule copy
  command = grep -hv '^#' $in > $out

rule compile
  command = g++ -U_FORTIFY_SOURCE -fstack-protector -Wall -fno-omit-frame-pointer -fPIC -std=c++17 \
-iquote . -MD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc

rule archive
  command = rm -f $out && ar rcsD $out $in

rule link
  command = g++ $in -Wl,-z,relro,-z,now -Wl,-S -o $out

";

/// The whole file.
pub(super) fn text(tree: &Tree) -> String {
    let nodes = 0..tree.graph.len();
    RULES.to_owned() + &nodes.map(|node| edges(tree, node)).collect::<String>()
}

/// The build statements of one node.
fn edges(tree: &Tree, node: usize) -> String {
    let folder = tree.folder(node);
    let needed = |nodes: &[usize], start: &str, name: &str, end: &str| -> String {
        let paths = nodes
            .iter()
            .map(|&need| format!(" {start}{}/{name}{need}{end}", tree.folder(need)));
        paths.collect()
    };
    let needs = tree.graph.needs(node);
    match tree.flavour {
        Flavour::Genrule => format!(
            "build out/{folder}/out{node}.txt: copy {folder}/in{node}.txt{}\n",
            needed(needs, "out/", "out", ".txt")
        ),
        Flavour::List => format!(
            "build {folder}/list{node}: phony {folder}/in{node}.txt{}\n",
            needed(needs, "", "list", "")
        ),
        Flavour::Cc => {
            let unit = format!("out/{folder}/unit{node}");
            let mut text = format!(
                "build {unit}.o: compile {folder}/unit{node}.cc\nbuild {unit}.a: archive {unit}.o\n"
            );
            let libraries = needed(&tree.graph.closure(node), "out/", "unit", ".a");
            for kind in ["main", "test"] {
                let program = format!("out/{folder}/{kind}{node}");
                text += &format!(
                    "build {program}.o: compile {folder}/{kind}{node}.cc\n\
                     build {program}: link {program}.o {unit}.a{libraries}\n"
                );
            }
            text
        }
    }
}
