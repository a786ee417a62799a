//! `ContentAddressableStorage`, asked by honest and by hostile clients.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use common::{World, empty_root, named, show_error};
use expect_test::{Expect, expect};
use kiln_proto::*;

fn ask(digests: Vec<Digest>) -> FindMissingBlobsRequest {
    FindMissingBlobsRequest {
        blob_digests: digests,
        ..FindMissingBlobsRequest::default()
    }
}

/// R11: each once; the empty blob is never missing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing() {
    let world = World::start().await;
    let known = world.put(b"known");
    let absent = named(b"absent");
    let digests = vec![absent.clone(), known, absent.clone(), empty_root()];
    let answer = world.storage().find_missing_blobs(ask(digests)).await;
    assert_eq!(answer.unwrap().into_inner().missing_blob_digests, [absent]);
    let check = async |request: FindMissingBlobsRequest, expected: Expect| {
        let error = world.storage().find_missing_blobs(request).await;
        expected.assert_eq(&show_error(&error.unwrap_err()));
    };
    let upper = Digest {
        hash: "A".repeat(64),
        size_bytes: 1,
    };
    check(ask(vec![upper]), expect!["InvalidArgument: `AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/1` is no SHA-256 digest: expected 64 lower-case hex digits and a size"]).await;
    let negative = Digest {
        size_bytes: -1,
        ..named(b"x")
    };
    check(ask(vec![negative]), expect!["InvalidArgument: `2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881/-1` is no SHA-256 digest: expected 64 lower-case hex digits and a size"]).await;
    let other = FindMissingBlobsRequest {
        instance_name: "main".to_owned(),
        ..ask(Vec::new())
    };
    check(
        other,
        expect!["InvalidArgument: there is no instance `main`: this server's is ``"],
    )
    .await;
    // BLAKE3.
    let function = FindMissingBlobsRequest {
        digest_function: 9,
        ..ask(Vec::new())
    };
    check(
        function,
        expect!["InvalidArgument: unsupported digest function 9: this server knows SHA256 alone"],
    )
    .await;
}

fn blob(content: &[u8]) -> BlobToStore {
    BlobToStore {
        digest: Some(named(content)),
        data: content.to_vec().into(),
        compressor: IDENTITY,
    }
}

