//! What `#[rule]` makes of a function.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use expect_test::expect;
use kiln_rules::{Declares, Diag, Param, Product, Rule, RuleCx, rule};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Word(String);
impl Param for Word {}

impl Word {
    fn new(text: &str) -> Word {
        Word(text.to_owned())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Platform;
impl Param for Platform {
    const AMBIENT: bool = true;
}

#[derive(Debug, PartialEq, Eq)]
struct Length(usize);
impl Product for Length {}

#[derive(Debug, PartialEq, Eq)]
struct Sum(usize);
impl Product for Sum {}

/// Counts.
#[rule]
async fn length(_cx: &RuleCx, word: Arc<Word>) -> Result<Length, Diag> {
    Ok(Length(word.0.len()))
}

async fn helper<R: Declares<Length, (Word, Platform)>>(cx: &RuleCx<R>) -> Result<usize, Diag> {
    Ok(cx.get::<Length, _>((Word::new("x"), Platform)).await?.0)
}

/// Adds up,
/// in many ways.
#[rule(uses(String), gets((Word, Platform) -> Length))]
async fn sum(cx: &RuleCx, _platform: Arc<Platform>) -> Result<Arc<Sum>, Diag> {
    let word = Word::new("a");
    // A local of a rule's name is fine.
    let length = get!(Length, word => Word).await?;
    let (a, b) = futures::try_join!(
        get!(Length, Word::new("b"), via length),
        get!(Length, Word("c".to_owned())),
    )?;
    let many = get_all!(Length, vec![Word::new("d")] => Word).await?;
    let pairs = get_all!(Length, [(Word::new("e"), Platform)] => (Word, Platform)).await?;
    let both = get!(Length, (Word::new("f"), Platform)).await?;
    let none = get!(Length).await?;
    let _ = cx.service::<String>()?;
    let total = length.0 + a.0 + b.0 + many.len() + pairs.len() + both.0 + none.0;
    Ok(Arc::new(Sum(total + helper(cx).await?)))
}

fn short(name: fn() -> &'static str) -> &'static str {
    name().rsplit("::").next().unwrap()
}

#[test]
fn definitions() {
    let def = sum::DEF;
    let gets: Vec<String> = def
        .gets
        .iter()
        .map(|get| {
            let provides: Vec<&str> = (get.provides)().iter().map(|ty| short(ty.name)).collect();
            let call = get
                .call
                .map(|call| format!(" via {}", call()))
                .unwrap_or_default();
            format!(
                "{} from {}{call}",
                short(get.output.name),
                provides.join("+")
            )
        })
        .collect();
    expect![[r#"
        sum: Adds up,
        in many ways.
        makes Sum, takes 1, uses 1
        Length from Word+Platform
        Length from Word
        Length from "#]]
    .assert_eq(&format!(
        "{}: {}\nmakes {}, takes {}, uses {}\n{}",
        def.name,
        def.doc,
        short(def.output.name),
        def.inputs.len(),
        def.uses.len(),
        gets.join("\n")
    ));
    assert!((def.gets[0].provides)()[1].ambient);
}
