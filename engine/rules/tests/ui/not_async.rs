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
fn length(cx: &RuleCx, word: Arc<Word>) -> Result<Length, Diag> {
    Ok(Length(word.0.len()))
}

fn main() {}