/// Digests are checked one by one: what is right is stored, what is wrong says so.
#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_written() {
    let world = World::start().await;
    let wrong = BlobToStore {
        digest: Some(named(b"another")),
        ..blob(b"content")
    };
    let compressed = BlobToStore {
        compressor: ZSTD,
        ..blob(b"compressed")
    };
    let nameless = BlobToStore {
        digest: None,
        ..blob(b"nameless")
    };
    let request = BatchUpdateBlobsRequest {
        requests: vec![blob(b"good"), wrong, compressed, nameless, blob(b"")],
        ..BatchUpdateBlobsRequest::default()
    };
    let answer = world.storage().batch_update_blobs(request).await.unwrap();
    let lines = answer.into_inner().responses.into_iter().map(|stored| {
        let status = stored.status.unwrap();
        format!("{} {}\n", status.code, status.message)
    });
    expect![[r#"
        0 
        3 the content is ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73/7, not ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5/7
        3 9da308c2e4bc33afa72df5c088b5fc5673c477f3ef21d6bdaa358393834f9804/10: Unknown frame descriptor
        3 a digest is missing
        0 
    "#]].assert_eq(&lines.collect::<String>());
    assert!(world.store.contains(&kiln_base::Digest::of(b"good")));
    for absent in [&b"content"[..], b"another", b"compressed", b"nameless"] {
        assert!(!world.store.contains(&kiln_base::Digest::of(absent)));
    }
}

/// Batches have the limit that the capabilities tell; gRPC's own is a little above.
#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_too_large() {
    let world = World::start().await;
    let capabilities = CapabilitiesClient::new(world.channel.clone())
        .get_capabilities(GetCapabilitiesRequest::default())
        .await
        .unwrap()
        .into_inner();
    let limit = capabilities
        .cache_capabilities
        .unwrap()
        .max_batch_total_size_bytes;
    let write = async |size: i64| {
        let request = BatchUpdateBlobsRequest {
            requests: vec![blob(&vec![7; size as usize])],
            ..BatchUpdateBlobsRequest::default()
        };
        match world.storage().batch_update_blobs(request).await {
            Ok(answer) => format!("{:?}", answer.into_inner().responses[0].status),
            Err(error) => show_error(&error),
        }
    };
    expect![[r#"Some(Status { code: 0, message: "", details: [] })"#]]
        .assert_eq(&write(limit).await);
    expect!["InvalidArgument: a batch of 4128769 bytes is more than 4128768, this server's limit: use ByteStream"].assert_eq(&write(limit + 1).await);
    expect!["OutOfRange: Error, decoded message length too large: found 5242963 bytes, the limit is: 4194304 bytes"].assert_eq(&write(5 << 20).await);
    let read = async |sizes: &[usize]| {
        let digests = sizes.iter().map(|size| world.put(&vec![7; *size]));
        let request = BatchReadBlobsRequest {
            digests: digests.collect(),
            ..BatchReadBlobsRequest::default()
        };
        match world.storage().batch_read_blobs(request).await {
            Ok(answer) => format!("{}", answer.into_inner().responses.len()),
            Err(error) => show_error(&error),
        }
    };
    expect!["1"].assert_eq(&read(&[limit as usize]).await);
    expect!["InvalidArgument: a batch of 4128769 bytes is more than 4128768, this server's limit: use ByteStream"].assert_eq(&read(&[limit as usize - 1, 2]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_read() {
    let world = World::start().await;
    let lost = world.put(b"lost");
    world.lose(b"lost");
    let request = BatchReadBlobsRequest {
        digests: vec![world.put(b"there"), named(b"absent"), lost, empty_root()],
        ..BatchReadBlobsRequest::default()
    };
    let answer = world.storage().batch_read_blobs(request).await.unwrap();
    let lines = answer.into_inner().responses.into_iter().map(|read| {
        let status = read.status.unwrap();
        format!("{} {} {:?}\n", status.code, status.message, read.data)
    });
    expect![[r#"
        0  b"there"
        5 blob 5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6 is missing b""
        5 blob 76f75e6129fe30135bd44d80ab7cc46fdba81907758dc808f3e2517beef2b1e9/4 is missing b""
        0  b""
    "#]]
    .assert_eq(&lines.collect::<String>());
}

fn folder(world: &World, folders: &[(&str, &Digest)]) -> Digest {
    let directory = Directory {
        directories: folders
            .iter()
            .map(|(name, digest)| DirectoryNode {
                name: (*name).to_owned(),
                digest: Some((*digest).clone()),
            })
            .collect(),
        ..Directory::default()
    };
    world.put(&directory.encode_to_vec())
}

/// The number of folders in each part of a tree.
async fn tree(world: &World, request: GetTreeRequest) -> String {
    let mut parts = Vec::new();
    let mut stream = match world.storage().get_tree(request).await {
        Ok(stream) => stream.into_inner(),
        Err(error) => return show_error(&error),
    };
    loop {
        match stream.message().await {
            Ok(Some(part)) => {
                assert_eq!(part.next_page_token, "");
                parts.push(part.directories.len());
            }
            Ok(None) => return format!("{parts:?}"),
            Err(error) => return show_error(&error),
        }
    }
}

/// Each folder once, however often it is there; what is missing is left out (REAPI: `GetTree`).
#[tokio::test(flavor = "multi_thread")]
async fn trees() {
    let world = World::start().await;
    let (empty, absent) = (folder(&world, &[]), named(b"absent"));
    let middle = folder(&world, &[("a", &empty), ("b", &empty)]);
    let root = folder(&world, &[("a", &middle), ("b", &middle), ("gone", &absent)]);
    let whole = |root: &Digest| GetTreeRequest {
        root_digest: Some(root.clone()),
        ..GetTreeRequest::default()
    };
    expect!["[3]"].assert_eq(&tree(&world, whole(&root)).await);
    let paged = GetTreeRequest {
        page_size: 2,
        ..whole(&root)
    };
    expect!["[2, 1]"].assert_eq(&tree(&world, paged).await);
    expect!["NotFound: folder 5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6 is missing"].assert_eq(&tree(&world, whole(&absent)).await);
    let file = world.put(b"\xff\xffno folder");
    expect!["InvalidArgument: blob 5566a1bd5523fd6a40d668ca30de86facd53ec51e08e8fb1470d150b82318ac1/11 is no folder"].assert_eq(&tree(&world, whole(&file)).await);
    let token = GetTreeRequest {
        page_token: "x".to_owned(),
        ..whole(&root)
    };
    expect!["InvalidArgument: an unknown page token"].assert_eq(&tree(&world, token).await);
}
