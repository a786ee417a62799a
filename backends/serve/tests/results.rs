//! `ActionCache`: what is believed of results that clients send (R6, R19, PX-062, PX-076).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use common::{World, command, empty_root, message, named, show_error};
use expect_test::{Expect, expect};
use kiln_base::RelPath;
use kiln_proto::*;
use kiln_tree::{Node, Tree, encode_tree};

async fn get(world: &World, action: &Digest) -> Result<ActionResult, String> {
    let request = GetActionResultRequest {
        action_digest: Some(action.clone()),
        ..GetActionResultRequest::default()
    };
    let answer = world.results().get_action_result(request).await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(|error| show_error(&error))
}

async fn update(
    world: &World,
    action: &Digest,
    result: ActionResult,
) -> Result<ActionResult, String> {
    let request = UpdateActionResultRequest {
        action_digest: Some(action.clone()),
        action_result: Some(result),
        ..UpdateActionResultRequest::default()
    };
    let answer = world.results().update_action_result(request).await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(|error| show_error(&error))
}

fn file(path: &str, digest: Digest) -> OutputFile {
    OutputFile {
        path: path.to_owned(),
        digest: Some(digest),
        ..OutputFile::default()
    }
}

fn one_file(path: &str, digest: Digest) -> ActionResult {
    ActionResult {
        output_files: vec![file(path, digest)],
        ..ActionResult::default()
    }
}

fn link(path: &str, target: &str) -> ActionResult {
    ActionResult {
        output_symlinks: vec![OutputSymlink {
            path: path.to_owned(),
            target: target.to_owned(),
        }],
        ..ActionResult::default()
    }
}

fn folder(path: &str, tree: Digest) -> ActionResult {
    ActionResult {
        output_directories: vec![OutputDirectory {
            path: path.to_owned(),
            tree_digest: Some(tree),
        }],
        ..ActionResult::default()
    }
}

