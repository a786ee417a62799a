//! Rules run over the solved graph: which of them, how often, and with what.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use kiln_rules::{Diag, Param, Product, QueryDef, RuleCx, rule, rules};
use kiln_scheduler::{Engine, Parts, Services};

macro_rules! value {
    ($($name:ident($inner:ty))*) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            struct $name($inner);
        )*
    };
}

value! { Name(&'static str) Platform(&'static str) Tools(String) Object(String) Binary(String) }
value! { Chain(u32) Depth(u32) Left(u32) Right(u32) Loop(u32) }
impl Param for Name {}
impl Param for Chain {}
impl Param for Left {}
impl Param for Right {}
impl Param for Platform {
    const AMBIENT: bool = true;
}
impl Product for Tools {}
impl Product for Object {}
impl Product for Binary {}
impl Product for Depth {}
impl Product for Loop {}

#[rule]
async fn tools(_cx: &RuleCx, platform: Arc<Platform>) -> Result<Tools, Diag> {
    Ok(Tools(format!("tools for {}", platform.0)))
}

#[rule]
async fn object(_cx: &RuleCx, name: Arc<Name>, tools: Arc<Tools>) -> Result<Object, Diag> {
    Ok(Object(format!("{}.o by {}", name.0, tools.0)))
}

#[rule(uses(String))]
async fn binary(cx: &RuleCx, name: Arc<Name>, platform: Arc<Platform>) -> Result<Binary, Diag> {
    let objects = get_all!(Object, [Name("a"), Name("b"), Name("a")] => Name).await?;
    let host = get!(Object, (Name("gen"), Platform("host"))).await?;
    let word = cx.service::<String>()?;
    let length = cx
        .cpu({
            let word = word.clone();
            move || word.len()
        })
        .await?;
    let list: Vec<&str> = objects.iter().map(|object| &*object.0).collect();
    let text = format!("{} on {}: {list:?} {} {length}", name.0, platform.0, host.0);
    Ok(Binary(text))
}

#[rule]
async fn depth(cx: &RuleCx, chain: Arc<Chain>) -> Result<Depth, Diag> {
    match chain.0 {
        0 => Ok(Depth(0)),
        n => Ok(Depth(get!(Depth, Chain(n - 1)).await?.0 + 1)),
    }
}

#[rule]
async fn left(cx: &RuleCx, at: Arc<Left>) -> Result<Loop, Diag> {
    Ok(Loop(get!(Loop, Right(at.0)).await?.0))
}

#[rule]
async fn right(cx: &RuleCx, at: Arc<Right>) -> Result<Loop, Diag> {
    Ok(Loop(get!(Loop, Left(at.0)).await?.0))
}

struct Log(Arc<Mutex<Vec<String>>>);

fn engine() -> (Engine, Log) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = log.clone();
    let engine = Engine::new(Parts {
        rules: rules![tools, object, binary, depth, left, right],
        queries: vec![
            QueryDef::of::<Binary, (Name, Platform)>(),
            QueryDef::of::<Depth, (Chain,)>(),
            QueryDef::of::<Loop, (Left,)>(),
        ],
        services: Services::new().with("word".to_owned()),
        threads: 2,
        trace: Some(Arc::new(move |rule, params| {
            sink.lock().unwrap().push(format!("{rule}{params:?}"));
        })),
    });
    (
        engine.map_err(|errors| errors[0].clone()).unwrap(),
        Log(log),
    )
}

impl Log {
    fn check(&self, expect: Expect) {
        let mut ran = std::mem::take(&mut *self.0.lock().unwrap());
        ran.sort();
        expect.assert_eq(&ran.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_runs_once_and_is_keyed_by_what_it_reads() {
    let (engine, log) = engine();
    let session = engine.session();
    let binary = session
        .query::<Binary, _>((Name("app"), Platform("linux")))
        .await
        .unwrap();
    expect![[r#"app on linux: ["a.o by tools for linux", "b.o by tools for linux", "a.o by tools for linux"] gen.o by tools for host 4"#]].assert_eq(&binary.0);
    log.check(expect![[r#"
        binary[Platform("linux"), Name("app")]
        object[Platform("host"), Name("gen")]
        object[Platform("linux"), Name("a")]
        object[Platform("linux"), Name("b")]
        tools[Platform("host")]
        tools[Platform("linux")]"#]]);
    // Another name on the same platform: nothing below is asked again.
    session
        .query::<Binary, _>((Name("other"), Platform("linux")))
        .await
        .unwrap();
    log.check(expect![[r#"binary[Platform("linux"), Name("other")]"#]]);
    // And a later session remembers.
    engine
        .session()
        .query::<Binary, _>((Name("app"), Platform("linux")))
        .await
        .unwrap();
    log.check(expect![""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_chains_do_not_use_up_the_stack() {
    let (engine, _log) = engine();
    let depth = engine
        .session()
        .query::<Depth, _>((Chain(100_000),))
        .await
        .unwrap();
    assert_eq!(depth.0, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn cycles_are_reported_as_paths() {
    let (engine, _log) = engine();
    let error = engine
        .session()
        .query::<Loop, _>((Left(1),))
        .await
        .unwrap_err();
    expect![[r#"
        error: dependency cycle
           = `Left(1)`
           = needs `Right(1)`
           = needs `Left(1)`"#]]
    .assert_eq(&error.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_rule_set_are_found_at_the_start() {
    let errors = Engine::new(Parts {
        rules: rules![object, binary],
        queries: vec![QueryDef::of::<Binary, (Name, Platform)>()],
        services: Services::new(),
        threads: 1,
        trace: None,
    });
    let errors = errors.err().unwrap();
    assert!(
        errors
            .iter()
            .any(|e| e.render().contains("needs `Tools`, which no rule makes")),
        "{errors:?}"
    );
    let errors = Engine::new(Parts {
        rules: rules![tools, object, binary],
        queries: vec![QueryDef::of::<Binary, (Name, Platform)>()],
        services: Services::new(),
        threads: 1,
        trace: None,
    });
    expect!["error: rule `binary` uses the missing service `alloc::string::String`"]
        .assert_eq(&errors.err().unwrap()[0].render());
}
