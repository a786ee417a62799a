#![allow(unused_imports)]
use std::sync::Arc;
use kiln_rules::{Diag, Param, Product, RuleCx, rule};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Word(String);
impl Param for Word {}

#[derive(Debug, PartialEq, Eq)]
struct Length(usize);
impl Product for Length {}

use kiln_rules::Declares;

async fn helper<R: Declares<Length, (Word,)>>(cx: &RuleCx<R>) -> Result<usize, Diag> {
    Ok(cx.get::<Length, (Word,)>((Word(String::new()),)).await?.0)
}

#[rule]
async fn twice(cx: &RuleCx, _word: Arc<Word>) -> Result<Length, Diag> {
    Ok(Length(helper(cx).await?))
}

fn main() {}
