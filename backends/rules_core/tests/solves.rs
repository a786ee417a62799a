//! The rules of the product have a graph.

use kiln_scheduler::{Engine, Parts, Services};

#[tokio::test]
async fn the_product_rules_are_solved() {
    let result = Engine::new(Parts {
        rules: kiln_rules_core::rules(),
        queries: kiln_rules_core::queries(),
        services: Services::new(),
        threads: 1,
        trace: None,
    });
    // Without services the engine is refused, but only for that.
    let errors = result.err().expect("services are missing");
    for error in &errors {
        assert!(
            error.message().contains("uses the missing service"),
            "{error}"
        );
    }
}
