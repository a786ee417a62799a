//! `depset`: orders, sharing, mistakes.

use expect_test::expect;
use proptest::prelude::*;

use super::{printed, prints};

#[test]
fn orders() {
    prints(
        r#"
def show(order):
    a = depset(["a1", "a2"], order = order)
    b = depset(["b"], order = order, transitive = [a])
    c = depset(["c"], order = order, transitive = [a])
    d = depset(["d"], order = order, transitive = [b, c])
    print(order, d.to_list())

[show(order) for order in ["default", "postorder", "preorder", "topological"]]
"#,
        expect![[r#"
            default ["a1", "a2", "b", "c", "d"]
            postorder ["a1", "a2", "b", "c", "d"]
            preorder ["d", "b", "a1", "a2", "c"]
            topological ["d", "b", "c", "a1", "a2"]
        "#]],
    );
}

#[test]
fn members_are_listed_once() {
    prints(
        r#"
a = depset([1, 2, 1])
print(a.to_list(), depset([2, 3], transitive = [a, a]).to_list())
print(bool(depset()), bool(depset([0])), depset(None, transitive = None).to_list())
print(depset(["x"], "preorder"), depset([struct(a = 1), struct(a = 1)]).to_list())
print(a == a, a == depset([1, 2]), {a: 1}[a], type(a))
print(depset([("a", 1), ("a", 1)]).to_list())
print(depset([struct(d = a)]).to_list())
"#,
        expect![[r#"
            [1, 2] [1, 2, 3]
            False True []
            depset(["x"], order = "preorder") [struct(a = 1)]
            True False 1 depset
            [("a", 1)]
            [struct(d = depset([1, 2, 1]))]
        "#]],
    );
}

#[test]
fn mistakes() {
    prints(
        "depset(['a', 1])",
        expect![[r#"
        error: a depset holds members of one type: it has `string`, and got `int`
          --> d.bzl:1:1
           |
         1 | depset(['a', 1])
           | ^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "depset([1], transitive = [depset(['a'])])",
        expect![[r#"
        error: a depset holds members of one type: it has `int`, and got `string`
          --> d.bzl:1:1
           |
         1 | depset([1], transitive = [depset(['a'])])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "depset([[1]])",
        expect![[r#"
        error: members of a depset must not be mutable, and this is a `list`
          --> d.bzl:1:1
           |
         1 | depset([[1]])
           | ^^^^^^^^^^^^^
        hint: put its items in one by one, or make it a tuple or a struct of such
    "#]],
    );
    prints(
        "depset([struct(a = {})])",
        expect![[r#"
        error: members of a depset must not be mutable, and this is a `struct`
          --> d.bzl:1:1
           |
         1 | depset([struct(a = {})])
           | ^^^^^^^^^^^^^^^^^^^^^^^^
        hint: put its items in one by one, or make it a tuple or a struct of such
    "#]],
    );
    prints(
        "depset('a')",
        expect![[r#"
        error: `direct` of a depset takes a list, and got `string`
          --> d.bzl:1:1
           |
         1 | depset('a')
           | ^^^^^^^^^^^
    "#]],
    );
    prints(
        "depset(depset([1]))",
        expect![[r#"
        error: `direct` of a depset takes a list, and got `depset`
          --> d.bzl:1:1
           |
         1 | depset(depset([1]))
           | ^^^^^^^^^^^^^^^^^^^
        hint: write `depset(transitive = [...])` to put sets together
    "#]],
    );
    prints(
        "depset(transitive = [[1]])",
        expect![[r#"
        error: `transitive` of a depset takes depsets, and got `list`
          --> d.bzl:1:1
           |
         1 | depset(transitive = [[1]])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "depset([1], order = 'topo')",
        expect![[r#"
        error: `topo` is no order of depsets
          --> d.bzl:1:1
           |
         1 | depset([1], order = 'topo')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = orders are `default`, `postorder`, `preorder` and `topological`
    "#]],
    );
    prints(
        "depset(order = 'preorder', transitive = [depset([1], order = 'postorder')])",
        expect![[r#"
            error: order `preorder` of the new depset does not go with order `postorder` of one of its parts
              --> d.bzl:1:1
               |
             1 | depset(order = 'preorder', transitive = [depset([1], order = 'postorder')])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    prints(
        "1 in depset([1])",
        expect![[r#"
        error: `in` does not work on depsets
          --> d.bzl:1:1
           |
         1 | 1 in depset([1])
           | ^^^^^^^^^^^^^^^^
        hint: write `x in d.to_list()`
    "#]],
    );
    prints(
        "len(depset([1]))",
        expect![[r#"
        error: depsets have no length
          --> d.bzl:1:1
           |
         1 | len(depset([1]))
           | ^^^^^^^^^^^^^^^^
        hint: write `len(d.to_list())`
    "#]],
    );
    prints(
        "[x for x in depset([1])]",
        expect![[r#"
        error: depsets cannot be iterated over
          --> d.bzl:1:13
           |
         1 | [x for x in depset([1])]
           |             ^^^^^^^^^^^
        hint: write `d.to_list()`
    "#]],
    );
    prints(
        "depset([1]) + depset([2])",
        expect![[r#"
        error: depsets cannot be added
          --> d.bzl:1:1
           |
         1 | depset([1]) + depset([2])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `depset(transitive = [a, b])`
    "#]],
    );
    prints(
        "depset([1]) | depset([2])",
        expect![[r#"
        error: `|` does not work on depsets
          --> d.bzl:1:1
           |
         1 | depset([1]) | depset([2])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `depset(transitive = [a, b])`
    "#]],
    );
}

#[test]
fn deep_sets_are_refused_and_listed_without_recursion() {
    let chain = |n: usize| {
        format!(
            "def f():\n    d = depset([0])\n    for i in range({n}):\n        d = depset([i], transitive = [d])\n    return d\n\nx = f()\nprint(len(x.to_list()))\n"
        )
    };
    prints(
        &chain(3400),
        expect![[r#"
        3400
    "#]],
    );
    prints(
        &chain(3600),
        expect![[r#"
        error: depsets are nested more than 3500 deep
          --> d.bzl:4:13
           |
         4 |         d = depset([i], transitive = [d])
           |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `f` was called from d.bzl:7:5
    "#]],
    );
}

/// A set in a random graph: its own members, and the sets before it that it contains.
type Node = (Vec<u8>, Vec<prop::sample::Index>);

fn graphs() -> impl Strategy<Value = Vec<Node>> {
    let node = (
        prop::collection::vec(0_u8..12, 0..4),
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    );
    prop::collection::vec(node, 1..10)
}

/// Bazel's orders, spelled out.
struct Model<'a> {
    nodes: &'a [Node],
    seen: Vec<bool>,
    list: Vec<u8>,
}

impl Model<'_> {
    fn push(&mut self, at: usize, reverse: bool) {
        let mut own = self.nodes[at].0.clone();
        if reverse {
            own.reverse();
        }
        for member in own {
            if !self.list.contains(&member) {
                self.list.push(member);
            }
        }
    }

    fn walk(&mut self, at: usize, preorder: bool, reverse: bool) {
        if std::mem::replace(&mut self.seen[at], true) {
            return;
        }
        if preorder {
            self.push(at, reverse);
        }
        let mut children = children(self.nodes, at);
        if reverse {
            children.reverse();
        }
        for child in children {
            self.walk(child, preorder, reverse);
        }
        if !preorder {
            self.push(at, reverse);
        }
    }
}

fn children(nodes: &[Node], at: usize) -> Vec<usize> {
    match at {
        0 => Vec::new(),
        at => nodes[at].1.iter().map(|child| child.index(at)).collect(),
    }
}

fn model(nodes: &[Node], order: &str) -> Vec<u8> {
    let mut model = Model {
        nodes,
        seen: vec![false; nodes.len()],
        list: Vec::new(),
    };
    let (preorder, reverse) = (order == "preorder", order == "topological");
    model.walk(nodes.len() - 1, preorder, reverse);
    if reverse {
        model.list.reverse();
    }
    model.list
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn as_the_model(nodes in graphs()) {
        for order in ["default", "postorder", "preorder", "topological"] {
            let mut text = String::new();
            for (at, (own, _)) in nodes.iter().enumerate() {
                let children = children(&nodes, at);
                let children: Vec<String> = children.iter().map(|child| format!("d{child}")).collect();
                text += &format!(
                    "d{at} = depset({own:?}, order = {order:?}, transitive = [{}])\n",
                    children.join(", ")
                );
            }
            text += &format!("print(d{}.to_list())\n", nodes.len() - 1);
            prop_assert_eq!(printed(&text), format!("{:?}\n", model(&nodes, order)));
        }
    }
}
