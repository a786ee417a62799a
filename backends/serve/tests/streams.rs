//! `ByteStream`: uploads that break, resume and lie; downloads from anywhere (R9, R10).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{World, show_error};
use expect_test::{Expect, expect};
use futures::{StreamExt, stream};
use kiln_base::Digest;
use kiln_proto::*;
use tonic::Code;

/// More than one message.
fn content() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| (n % 251) as u8).collect()
}

fn upload_name(digest: &Digest) -> String {
    format!("uploads/one/blobs/{digest}")
}

fn part(name: &str, offset: usize, data: &[u8], finish_write: bool) -> WriteRequest {
    WriteRequest {
        resource_name: name.to_owned(),
        write_offset: offset as i64,
        finish_write,
        data: Bytes::copy_from_slice(data),
    }
}

/// The parts of a content from some byte on.
fn parts(name: &str, content: &[u8], from: usize) -> Vec<WriteRequest> {
    let chunks = content[from..].chunks(1 << 20);
    let mut at = from;
    chunks
        .map(|chunk| {
            let begin = at;
            at += chunk.len();
            part(name, begin, chunk, at == content.len())
        })
        .collect()
}

async fn write(world: &World, parts: Vec<WriteRequest>) -> String {
    match world.streams().write(stream::iter(parts)).await {
        Ok(answer) => format!("{} bytes", answer.into_inner().committed_size),
        Err(error) => show_error(&error),
    }
}

async fn status(world: &World, name: &str) -> (i64, bool) {
    let request = QueryWriteStatusRequest {
        resource_name: name.to_owned(),
    };
    let answer = world.streams().query_write_status(request).await;
    let answer = answer.unwrap().into_inner();
    (answer.committed_size, answer.complete)
}