/// An action that declares `out` and `dir`.
fn action(world: &World) -> Digest {
    world.action(command("x", &["out", "dir"]), empty_root())
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_kept() {
    let world = World::start().await;
    let action = action(&world);
    let error = get(&world, &action).await.unwrap_err();
    assert!(
        error.starts_with("NotFound: no result of action"),
        "{error}"
    );
    let mut result = one_file("out", named(b"came along"));
    result.output_files[0].contents = b"came along".to_vec();
    result.stdout_raw = b"said".to_vec();
    update(&world, &action, result).await.unwrap();
    // What came along is a blob from then on, and the message names it.
    let found = get(&world, &action).await.unwrap();
    assert_eq!(found.output_files, [file("out", named(b"came along"))]);
    assert_eq!(found.stdout_digest, Some(named(b"said")));
    assert!(found.stdout_raw.is_empty());
    let request = GetActionResultRequest {
        action_digest: Some(action),
        inline_stdout: true,
        inline_output_files: vec!["out".to_owned()],
        ..GetActionResultRequest::default()
    };
    let found = world.results().get_action_result(request).await.unwrap();
    let found = found.into_inner();
    assert_eq!(found.stdout_raw, b"said");
    assert_eq!(found.output_files[0].contents, b"came along");
    assert!(found.stderr_raw.is_empty());
}

/// A result is served only as long as all that it names is there, in its folders too.
#[tokio::test(flavor = "multi_thread")]
async fn results_that_lost_a_blob() {
    for lost in [&b"in a folder"[..], b"a file", b"said"] {
        let world = World::start().await;
        let action = action(&world);
        let inner = Node::File {
            digest: world.store.put_bytes(b"in a folder").unwrap(),
            executable: false,
        };
        let tree = Tree::single(&RelPath::new("a/b").unwrap(), inner);
        let mut result = folder("dir", world.put(&encode_tree(&tree)));
        result.output_files = vec![file("out", world.put(b"a file"))];
        result.stdout_digest = Some(world.put(b"said"));
        update(&world, &action, result).await.unwrap();
        assert!(get(&world, &action).await.is_ok());
        world.lose(lost);
        let error = get(&world, &action).await.unwrap_err();
        assert!(error.starts_with("NotFound: "), "{error}");
    }
}

/// What is kept is what the action can have made, and is all there.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_results() {
    let world = World::start().await;
    let action = action(&world);
    let check = async |result: ActionResult, expected: Expect| {
        let error = update(&world, &action, result).await.unwrap_err();
        expected.assert_eq(&error);
        assert!(get(&world, &action).await.is_err());
    };
    let blob = world.put(b"content");
    check(
        one_file("other", blob.clone()),
        expect!["InvalidArgument: `other` is no declared output"],
    )
    .await;
    check(
        one_file("../out", blob.clone()),
        expect!["InvalidArgument: path `../out` is not normalized"],
    )
    .await;
    check(
        one_file("/etc/passwd", blob.clone()),
        expect!["InvalidArgument: path `/etc/passwd` is absolute"],
    )
    .await;
    let long = update(
        &world,
        &action,
        one_file(&"x".repeat(1 << 20), blob.clone()),
    )
    .await;
    let long = long.unwrap_err();
    assert!(
        long.starts_with("InvalidArgument: ") && long.len() < 5_000,
        "{long}"
    );
    check(one_file("out", named(b"absent")), expect![[r#"
        FailedPrecondition: blob 5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6 is missing
        MISSING blobs/5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6"#]]).await;
    let mut lying = one_file("out", named(b"one"));
    lying.output_files[0].contents = b"two".to_vec();
    check(lying, expect!["InvalidArgument: the content sent along is not 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed/3"]).await;
    check(
        link("out", "/etc/passwd"),
        expect!["InvalidArgument: output link `out` to `/etc/passwd` leaves the input root"],
    )
    .await;
    check(
        link("out", "../../secret"),
        expect!["InvalidArgument: output link `out` to `../../secret` leaves the input root"],
    )
    .await;
    check(
        link("out", ""),
        expect!["InvalidArgument: link `out` has no valid target"],
    )
    .await;
    check(folder("dir", named(b"no tree")), expect![[r#"
        FailedPrecondition: blob 973a4d6f2bd901e445f3c5a95668dd1fe38b92cb56e98b451ca3c233c51bf50e/7 is missing
        MISSING blobs/973a4d6f2bd901e445f3c5a95668dd1fe38b92cb56e98b451ca3c233c51bf50e/7"#]]).await;
    check(folder("dir", world.put(b"\xff\xff")), expect!["InvalidArgument: not a `Tree` message: failed to decode Protobuf message: invalid varint"]).await;
    let climbing = Tree::single(
        &RelPath::new("a/l").unwrap(),
        Node::Symlink("../../../x".into()),
    );
    check(
        folder("dir", world.put(&encode_tree(&climbing))),
        expect!["InvalidArgument: output link `l` to `../../../x` leaves the input root"],
    )
    .await;
    let huge = Digest {
        size_bytes: 1 << 40,
        ..named(b"x")
    };
    check(folder("dir", huge), expect!["InvalidArgument: the trees up to 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881/1099511627776 are too large"]).await;
    let failed = ActionResult {
        exit_code: 1,
        ..one_file("out", blob.clone())
    };
    check(
        failed,
        expect!["InvalidArgument: results of actions that failed are not kept"],
    )
    .await;
    let twice = ActionResult {
        output_files: vec![file("out", blob.clone()), file("out", world.put(b"b"))],
        ..ActionResult::default()
    };
    check(
        twice,
        expect!["InvalidArgument: two different entries at `out`"],
    )
    .await;
}

/// A result whose action nobody knows cannot be checked.
#[tokio::test(flavor = "multi_thread")]
async fn actions_that_are_none() {
    let world = World::start().await;
    let blob = world.put(b"content");
    let check = async |action: &Digest, expected: Expect| {
        let result = one_file("out", blob.clone());
        let error = update(&world, action, result).await.unwrap_err();
        expected.assert_eq(&error);
    };
    check(&named(b"absent"), expect![[r#"
        FailedPrecondition: blob 5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6 is missing
        MISSING blobs/5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6"#]]).await;
    check(&world.put(b"\xff\xff"), expect!["InvalidArgument: blob ca2fd00fa001190744c15c317643ab092e7048ce086a243e2be9437c898de1bb/2 is no `Action`"]).await;
    let headless = Action {
        command_digest: Some(named(b"absent")),
        ..Action::default()
    };
    check(&world.put(&headless.encode_to_vec()), expect![[r#"
        FailedPrecondition: blob 5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6 is missing
        MISSING blobs/5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6"#]]).await;
    let private = world.action_with(command("x", &["out"]), empty_root(), |action| {
        action.do_not_cache = true;
    });
    check(
        &private,
        expect!["InvalidArgument: the action says that its result is not to be kept"],
    )
    .await;
    let climbing = world.action(command("x", &["../out"]), empty_root());
    check(
        &climbing,
        expect!["InvalidArgument: output `../out` is not normalized"],
    )
    .await;
}

/// Clients below REAPI 2.1 name outputs and links in other fields.
#[tokio::test(flavor = "multi_thread")]
async fn results_of_old_clients() {
    let world = World::start().await;
    let old = Command {
        arguments: vec!["x".to_owned()],
        output_files: vec!["l".to_owned()],
        ..Command::default()
    };
    let action = world.action(old, empty_root());
    let result = ActionResult {
        output_file_symlinks: link("l", "there").output_symlinks,
        ..ActionResult::default()
    };
    update(&world, &action, result).await.unwrap();
    let found = get(&world, &action).await.unwrap();
    assert_eq!(found.output_symlinks, found.output_file_symlinks);
    assert_eq!(found.output_symlinks[0].target, "there");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_from_here_alone() {
    let world = World::start_with(|config| config.read_only = true).await;
    let action = action(&world);
    let result = one_file("out", world.put(b"content"));
    let error = update(&world, &action, result).await.unwrap_err();
    expect![
        "PermissionDenied: this server keeps results of actions that it ran itself, and no others"
    ]
    .assert_eq(&error);
    let capabilities = CapabilitiesClient::new(world.channel.clone())
        .get_capabilities(GetCapabilitiesRequest::default())
        .await
        .unwrap()
        .into_inner();
    let cache = capabilities.cache_capabilities.unwrap();
    let update = cache.action_cache_update_capabilities.unwrap();
    assert!(!update.update_enabled);
    assert_eq!(cache.digest_functions, [SHA256]);
    // A failure that kiln itself keeps is no result for others.
    let failure = ActionResult {
        exit_code: 1,
        ..ActionResult::default()
    };
    let key = kiln_base::Digest::of(b"a failure");
    world
        .store
        .put_action(&key, &failure.encode_to_vec(), &[])
        .unwrap();
    assert!(get(&world, &message(&key)).await.is_err());
}
