//! Contents by streams, and going on where one broke (R9, R10).

use bytes::Bytes;
use kiln_base::Digest;
use tonic::Code;

use super::probe::Probe;
use super::sheet::{Group, Mark};
use super::{Examination, Found, trouble};

/// Some parts, and an odd rest.
const SIZE: usize = (3 << 20) + 1;
/// Where a stream is taken up again: within a part.
const BROKEN: usize = (1 << 20) + 7;

pub(super) async fn check(examination: &mut Examination) {
    let group = Group::Cache;
    let unusable = (Mark::Fail, "kiln cannot use this server");
    let blob = examination.probe.noise("stream", SIZE);
    let (digest, data) = &blob;
    let written = examination
        .check(group, "streams.write", unusable, async |probe| {
            write(probe, digest, data).await
        })
        .await;
    if written {
        examination
            .check(group, "streams.read", unusable, async |probe| {
                read(probe, digest, data, 0).await
            })
            .await;
        let otherwise = (
            Mark::Warn,
            "a download that breaks fails, and the action runs",
        );
        examination
            .check(group, "streams.resumed", otherwise, async |probe| {
                read(probe, digest, data, BROKEN).await
            })
            .await;
        let otherwise = (Mark::Warn, "kiln asks for what is missing before it sends");
        examination
            .check(group, "streams.again", otherwise, async |probe| {
                let size = probe.send(&probe.upload(digest), data, 0..SIZE).await?;
                match size == -1 || usize::try_from(size) == Ok(SIZE) {
                    true => Ok("what is there already ends an upload well".to_owned()),
                    false => trouble(format!("{size} bytes of what is there already")),
                }
            })
            .await;
    }
    let otherwise = (Mark::Warn, "an upload that breaks begins anew");
    examination
        .check(group, "streams.broken", otherwise, broken)
        .await;
    let otherwise = (Mark::Warn, "kiln checks all that it downloads");
    examination
        .check(group, "streams.wrong", otherwise, wrong)
        .await;
    let otherwise = (
        Mark::Warn,
        "a result whose contents are lost counts as a failure",
    );
    examination
        .check(
            group,
            "streams.missing",
            otherwise,
            async |probe| match probe.stream(&probe.noise("never sent", 100).0, 0).await {
                Err(error) if error.code == Code::NotFound => {
                    Ok("what is not there is NotFound".to_owned())
                }
                Err(error) => Err(error.into()),
                Ok(_) => trouble("what was never sent can be read"),
            },
        )
        .await;
}

async fn write(probe: &Probe, digest: &Digest, data: &Bytes) -> Found {
    let size = probe.send(&probe.upload(digest), data, 0..SIZE).await?;
    if usize::try_from(size) != Ok(SIZE) && size != -1 {
        return trouble(format!("{size} of {SIZE} bytes arrived"));
    }
    match probe.missing(&[*digest]).await?.is_empty() {
        true => Ok(format!("{SIZE} bytes")),
        false => trouble("what was written is said to be missing"),
    }
}

async fn read(probe: &Probe, digest: &Digest, data: &Bytes, from: usize) -> Found {
    match probe.stream(digest, from).await? == data[from..] {
        true if from == 0 => Ok(format!("{SIZE} bytes")),
        true => Ok(format!("from byte {from} on")),
        false => trouble(format!("something else, from byte {from} on")),
    }
}

/// Half of an upload, and the other half once the server has said how far it is.
async fn broken(probe: &Probe) -> Found {
    let (digest, data) = probe.noise("broken", SIZE);
    let name = probe.upload(&digest);
    // Servers may take the early end for an error.
    let _ = probe.send(&name, &data, 0..1 << 20).await;
    let status = probe.how_far(&name).await?;
    let at = usize::try_from(status.committed_size).unwrap_or(0);
    if at == 0 || at > 1 << 20 {
        return trouble(format!("after 1048576 bytes it has {at}"));
    }
    probe.send(&name, &data, at..SIZE).await?;
    match probe.missing(&[digest]).await?.is_empty() {
        true => Ok(format!("an upload that broke goes on at byte {at}")),
        false => trouble("an upload that broke cannot be completed"),
    }
}

async fn wrong(probe: &Probe) -> Found {
    let digest = probe.noise("right", 1_000).0;
    let other = probe.noise("other", 1_000).1;
    match probe.send(&probe.upload(&digest), &other, 0..1_000).await {
        Err(error) if probe.missing(&[digest]).await? == [digest] => {
            Ok(format!("under a wrong name: refused, {:?}", error.code))
        }
        Err(_) => trouble("under a wrong name: refused, and yet there"),
        Ok(_) => trouble("contents under a wrong name are taken"),
    }
}