/// Files of uploads that are under way.
fn files(world: &World) -> usize {
    let folder = world.folder.path().join("uploads");
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_in_parts() {
    let world = World::start().await;
    let content = content();
    let digest = Digest::of(&content);
    let name = upload_name(&digest);
    assert_eq!(status(&world, &name).await, (0, false));
    expect!["3000000 bytes"].assert_eq(&write(&world, parts(&name, &content, 0)).await);
    assert_eq!(status(&world, &name).await, (3_000_000, true));
    assert_eq!(world.store.read(&digest).unwrap(), Some(content.clone()));
    // Whoever comes second need not send all of it.
    let first = parts(&name, &content, 0).remove(0);
    expect!["3000000 bytes"].assert_eq(&write(&world, vec![first]).await);
    // One message is enough for a small one.
    let small = upload_name(&Digest::of(b"small"));
    expect!["5 bytes"].assert_eq(&write(&world, vec![part(&small, 0, b"small", true)]).await);
    assert_eq!(files(&world), 0);
}

/// A client that goes away in the middle goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_resume() {
    let world = World::start().await;
    let content = content();
    let digest = Digest::of(&content);
    let name = upload_name(&digest);
    let begun = stream::iter(parts(&name, &content, 0)[..2].to_vec()).chain(stream::pending());
    let mut client = world.streams();
    let hanging = tokio::spawn(async move { client.write(begun).await });
    while status(&world, &name).await.0 < 2 << 20 {
        tokio::task::yield_now().await;
    }
    // As long as one stream writes, no other may.
    let refused = write(&world, parts(&name, &content, 2 << 20)).await;
    expect!["Aborted: another stream writes that upload"].assert_eq(&refused);
    hanging.abort();
    let resumed = loop {
        let text = write(&world, parts(&name, &content, 2 << 20)).await;
        if !text.starts_with("Aborted") {
            break text;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    expect!["3000000 bytes"].assert_eq(&resumed);
    assert_eq!(world.store.read(&digest).unwrap(), Some(content));
    assert_eq!(files(&world), 0);
}

/// A stream that ends early without saying so is no blob, and can be taken up or begun again.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_stop() {
    let world = World::start().await;
    let content = content();
    let digest = Digest::of(&content);
    let name = upload_name(&digest);
    let half = parts(&name, &content, 0)[..1].to_vec();
    expect!["1048576 bytes"].assert_eq(&write(&world, half.clone()).await);
    assert!(!world.store.contains(&digest));
    assert_eq!(status(&world, &name).await, (1 << 20, false));
    expect!["InvalidArgument: the write goes on at 1048576, not at 7"]
        .assert_eq(&write(&world, vec![part(&name, 7, b"x", false)]).await);
    // What does not fit ends the upload.
    assert_eq!(status(&world, &name).await, (0, false));
    expect!["1048576 bytes"].assert_eq(&write(&world, half).await);
    expect!["3000000 bytes"].assert_eq(&write(&world, parts(&name, &content, 0)).await);
    assert!(world.store.contains(&digest));
}

/// Nothing is acknowledged that is not what it says.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_uploads() {
    let world = World::start().await;
    let digest = Digest::of(b"abcdef");
    let name = upload_name(&digest);
    let check = async |parts: Vec<WriteRequest>, expected: Expect| {
        expected.assert_eq(&write(&world, parts).await);
        assert!(!world.store.contains(&digest));
        assert_eq!(files(&world), 0);
    };
    // Other bytes: in one message, and in two.
    check(vec![part(&name, 0, b"ABCDEF", true)], expect!["InvalidArgument: the content is e9c0f8b575cbfcb42ab3b78ecc87efa3b011d9a5d10b09fa4e96f240bf6a82f5/6, not bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721/6"]).await;
    let two = vec![part(&name, 0, b"ABC", false), part("", 3, b"DEF", true)];
    check(two, expect!["InvalidArgument: the content is e9c0f8b575cbfcb42ab3b78ecc87efa3b011d9a5d10b09fa4e96f240bf6a82f5/6, not bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721/6"]).await;
    // Too few, too many, with a gap, before the start.
    check(vec![part(&name, 0, b"abc", true)], expect!["InvalidArgument: 3 bytes were written, but the blob bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721/6 has 6"]).await;
    let many = vec![part(&name, 0, b"abc", false), part("", 3, b"defg", false)];
    check(many, expect!["InvalidArgument: 7 bytes were written, but the blob bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721/6 has 6"]).await;
    let gap = vec![part(&name, 0, b"abc", false), part("", 4, b"ef", true)];
    check(
        gap,
        expect!["InvalidArgument: the write goes on at 3, not at 4"],
    )
    .await;
    let mut before = part(&name, 0, b"abcdef", true);
    before.write_offset = -1;
    check(
        vec![before],
        expect!["InvalidArgument: the write goes on at 0, not at -1"],
    )
    .await;
    // Another name in the middle, no name, no message, a name that climbs.
    let other = upload_name(&Digest::of(b"other"));
    let renamed = vec![part(&name, 0, b"abc", false), part(&other, 3, b"def", true)];
    check(renamed, expect!["InvalidArgument: one stream writes one blob, and `uploads/one/blobs/d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa/5` is another"]).await;
    check(vec![part("", 0, b"abcdef", true)], expect!["InvalidArgument: `` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"]).await;
    check(
        Vec::new(),
        expect!["InvalidArgument: a write without a message"],
    )
    .await;
    let climbing = format!("uploads/../../blobs/{digest}");
    check(vec![part(&climbing, 0, b"abcdef", true)], expect!["InvalidArgument: `uploads/../../blobs/bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721/6` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"]).await;
    // More than a message may have.
    let large = upload_name(&Digest::of(&vec![0; 5 << 20]));
    check(vec![part(&large, 0, &vec![0; 5 << 20], true)], expect!["OutOfRange: Error, decoded message length too large: found 5242979 bytes, the limit is: 4194304 bytes"]).await;
}

/// What a killed server left goes with the next start; what may be another server's stays.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_killed_servers() {
    let world = World::start_with(|config| {
        std::fs::create_dir_all(&config.scratch).unwrap();
        let file = |name: &str| std::fs::File::create(config.scratch.join(name)).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH;
        file("upload-old").set_modified(old).unwrap();
        file("precious").set_modified(old).unwrap();
        file("upload-new");
    })
    .await;
    let folder = world.folder.path().join("uploads");
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["precious", "upload-new"]);
}

