//! One message of each kind, as a person reads it.

mod support;

use expect_test::{Expect, expect};
use kiln_rule_graph::solve;
use support::read_one;

fn check(text: &str, expected: Expect) {
    let case = read_one(text);
    let errors = solve(&case.rules, &case.queries).expect_err("the set has an error");
    let errors: Vec<String> = errors.iter().map(|error| error.diag.render()).collect();
    expected.assert_eq(&errors.join("\n\n"));
}

#[test]
fn candidates_of_a_get_each_with_its_reason() {
    check(
        "link@cc/link.rs:31: LinkedBinary <- LinkRequest | LinkFlags(AddressId) @38\n\
         flags_from_target@cc/flags.rs:12: LinkFlags <- AddressId, CcOptions\n\
         flags_from_toolchain@cc/flags.rs:40: LinkFlags <- CcToolchain\n\
         toolchain@cc/toolchain.rs:7: CcToolchain\n\
         other@cc/other.rs:9: Other | LinkFlags(AddressId, CcOptions)\n\
         ? LinkedBinary(LinkRequest)\n\
         ? Other()",
        expect![[r#"
            error: no rule can produce `LinkFlags` from `AddressId`, a Get of `link`
              --> cc/link.rs:38:1
               = `flags_from_target` (cc/flags.rs:12) needs `CcOptions`, which nothing in scope provides
               = `flags_from_toolchain` (cc/flags.rs:40) does not read `AddressId`
            hint: pass it along: get!(LinkFlags, (AddressId, CcOptions))"#]],
    );
}

#[test]
fn an_unknown_type() {
    check(
        "a@a.rs:1: A <- B\n? A()",
        expect![[r#"
        error: the query for `A` from no params has no answer
           = `a` (a.rs:1) needs `B`, which no rule makes and no caller provides
        hint: add `B` to the query, or a rule that makes it from what the query gives"#]],
    );
}

#[test]
fn a_query_for_an_unknown_type() {
    check(
        "? A(B)",
        expect![[r#"
        error: the query for `A` from `B` has no answer
           = no rule makes `A` at all
        hint: register a rule that makes `A`"#]],
    );
}

#[test]
fn a_get_for_an_unknown_type() {
    check(
        "a@a.rs:1: A <- P | B(C) @4\n? A(P)",
        expect![[r#"
        error: no rule can produce `B` from `C`, a Get of `a`
          --> a.rs:4:1
           = no rule makes `B` at all
        hint: register a rule that makes `B`"#]],
    );
}

#[test]
fn a_provided_param_that_nothing_consumes() {
    check(
        "a@a.rs:1: A | B(C) @3\nb@b.rs:7: B <- D\nd@d.rs:9: D\n? A()",
        expect![[r#"
            error: no rule can produce `B` from `C`, a Get of `a`
              --> a.rs:3:1
               = `b` (b.rs:7) does not read `C`
            hint: don't provide `C`, or let a rule for `B` take it as an input"#]],
    );
}

#[test]
fn an_input_consumed_on_the_way() {
    check(
        "a@a.rs:1: A <- P, B\nb@b.rs:5: B <- C\nc@c.rs:9: C <- P\n? A(P)",
        expect![[r#"
            error: no rule can produce `C`, an input of `b`
              --> b.rs:5:1
               = `c` (c.rs:9) needs `P`, which `a` (a.rs:1) has consumed as its input
            hint: let `a` hand on `P` to what it gets"#]],
    );
}

#[test]
fn an_input_consumed_by_the_rule_itself() {
    check(
        "a@a.rs:1: A | B(P, Q) @2\nb@b.rs:5: B <- P, C\np@p.rs:6: P <- R\nc@c.rs:9: C <- P, Q\n? A()",
        expect![[r#"
            error: no rule can produce `B` from `P` and `Q`, a Get of `a`
              --> a.rs:2:1
               = `b` (b.rs:5) consumes `P` as its input, but `C` below it needs `P` again
            hint: let `b` hand it on in its body: get!(C, P)"#]],
    );
}

#[test]
fn a_rule_called_by_a_wrong_name() {
    check(
        "a@a.rs:1: A | B() via compile @2\nb@b.rs:5: B\n? A()",
        expect![[r#"
            error: no rule can produce `B`, a Get of `a`
              --> a.rs:2:1
               = no rule is called `compile`
            hint: name a registered rule that makes `B`"#]],
    );
}

#[test]
fn a_restricted_get() {
    check(
        "a@a.rs:1: A | B(C) in (D) @2\nb@b.rs:5: B <- C, E\n? A(D, E)",
        expect![[r#"
            error: the restricted Get for `B` from `C` and `D` has no answer
               = `b` (b.rs:5) needs `E`, which nothing in scope provides
            hint: add `E` to the Get's `in_scope`, or provide it there"#]],
    );
}

#[test]
fn a_circle() {
    check(
        "a@a.rs:1: A <- B\nb@b.rs:5: B <- A\n? A()",
        expect![[r#"
            error: the query for `A` from no params has no answer
               = the rules for it need one another, and nothing begins the circle
               = met on the way: `a` (a.rs:1) and `b` (b.rs:5)
            hint: give one of these types as a param, or add a rule that makes it from something else"#]],
    );
}

#[test]
fn a_tie_at_a_query() {
    check(
        "a@a.rs:1: A <- P\nb@b.rs:5: A <- Q\n? A(P, Q)",
        expect![[r#"
            error: the query for `A` from `P` and `Q` has several equally good answers
               = `a` (a.rs:1) lives on `P`
               = `b` (b.rs:5) lives on `Q`
            hint: let the query give fewer params, so that one of them fits"#]],
    );
}

#[test]
fn a_tie_of_equals_at_a_query() {
    check(
        "a@a.rs:1: A <- P\nb@b.rs:5: A <- P\n? A(P)",
        expect![[r#"
            error: the query for `A` from `P` has several equally good answers
               = `a` (a.rs:1) lives on `P`
               = `b` (b.rs:5) lives on `P`
            hint: keep one of the rules for `A`, or let it do with fewer params"#]],
    );
}

#[test]
fn a_tie_at_a_get() {
    check(
        "top@top.rs:3: Top <- A\na@a.rs:1: A | B(C, D) @2\nb@b.rs:5: B <- C, D, P\nb2@b.rs:9: B <- C, D, Q\n? Top(P, Q)",
        expect![[r#"
            error: rule `a` has several equally good sources of `B` from `C` and `D`
              --> a.rs:2:1
               = `b` (b.rs:5) lives on `C`, `D` and `P`
               = `b2` (b.rs:9) lives on `C`, `D` and `Q`
            hint: name the rule: get!(B, (C, D), via b)"#]],
    );
}

#[test]
fn a_tie_with_a_param() {
    check(
        "a@a.rs:1: A <- B\nb@b.rs:5: B <- P\n? A(B, P)",
        expect![[r#"
            error: rule `a` has several equally good sources of `B`
              --> a.rs:1:1
               = the param `B` itself
               = `b` (b.rs:5) lives on `P`
            hint: name the rule: get!(B, (), via b)"#]],
    );
}

#[test]
fn a_mask() {
    check(
        "graph@g.rs:1: Graph <- Addresses, Options | Host(Spec) @4 | masks Environment, Options\n\
         host@h.rs:5: Host <- Spec, Environment\n\
         ? Graph(Addresses, Environment, Options)",
        expect![[r#"
            error: rule `graph` masks `Environment` and `Options`, but depends on them
              --> g.rs:1:1
               = it takes `Options` as an input itself
               = `Environment` comes through `host` (h.rs:5), which makes its `Host`
            hint: don't take `Options` as an input, or don't mask it
            hint: provide `Environment` in the Get that leads there, so that it is fixed below the rule"#]],
    );
}

#[test]
fn a_mask_through_a_get() {
    check(
        "graph@g.rs:1: Graph <- Addresses | Host(Spec) @4 | masks Environment\n\
         host@h.rs:5: Host <- Spec, Environment\n\
         ? Graph(Addresses, Environment)",
        expect![[r#"
            error: rule `graph` masks `Environment`, but depends on it
              --> g.rs:1:1
               = `Environment` comes through `host` (h.rs:5), which makes its `Host`
            hint: provide `Environment` in the Get that leads there, so that it is fixed below the rule"#]],
    );
}

#[test]
fn names_used_twice() {
    check(
        "b@x.rs:5: A\nb@b.rs:5: A\na@a.rs:1: B <- B\na@c.rs:7: A\nc@c.rs:1: C\n? A()",
        expect![[r#"
            error: several rules are called `a` and `b`
               = `a` is declared in a.rs:1 and c.rs:7
               = `b` is declared in b.rs:5 and x.rs:5
            hint: give each rule a name of its own"#]],
    );
}

#[test]
fn too_many_combinations() {
    let mut text = "goal@goal.rs:3: Goal <- M0, M1, M2, M3, M4\n".to_owned();
    let mut params = Vec::new();
    for input in 0..5 {
        for way in 0..12 {
            text += &format!("made_{input}_{way}@made.rs:{way}: M{input} <- P{input}x{way}\n");
            params.push(format!("P{input}x{way}"));
        }
    }
    text += &format!("? Goal({})", params.join(", "));
    check(
        &text,
        expect![[r#"
        error: there are too many ways to satisfy rule `goal`
          --> goal.rs:3:1
           = gave up after more than 2000000 operations
           = sources to choose from: 12 for `M0`, 12 for `M1`, 12 for `M2`, 12 for `M3` and 12 for `M4`
        hint: name the rule in a Get (`via`) where many rules make one type
        hint: or provide the param that selects the rule, or restrict the Get (`in_scope`)"#]],
    );
}

#[test]
fn a_missing_param_behind_too_many_combinations() {
    let mut text = "goal@goal.rs:3: Goal <- Request, M0, M1, M2, M3, M4\n".to_owned();
    let mut params = Vec::new();
    for input in 0..5 {
        for way in 0..12 {
            text += &format!("made_{input}_{way}@made.rs:{way}: M{input} <- P{input}x{way}\n");
            params.push(format!("P{input}x{way}"));
        }
    }
    text += &format!("? Goal({})\n? Request(Request)", params.join(", "));
    check(
        &text,
        expect![[r#"
            error: the query for `Goal` from `P0x0`, `P0x1`, `P0x10`, `P0x11`, `P0x2`, `P0x3`, `P0x4`, `P0x5` and 52 more has no answer
               = `goal` (goal.rs:3) needs `Request`, which the query does not give
            hint: add `Request` to the query"#]],
    );
}

#[test]
fn requests_without_a_query() {
    let case = read_one("a: A <- P\na2: A <- Q\n? A(P)\n? A(Q)\n?? A(P, Q)\n?? A(R)\n?? B()");
    let graph = solve(&case.rules, &case.queries).expect("the set is in order");
    let messages: Vec<String> = case
        .lookups
        .iter()
        .map(|wanted| {
            let error = graph.lookup(wanted.output(), wanted.params());
            error
                .expect_err("there is no query")
                .to_diag(&case.rules)
                .render()
        })
        .collect();
    expect![[r#"
        error: several queries serve a request for `A` from (P, Q)
           = `A` from (P)
           = `A` from (Q)
        hint: ask with exactly the params of one of them

        error: no query serves a request for `A` from (R)
           = `A` from (P)
           = `A` from (Q)
        hint: give the params of one of these, or register the query

        error: no query serves a request for `B` from no params
        hint: register the query `B` from no params"#]]
    .assert_eq(&messages.join("\n\n"));
}
