//! The graph as DOT, as JSON and as explanations.

mod support;

use expect_test::expect;
use kiln_rule_graph::{RuleGraph, explain, solve, to_dot, to_json};
use support::{Case, read_one};

fn solved() -> (Case, RuleGraph) {
    let case = read_one(
        "ambient Platform\n\
         link@cc/link.rs:31: Binary <- LinkRequest, CcToolchain | Object(Source) @33 | Tree(Digest) via merge/1\n\
         cc_toolchain@cc/toolchain.rs:9: CcToolchain <- Platform\n\
         compile@cc/compile.rs:20: Object <- Source, CcToolchain | Stat(Path) in (Platform)\n\
         stat@fs.rs:2: Stat <- Path\n\
         merge@fs.rs:5: Tree <- Digest, Digest\n\
         ? Binary(LinkRequest, Platform)\n\
         ? Platform(Platform)",
    );
    let graph = solve(&case.rules, &case.queries).expect("the set is in order");
    (case, graph)
}

#[test]
fn dot() {
    let (case, graph) = solved();
    expect![[r#"
        digraph rules {
          node [shape=box];
          q0 [shape=ellipse, label="Platform\n(Platform)"];
          q0 -> q0 [label="its own param"];
          q1 [shape=ellipse, label="Binary\n(LinkRequest, Platform)"];
          q1 -> i2;
          i0 [label="cc_toolchain\n(Platform)"];
          i1 [label="compile\n(Platform, Source)"];
          i1 -> i0 [label="CcToolchain"];
          i1 -> i5 [label="Stat from Path"];
          i2 [label="link\n(LinkRequest, Platform)"];
          i2 -> i0 [label="CcToolchain"];
          i2 -> i1 [label="Object from Source"];
          i2 -> i3 [label="Tree from Digest"];
          i3 [label="merge with 1 given\n(Digest)"];
          i4 [label="stat\n(Path)"];
          i5 [label="only from Path, Platform\n(Path, Platform)"];
          i5 -> i4 [label="Stat from Path, Platform"];
        }
    "#]]
    .assert_eq(&to_dot(&case.rules, &graph));
}

#[test]
fn json() {
    let (case, graph) = solved();
    let text = to_json(&case.rules, &graph);
    let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(
        value["instances"].as_array().map(Vec::len),
        Some(graph.instances().len())
    );
    expect![[r#"
        {"instances":[
        {"rule":"cc_toolchain","output":"CcToolchain","file":"cc/toolchain.rs","line":9,"explicit_args":0,"params":["Platform"],"dependencies":[{"output":"Platform","provides":[],"source":{"param":"Platform"}}]},
        {"rule":"compile","output":"Object","file":"cc/compile.rs","line":20,"explicit_args":0,"params":["Platform","Source"],"dependencies":[{"output":"Source","provides":[],"source":{"param":"Source"}},{"output":"CcToolchain","provides":[],"source":{"instance":0}},{"output":"Stat","provides":["Path"],"in_scope":["Platform"],"source":{"instance":5}}]},
        {"rule":"link","output":"Binary","file":"cc/link.rs","line":31,"explicit_args":0,"params":["LinkRequest","Platform"],"dependencies":[{"output":"LinkRequest","provides":[],"source":{"param":"LinkRequest"}},{"output":"CcToolchain","provides":[],"source":{"instance":0}},{"output":"Object","provides":["Source"],"source":{"instance":1}},{"output":"Tree","provides":["Digest"],"call":"merge","source":{"instance":3}}]},
        {"rule":"merge","output":"Tree","file":"fs.rs","line":5,"explicit_args":1,"params":["Digest"],"dependencies":[{"output":"Digest","provides":[],"source":{"param":"Digest"}}]},
        {"rule":"stat","output":"Stat","file":"fs.rs","line":2,"explicit_args":0,"params":["Path"],"dependencies":[{"output":"Path","provides":[],"source":{"param":"Path"}}]},
        {"reentry":"Stat","query_params":["Path","Platform"],"params":["Path","Platform"],"dependencies":[{"output":"Platform","provides":[],"source":{"param":"Platform"}},{"output":"Stat","provides":["Path","Platform"],"source":{"instance":4}}]}
        ],"roots":[
        {"output":"Platform","params":["Platform"],"source":{"param":"Platform"}},
        {"output":"Binary","params":["LinkRequest","Platform"],"source":{"instance":2}}
        ]}
    "#]].assert_eq(&text);
}

#[test]
fn json_of_odd_names_is_json() {
    let case = read_one("we\"ird\\ü\u{1}: A\n? A()");
    let graph = solve(&case.rules, &case.queries).expect("the set is in order");
    let text = to_json(&case.rules, &graph);
    let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(value["instances"][0]["rule"], "we\"ird\\ü\u{1}");
}

#[test]
fn explanations() {
    let (case, graph) = solved();
    let explained = |name: &str| {
        let output = case.rules.find_type(name)?;
        explain(&case.rules, &graph, output)
    };
    expect![[r#"
        query for Binary from LinkRequest, Platform
          Binary: link (cc/link.rs:31), lives on LinkRequest, Platform
            LinkRequest: the param
            CcToolchain: cc_toolchain (cc/toolchain.rs:9), lives on Platform
              Platform: the param
            Object from Source: compile (cc/compile.rs:20), lives on Platform, Source
              Source: the param
              CcToolchain: cc_toolchain (cc/toolchain.rs:9), lives on Platform (shown above)
              Stat from Path: only from Path, Platform, lives on Path, Platform
                Platform: the param
                Stat from Path, Platform: stat (fs.rs:2), lives on Path
                  Path: the param
            Tree from Digest: merge with 1 given (fs.rs:5), lives on Digest
              Digest: the param
    "#]]
    .assert_eq(&explained("Binary").expect("it is made"));
    expect![[r#"
        Object: compile (cc/compile.rs:20), lives on Platform, Source
          Source: the param
          CcToolchain: cc_toolchain (cc/toolchain.rs:9), lives on Platform
            Platform: the param
          Stat from Path: only from Path, Platform, lives on Path, Platform
            Platform: the param
            Stat from Path, Platform: stat (fs.rs:2), lives on Path
              Path: the param
    "#]]
    .assert_eq(&explained("Object").expect("it is made"));
    expect![[r#"
        query for Platform from Platform
          Platform: the param
    "#]]
    .assert_eq(&explained("Platform").expect("it is a query"));
    assert_eq!(explained("Digest"), None);
}
