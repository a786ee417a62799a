#![allow(unused_imports)]
use std::sync::Arc;
use kiln_rules::{Diag, Param, Product, RuleCx, rule};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Word(String);
impl Param for Word {}

#[derive(Debug, PartialEq, Eq)]
struct Length(usize);
impl Product for Length {}

#[rule]
async fn twice(cx: &RuleCx, _word: Arc<Word>) -> Result<Length, Diag> {
    Ok(Length(*cx.service::<usize>()?))
}

fn main() {}
