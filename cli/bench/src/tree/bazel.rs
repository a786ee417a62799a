//! Trees as WORKSPACE and BUILD files.

use std::collections::BTreeMap;

use super::{Flavour, Tree};

/// The files that describe the tree, by path.
pub(super) fn files(tree: &Tree) -> BTreeMap<String, String> {
    let workspace = "workspace(name = \"bench\")\n".to_owned();
    let mut files = BTreeMap::from([("WORKSPACE".to_owned(), workspace)]);
    for node in 0..tree.graph.len() {
        let file = files.entry(format!("{}/BUILD", tree.folder(node)));
        let start = "package(default_visibility = [\"//visibility:public\"])\n";
        file.or_insert_with(|| start.to_owned())
            .push_str(&targets(tree, node));
    }
    files
}

/// The targets of one node.
fn targets(tree: &Tree, node: usize) -> String {
    let needed = |name: &str| -> Vec<String> {
        let needs = tree.graph.needs(node).iter();
        needs
            .map(|&need| format!("//{}:{name}{need}", tree.folder(need)))
            .collect()
    };
    let source = format!("in{node}.txt");
    match tree.flavour {
        Flavour::Genrule => rule(
            "genrule",
            &format!("copy{node}"),
            &[
                ("srcs", list([vec![source], needed("copy")].concat())),
                ("outs", list(vec![format!("out{node}.txt")])),
                ("cmd", "\"grep -hv '^#' $(SRCS) > $@\"".to_owned()),
            ],
        ),
        Flavour::List => rule(
            "filegroup",
            &format!("list{node}"),
            &[("srcs", list(vec![source])), ("data", list(needed("list")))],
        ),
        Flavour::Cc => {
            let source = |kind: &str| ("srcs", list(vec![format!("{kind}{node}.cc")]));
            let unit = ("deps", list(vec![format!(":unit{node}")]));
            let library = rule(
                "cc_library",
                &format!("unit{node}"),
                &[
                    source("unit"),
                    ("hdrs", list(vec![format!("unit{node}.h")])),
                    // Else Bazel makes a shared library as well, which the others do not.
                    ("linkstatic", "True".to_owned()),
                    ("deps", list(needed("unit"))),
                ],
            );
            let program = |rule_name, kind: &str| {
                rule(
                    rule_name,
                    &format!("{kind}{node}"),
                    &[source(kind), unit.clone()],
                )
            };
            library + &program("cc_binary", "main") + &program("cc_test", "test")
        }
    }
}

fn rule(rule: &str, name: &str, attributes: &[(&str, String)]) -> String {
    let mut text = format!("\n{rule}(\n    name = \"{name}\",\n");
    for (attribute, value) in attributes {
        text += &format!("    {attribute} = {value},\n");
    }
    text + ")\n"
}

fn list(items: Vec<String>) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(", "))
}
