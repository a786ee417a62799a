//! RG-033: whatever the set, the solver ends within its budget, with a result or an error.

mod support;

use expect_test::{Expect, expect};
use kiln_rule_graph::{ErrorKind, Query, Rule, solve_measured};
use support::generate::{self, Generated};

/// What becomes of a set, and that it took no more than the allowed operations.
fn check(set: &Generated, expected: Expect) {
    let (outcome, operations) = run(set);
    expected.assert_eq(&outcome);
    // The last operation to be counted may go over the limit by what one step costs.
    assert!(operations < 2_100_000, "{operations} operations");
}

fn run(set: &Generated) -> (String, u64) {
    let (result, statistics) = solve_measured(&set.rules, &set.queries);
    let outcome = match result {
        Ok(graph) => format!("{} instances", graph.instances().len()),
        Err(errors) => {
            assert!(!errors.is_empty(), "RG-047: no report is empty");
            let internal = errors
                .iter()
                .find(|error| error.kind == ErrorKind::Internal);
            assert_eq!(internal, None, "the solver's own check failed");
            errors[0].diag.message().to_owned()
        }
    };
    (outcome, statistics.operations)
}

#[test]
fn alternatives_in_scope() {
    check(
        &generate::alternatives(3, 3),
        expect!["rule `goal` has several equally good sources of `Made00`"],
    );
    check(
        &generate::alternatives(20, 20),
        expect!["there are too many ways to satisfy rule `goal`"],
    );
}

#[test]
fn alternatives_that_a_get_selects() {
    check(
        &generate::selected_alternatives(20, 20),
        expect!["401 instances"],
    );
}

#[test]
fn debts_that_many_inputs_could_pay() {
    check(
        &generate::debts(3),
        expect!["rule `made` has several equally good sources of `Input00`"],
    );
    check(
        &generate::debts(7),
        expect!["there are too many ways to satisfy rule `made`"],
    );
    check(
        &generate::debts(20),
        expect!["there are too many ways to satisfy rule `made`"],
    );
}

#[test]
fn each_rule_gets_all() {
    check(
        &generate::everything_gets_everything(60),
        expect!["60 instances"],
    );
}

#[test]
fn a_long_chain() {
    check(&generate::chain(20_000), expect!["20000 instances"]);
}

#[test]
fn a_long_chain_without_an_end() {
    let mut set = generate::chain(20_000);
    set.queries = vec![Query::new(set.queries[0].output(), [])];
    check(
        &set,
        expect!["no rule can produce `Link00300`, an input of `link_00299`"],
    );
}

#[test]
fn a_tie_at_the_end_of_a_long_chain() {
    let mut set = generate::chain(20_000);
    let end = set.queries[0].params()[0];
    for name in ["One", "Other"] {
        let param = generate::ty(&mut set.rules, name);
        let mut rule = Rule::new(format!("end_from_{name}"), end);
        rule.inputs.push(param);
        set.rules.add_rule(rule);
    }
    let params = ["One", "Other"].map(|name| generate::ty(&mut set.rules, name));
    set.queries = vec![Query::new(set.queries[0].output(), params)];
    check(
        &set,
        expect!["rule `link_19999` has several equally good sources of `Link20000`"],
    );
}

#[test]
fn inputs_that_can_all_be_params_too() {
    let mut text = "top: Top <- ".to_owned();
    text += &(0..24)
        .map(|at| format!("T{at}"))
        .collect::<Vec<_>>()
        .join(", ");
    for at in 0..24 {
        text += &format!("\nt{at}: T{at} <- S{at}");
    }
    let all: Vec<String> = (0..24).map(|at| format!("T{at}, S{at}")).collect();
    text += &format!("\n? Top({})", all.join(", "));
    let case = support::read_one(&text);
    let set = Generated {
        rules: case.rules,
        queries: case.queries,
    };
    check(
        &set,
        expect!["there are too many ways to satisfy rule `top`"],
    );
}

#[test]
fn tangles() {
    for (rules, types) in [(6, 4), (12, 5), (30, 8), (60, 12), (100, 20), (200, 40)] {
        for seed in 0..6 {
            let (_, operations) = run(&generate::tangle(rules, types, seed));
            assert!(operations < 2_100_000, "{operations} operations");
        }
    }
}

/// Ordinary sets stay far from any limit: work grows little faster than the number of rules.
#[test]
fn ordinary_sets() {
    for requests in [100, 200, 400] {
        let shape = generate::Ordinary {
            requests,
            gets: 3,
            convertible: 10,
            seed: 1,
        };
        let set = generate::ordinary(shape);
        let (result, statistics) = solve_measured(&set.rules, &set.queries);
        result.expect("an ordinary set is solved");
        assert!(
            statistics.operations < 60 * requests as u64,
            "{statistics:?}"
        );
        assert!(statistics.unknowns < 2 * requests, "{statistics:?}");
    }
}
