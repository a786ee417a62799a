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
    let length = cx.get::<Length, (Word,)>((Word(String::new()),)).await?;
    Ok(Length(2 * length.0))
}

fn main() {}
