//! What `#[rule]` refuses, and how it says so. The messages are part of the contract.

#[test]
fn messages() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
