//! The doctor against a server that does what real ones do not (R32).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod server;

use expect_test::{Expect, expect};
use kiln_exec_remote::{Mark, RemoteConfig, examine};
use server::{Faults, Server};

/// All that is not as it should be.
async fn check(faults: Faults, expected: Expect) {
    let (server, address) = Server::start().await;
    *server.0.faults.lock() = faults;
    let sheet = examine(RemoteConfig::new(address), false).await.unwrap();
    let found = sheet.checks.iter().filter(|check| check.mark != Mark::Ok);
    let lines: Vec<String> = found
        .map(|check| format!("{} {}: {}", check.mark.word(), check.name, check.found))
        .collect();
    let verdict = format!("cache={} workers={}", sheet.is_cache(), sheet.has_workers());
    expected.assert_eq(&format!("{}\n{verdict}", lines.join("\n")));
}

/// It takes any content for any digest, runs nothing and knows what it never saw run.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_checks_nothing() {
    check(
        Faults::default(),
        expect![[r#"
        warn contents.empty: the empty content is said to be missing
        warn contents.tree: GetTree: Unimplemented: nobody asks for it
        warn streams.broken: QueryWriteStatus: Unimplemented: as many servers
        warn streams.wrong: contents under a wrong name are taken
        fail run.action: it was to print something else than "said"
        cache=true workers=false"#]],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_changes_contents() {
    let faults = Faults {
        corrupt: true,
        ..Faults::default()
    };
    check(
        faults,
        expect![[r#"
        warn contents.empty: the empty content is said to be missing
        fail contents.small: what comes back is something else
        fail contents.batch: what comes back is something else
        warn contents.limit: what comes back is something else
        warn contents.tree: GetTree: Unimplemented: nobody asks for it
        fail streams.read: something else, from byte 0 on
        warn streams.broken: QueryWriteStatus: Unimplemented: as many servers
        warn streams.wrong: contents under a wrong name are taken
        fail run.action: it was to print something else than "said"
        cache=false workers=false"#]],
    )
    .await;
}
