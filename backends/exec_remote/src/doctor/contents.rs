//! Contents in batches, what is missing, folders (R5, R11).

use bytes::Bytes;
use kiln_base::Digest;
use kiln_proto::{Directory, DirectoryNode, FileNode, Message};

use super::probe::{Blob, Probe};
use super::server::About;
use super::sheet::{Group, Mark};
use super::{Examination, Found, trouble};
use crate::cas::{OVERHEAD, message};

const UNUSABLE: (Mark, &str) = (Mark::Fail, "kiln cannot use this server");

pub(super) async fn check(examination: &mut Examination, about: &About) {
    let group = Group::Cache;
    examination
        .check(
            group,
            "contents.empty",
            (Mark::Warn, "kiln neither asks for it nor sends it"),
            empty,
        )
        .await;
    examination
        .check(group, "contents.small", UNUSABLE, small)
        .await;
    examination
        .check(group, "contents.missing", UNUSABLE, missing)
        .await;
    let own = usize::try_from(about.limits.batch - OVERHEAD).unwrap_or(0);
    examination
        .check(group, "contents.batch", UNUSABLE, async |probe| {
            whole(probe, probe.noise("batch", own)).await
        })
        .await;
    // Only a claim that kiln does not use up is worth a try.
    let claimed = about.batch.filter(|size| *size <= 8 << 20);
    if let Some(claimed) = claimed.and_then(|size| usize::try_from(size).ok()) {
        let otherwise = (Mark::Warn, "kiln's batches are smaller");
        examination
            .check(group, "contents.limit", otherwise, async |probe| {
                whole(probe, probe.noise("limit", claimed)).await
            })
            .await;
    }
    let above = claimed.map_or(8 << 20, |size| usize::try_from(size).unwrap_or(0) + 1);
    examination
        .check(group, "contents.above", UNUSABLE, async |probe| {
            too_large(probe, above).await
        })
        .await;
    examination
        .check(
            group,
            "contents.wrong",
            (Mark::Warn, "kiln checks all that it downloads"),
            wrong,
        )
        .await;
    examination
        .check(
            group,
            "contents.tree",
            (Mark::Warn, "kiln reads folders one by one"),
            tree,
        )
        .await;
}

async fn whole(probe: &Probe, blob: Blob) -> Found {
    let (digest, data) = blob;
    probe.update(&[(digest, data.clone())]).await?;
    match probe.read(&digest).await? == data {
        true => Ok(format!("{} bytes, there and back", data.len())),
        false => trouble("what comes back is something else"),
    }
}

async fn empty(probe: &Probe) -> Found {
    let digest = Digest::of(b"");
    if !probe.missing(&[digest]).await?.is_empty() {
        return trouble("the empty content is said to be missing");
    }
    whole(probe, (digest, Bytes::new())).await?;
    Ok("0 bytes, always there".to_owned())
}

/// The smallest that is not empty cannot be salted; it is followed by one that is.
async fn small(probe: &Probe) -> Found {
    let one = Bytes::from_static(b"k");
    whole(probe, (Digest::of(&one), one)).await?;
    let blob = probe.blob("small");
    let size = blob.1.len();
    whole(probe, blob).await?;
    Ok(format!("1 byte and {size} bytes, there and back"))
}

async fn missing(probe: &Probe) -> Found {
    let (there, gone) = (probe.blob("there"), probe.blob("gone").0);
    let asked = [there.0, gone, there.0];
    let mut before = probe.missing(&asked).await?;
    before.sort();
    before.dedup();
    probe.update(std::slice::from_ref(&there)).await?;
    let after = probe.missing(&asked).await?;
    match (before.len(), after.as_slice()) {
        (2, [one]) if *one == gone => Ok("what is missing is said, and nothing else".to_owned()),
        (2, []) => trouble("what was never sent is said to be there"),
        (2, _) => trouble("what was sent is said to be missing"),
        _ => trouble("what was never sent is said to be there"),
    }
}

/// One byte more than there may be: refused or taken, but the connection stays.
async fn too_large(probe: &Probe, size: usize) -> Found {
    let blob = probe.noise("above", size);
    let refused = probe.update(&[blob]).await.err();
    probe.missing(&[probe.blob("after").0]).await?;
    Ok(match refused {
        Some(error) => format!("{size} bytes are refused: {:?}", error.code),
        None => format!("{size} bytes are taken"),
    })
}

async fn wrong(probe: &Probe) -> Found {
    let (digest, data) = probe.blob("right");
    let other = Bytes::from(vec![b'x'; data.len()]);
    match probe.update(&[(digest, other)]).await {
        Err(error) if probe.missing(&[digest]).await? == [digest] => {
            Ok(format!("under a wrong name: refused, {:?}", error.code))
        }
        Err(_) => trouble("under a wrong name: refused, and yet there"),
        Ok(()) => trouble("contents under a wrong name are taken"),
    }
}

async fn tree(probe: &Probe) -> Found {
    let file = probe.blob("in a folder");
    let folder = Directory {
        files: vec![FileNode {
            name: "file".to_owned(),
            digest: Some(message(&file.0)),
            is_executable: false,
        }],
        ..Directory::default()
    };
    let inner = encoded(&folder);
    let node = |name: &str| DirectoryNode {
        name: name.to_owned(),
        digest: Some(message(&inner.0)),
    };
    // The same folder twice, which servers send once or twice.
    let root = Directory {
        directories: vec![node("a"), node("b")],
        ..Directory::default()
    };
    let top = encoded(&root);
    probe.update(&[file, inner, top.clone()]).await?;
    let folders = probe.tree(&top.0).await?;
    let known = folders
        .iter()
        .all(|found| *found == root || *found == folder);
    match known && folders.contains(&root) && folders.contains(&folder) {
        true => Ok("folders come with all below them".to_owned()),
        false => trouble("folders below are left out"),
    }
}

pub(super) fn encoded(message: &impl Message) -> Blob {
    let data = Bytes::from(message.encode_to_vec());
    (Digest::of(&data), data)
}
