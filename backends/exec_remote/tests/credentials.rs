//! Who we are: headers, a token from a file, programs that know (R20).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use kiln_exec_remote::{Client, Helper, RemoteConfig, Secret};
use server::Server;

/// A program that notes how often it was asked, and what.
fn helper(folder: &Path, answer: &str) -> PathBuf {
    let path = folder.join("helper");
    let asked = folder.join("asked");
    let text = format!(
        "#!/bin/sh\ncat >> {0}; echo \" $1\" >> {0}\n{answer}\n",
        asked.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn check(set: impl FnOnce(&mut RemoteConfig), folder: &Path, expected: Expect) -> Server {
    let (server, address) = Server::start().await;
    *server.0.wanted.lock() = "Bearer good".to_owned();
    let mut config = RemoteConfig::new(address);
    set(&mut config);
    // R20: what is secret is not shown.
    let shown = format!("{config:?}");
    assert!(!shown.contains("good") && !shown.contains("bad"), "{shown}");
    let client = Client::new(config).unwrap();
    let outcome = match client.limits().await {
        Ok(_) => "well".to_owned(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&outcome.replace(&folder.display().to_string(), "FOLDER"));
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn headers() {
    let given = |value: &str| {
        let header = ("Authorization".to_owned(), Secret(value.to_owned()));
        move |config: &mut RemoteConfig| config.headers.push(header)
    };
    let nowhere = Path::new("/nowhere");
    check(given("Bearer good"), nowhere, expect!["well"]).await;
    let server = check(
        given("bad"),
        nowhere,
        expect!["GetCapabilities: Unauthenticated: who are you?"],
    )
    .await;
    assert_eq!(server.calls("GetCapabilities"), 1, "not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    for (content, expected) in [
        (" good\n", expect!["well"]),
        (
            "",
            expect![
                "credentials: Unauthenticated: `FOLDER/token` must hold one token and nothing else"
            ],
        ),
        (
            "good\nbad",
            expect![
                "credentials: Unauthenticated: `FOLDER/token` must hold one token and nothing else"
            ],
        ),
        (
            "bad",
            expect!["GetCapabilities: Unauthenticated: who are you?"],
        ),
    ] {
        fs::write(&path, content).unwrap();
        let own = path.clone();
        check(
            |config| config.token_file = Some(own),
            folder.path(),
            expected,
        )
        .await;
    }
    let none = folder.path().join("none");
    check(
        |config| config.token_file = Some(none),
        folder.path(),
        expect!["credentials: Unauthenticated: cannot read `FOLDER/none`: No such file or directory (os error 2)"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_know() {
    let good = r#"echo '{"headers": {"Authorization": ["Bearer good"]}, "expires": "2000-01-01T00:00:00Z"}'"#;
    for (answer, expected) in [
        (good, expect!["well"]),
        (
            "echo good; exit 1",
            expect!["credentials: Unauthenticated: `FOLDER/helper get` failed: exit status: 1"],
        ),
        (
            "echo good",
            expect![
                "credentials: Unauthenticated: `FOLDER/helper get` printed no JSON object with `headers`"
            ],
        ),
        (
            "echo '{\"headers\": {\"a b\": [\"good\"]}}'",
            expect![
                "credentials: Unauthenticated: `FOLDER/helper get` gave `a b`, which is no header"
            ],
        ),
        (
            "exec cat /dev/zero",
            expect![
                "credentials: Unauthenticated: `FOLDER/helper get` failed: signal: 13 (SIGPIPE)"
            ],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let program = helper(folder.path(), answer);
        let set = |config: &mut RemoteConfig| {
            config.helpers.push(Helper {
                host: Some("127.0.0.1".to_owned()),
                program,
            });
        };
        check(set, folder.path(), expected).await;
        if answer == good {
            let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
            assert_eq!(asked, "{\"uri\":\"https://127.0.0.1\"} get\n");
        }
    }
    refused_credentials_are_learned_again().await;
}

/// A token that is refused is read again, once. (No test of its own: a program that is written
/// while another thread forks cannot be run.)
async fn refused_credentials_are_learned_again() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("second");
    let answer = format!(
        "if test -e {0}; then t=good; else t=bad; touch {0}; fi\n\
         echo \"{{\\\"headers\\\": {{\\\"Authorization\\\": [\\\"Bearer $t\\\"]}}}}\"",
        mark.display()
    );
    let program = helper(folder.path(), &answer);
    let set = |config: &mut RemoteConfig| {
        config.helpers.push(Helper {
            host: None,
            program,
        })
    };
    let server = check(set, folder.path(), expect!["well"]).await;
    assert_eq!(server.calls("GetCapabilities"), 2);
}
