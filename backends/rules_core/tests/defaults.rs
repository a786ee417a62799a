//! Which BUILD files are evaluated for `__defaults__` (BLD-091).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[path = "common/world.rs"]
mod world;

use world::World;

const GENRULE: &str = r#"genrule(name = "g", outs = ["g.txt"], cmd = "true")"#;

/// How many packages are evaluated to build `//a/b/c:g`, with these BUILD files above.
async fn evaluated(root: &str, a: &str) -> usize {
    let files = [
        ("BUILD.bazel", root),
        ("a/BUILD.bazel", a),
        ("a/b/c/BUILD.bazel", GENRULE),
    ];
    let world = World::new(&files);
    let session = world.engine.session();
    world.build(&session, "//a/b/c:g").await.unwrap();
    world.times("package")
}

#[tokio::test]
async fn packages_above_are_evaluated_if_they_have_the_word() {
    const DEFAULTS: &str = r#"__defaults__({"genrule": {"tags": ["x"]}})"#;
    // What the prelude needs of other repositories, and the package itself.
    let least = evaluated(GENRULE, GENRULE).await;
    assert_eq!(evaluated(GENRULE, DEFAULTS).await, least + 1);
    assert_eq!(evaluated(DEFAULTS, GENRULE).await, least + 1);
    // The nearer one inherits from the other.
    assert_eq!(evaluated(DEFAULTS, DEFAULTS).await, least + 2);
}