async fn read(world: &World, name: &str, offset: i64, limit: i64) -> Result<Vec<u8>, String> {
    let request = ReadRequest {
        resource_name: name.to_owned(),
        read_offset: offset,
        read_limit: limit,
    };
    let stream = world.streams().read(request).await;
    let mut stream = stream.map_err(|error| show_error(&error))?.into_inner();
    let mut content = Vec::new();
    while let Some(part) = stream.message().await.map_err(|error| show_error(&error))? {
        content.extend_from_slice(&part.data);
    }
    Ok(content)
}

#[tokio::test(flavor = "multi_thread")]
async fn reads() {
    let world = World::start().await;
    let content = content();
    world.put(&content);
    let name = format!("blobs/{}", Digest::of(&content));
    assert_eq!(read(&world, &name, 0, 0).await.unwrap(), content);
    let tail = read(&world, &name, 2_999_990, 0).await.unwrap();
    assert_eq!(tail, content[2_999_990..]);
    let middle = read(&world, &name, 1_000_000, 1_000_000).await.unwrap();
    assert_eq!(middle, content[1_000_000..2_000_000]);
    let end = read(&world, &name, 3_000_000, 0).await.unwrap();
    assert!(end.is_empty());
    let empty = format!("blobs/{}", Digest::EMPTY);
    assert!(read(&world, &empty, 0, 0).await.unwrap().is_empty());
    let check = async |name: &str, offset: i64, limit: i64, expected: Expect| {
        let error = read(&world, name, offset, limit).await.unwrap_err();
        expected.assert_eq(&error);
    };
    check(
        &name,
        3_000_001,
        0,
        expect!["OutOfRange: the blob has 3000000 bytes: none at 3000001"],
    )
    .await;
    check(
        &name,
        -1,
        0,
        expect!["OutOfRange: the blob has 3000000 bytes: none at -1"],
    )
    .await;
    check(
        &name,
        0,
        -1,
        expect!["InvalidArgument: a negative limit of a read"],
    )
    .await;
    let absent = format!("blobs/{}", Digest::of(b"absent"));
    check(&absent, 0, 0, expect!["NotFound: blob 5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6 is missing"]).await;
    check("../../etc/passwd", 0, 0, expect!["InvalidArgument: `../../etc/passwd` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"]).await;
    // One that was collected is missing, whatever was known of it.
    world.lose(&content);
    let error = read(&world, &name, 0, 0).await.unwrap_err();
    assert!(
        error.starts_with(&format!("{:?}", Code::NotFound)),
        "{error}"
    );
}

/// R24: compressed both ways; what is unpacked is checked, and is never more than was said.
#[tokio::test(flavor = "multi_thread")]
async fn compressed_streams() {
    let world = World::start().await;
    let content = content();
    let digest = Digest::of(&content);
    let name = format!("uploads/two/compressed-blobs/zstd/{digest}");
    let packed = compression::compress(&content).unwrap();
    assert!(packed.len() < content.len() / 100);
    let bomb = compression::compress(&vec![0; 64 << 20]).unwrap();
    expect!["InvalidArgument: what was sent cannot be unpacked: it has more than 3000000 bytes"]
        .assert_eq(&write(&world, parts(&name, &bomb, 0)).await);
    let short = compression::compress(&content[1..]).unwrap();
    expect!["InvalidArgument: what was sent cannot be unpacked: it ends early"]
        .assert_eq(&write(&world, parts(&name, &short, 0)).await);
    assert!(!world.store.contains(&digest));
    let sent = write(&world, parts(&name, &packed, 0)).await;
    assert_eq!(sent, format!("{} bytes", packed.len()));
    assert_eq!(world.store.read(&digest).unwrap(), Some(content.clone()));
    assert_eq!(status(&world, &name).await, (-1, true));
    assert_eq!(write(&world, parts(&name, &packed, 0)).await, "-1 bytes");
    assert_eq!(files(&world), 0);
    for offset in [0, 1_000_000, 3_000_000] {
        let request = ReadRequest {
            resource_name: format!("compressed-blobs/zstd/{digest}"),
            read_offset: offset as i64,
            read_limit: 0,
        };
        let answer = world.streams().read(request).await.unwrap().into_inner();
        let parts: Vec<Bytes> = answer.map(|part| part.unwrap().data).collect().await;
        let rest = &content[offset..];
        let unpacked = compression::decompress(&parts.concat(), rest.len() as u64);
        assert_eq!(unpacked.unwrap(), rest);
    }
}
