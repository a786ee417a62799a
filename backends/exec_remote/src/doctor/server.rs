//! Reaching the server, and what it says of itself (R1).

use std::time::Instant;

use kiln_base::Digest;
use kiln_proto::{
    CacheCapabilities, CapabilitiesClient, GetCapabilitiesRequest, SHA256, SemVer,
    ServerCapabilities, ZSTD,
};
use tonic::Code;

use super::probe::Probe;
use super::sheet::{Check, Group, Mark};
use super::{Examination, Found, trouble};
use crate::CallError;
use crate::client::{Limits, functions, limits};

/// What decides which checks follow.
pub(super) struct About {
    /// What kiln makes of it.
    pub(super) limits: Limits,
    /// Bytes of a batch that the server says it takes; `None` if it says nothing.
    pub(super) batch: Option<u64>,
    /// Whether there are workers.
    pub(super) workers: bool,
}

/// `None` if there is no use in going on.
pub(super) async fn check(examination: &mut Examination, workers: bool) -> Option<About> {
    let answer = reach(examination).await?;
    let unusable = (Mark::Fail, "kiln cannot use this server");
    let group = Group::Server;
    let named = examination
        .check(
            group,
            "server.instance",
            (Mark::Fail, "give its name by `--remote_instance_name`"),
            instance,
        )
        .await;
    if !named {
        return None;
    }
    let cache = answer.cache_capabilities.clone().unwrap_or_default();
    examination
        .check(group, "server.version", unusable, async |_| {
            versions(&answer)
        })
        .await;
    examination
        .check(group, "server.digests", unusable, async |_| digests(&cache))
        .await;
    let about = About {
        limits: limits(&answer).ok()?,
        batch: u64::try_from(cache.max_batch_total_size_bytes)
            .ok()
            .filter(|size| *size > 0),
        workers: answer
            .execution_capabilities
            .as_ref()
            .is_some_and(|execution| execution.exec_enabled),
    };
    claims(examination, &about, &cache).await;
    let otherwise = match workers {
        true => (Mark::Fail, "`--remote_executor` needs workers"),
        false => (Mark::Warn, "kiln uses it as a cache: `--remote_cache`"),
    };
    examination
        .check(
            Group::Workers,
            "server.workers",
            otherwise,
            async |_| match about.workers {
                true => Ok("it runs actions".to_owned()),
                false => trouble("it runs no actions"),
            },
        )
        .await;
    examination
        .check(
            group,
            "server.latency",
            (Mark::Fail, "each look-up counts as a failure of the server"),
            latency,
        )
        .await;
    Some(about)
}

/// The first call. What goes wrong here has a cause that people can do something about.
async fn reach(examination: &mut Examination) -> Option<ServerCapabilities> {
    let start = Instant::now();
    let answer = capabilities(&examination.probe).await;
    let config = &examination.probe.client.0.config;
    let how = match (&config.identity, config.address.tls) {
        (Some(_), true) => "by TLS, with a certificate of ours",
        (None, true) => "by TLS",
        _ => "in plain text",
    };
    let (mark, found, conduct) = match &answer {
        Ok(_) => (Mark::Ok, format!("reached {how}"), ""),
        Err(error) => (
            Mark::Fail,
            error.to_string(),
            cure(error, config.address.tls),
        ),
    };
    examination.sheet.checks.push(Check {
        group: Group::Server,
        name: "server.reached",
        mark,
        found,
        conduct,
        calls: 1,
        time: start.elapsed(),
    });
    answer.ok()
}

fn cure(error: &CallError, tls: bool) -> &'static str {
    match error.code {
        Code::Unauthenticated | Code::PermissionDenied => {
            "credentials come from `--remote_token_file`, `--remote_header`, `--credential_helper` or `--tls_client_certificate`"
        }
        Code::Unimplemented => "there is a gRPC server, and none of the Remote Execution API",
        Code::InvalidArgument | Code::NotFound => {
            "give the name of its instance by `--remote_instance_name`"
        }
        Code::DeadlineExceeded => "is the address right, and does a firewall let it through?",
        _ if error.message.contains("refused") => "nothing listens there: is the address right?",
        _ if tls => {
            "is it a server with TLS? `--tls_certificate` says whom to trust, `--tls_client_certificate` and `--tls_client_key` who asks"
        }
        _ => "is it a gRPC server? One with TLS is reached by `grpcs://`",
    }
}

async fn capabilities(probe: &Probe) -> Result<ServerCapabilities, CallError> {
    let message = GetCapabilitiesRequest {
        instance_name: probe.instance(),
    };
    let request = probe.request(message).await?;
    let mut client = CapabilitiesClient::new(probe.channel());
    let answer = client.get_capabilities(request);
    Ok(probe.within("GetCapabilities", answer).await?.into_inner())
}

/// Some servers tell their capabilities to any instance: a call on contents shows whether it is one.
async fn instance(probe: &Probe) -> Found {
    probe.missing(&[probe.blob("instance").0]).await?;
    Ok(match probe.instance().as_str() {
        "" => "the one without a name".to_owned(),
        name => format!("`{name}`"),
    })
}

fn versions(answer: &ServerCapabilities) -> Found {
    let show = |version: &SemVer| format!("{}.{}", version.major, version.minor);
    let (low, high) = (&answer.low_api_version, &answer.high_api_version);
    let text = match (low, high) {
        (Some(low), Some(high)) => format!("{} to {}", show(low), show(high)),
        (Some(one), None) | (None, Some(one)) => show(one),
        (None, None) => return Ok("not said: kiln speaks 2".to_owned()),
    };
    let too_new = low.as_ref().is_some_and(|low| low.major > 2);
    let too_old = high.as_ref().is_some_and(|high| high.major < 2);
    match too_new || too_old {
        true => trouble(format!("{text}; kiln speaks 2")),
        false => Ok(text),
    }
}

fn digests(cache: &CacheCapabilities) -> Found {
    let text = functions(cache);
    match cache.digest_functions.contains(&SHA256) {
        true => Ok(text),
        false => trouble(format!("{text}; kiln needs SHA256")),
    }
}

/// What is as the server likes it: kiln follows.
async fn claims(examination: &mut Examination, about: &About, cache: &CacheCapabilities) {
    let group = Group::Server;
    let none = (Mark::Warn, "");
    let own = about.limits.batch;
    examination
        .check(group, "server.batches", none, async |_| {
            Ok(match about.batch {
                Some(size) => format!("{size} bytes at most; kiln sends {own} at most"),
                None => format!("it does not say how large; kiln sends {own} bytes at most"),
            })
        })
        .await;
    examination
        .check(group, "server.blobs", none, async |_| {
            Ok(match about.limits.max_blob {
                u64::MAX => "of any size".to_owned(),
                size => format!("{size} bytes at most; larger ones stay here"),
            })
        })
        .await;
    examination
        .check(group, "server.compressors", none, async |_| {
            Ok(match cache.supported_compressors.contains(&ZSTD) {
                true => "zstd".to_owned(),
                false => "none of kiln's: contents travel as they are".to_owned(),
            })
        })
        .await;
    examination
        .check(group, "server.links", none, async |_| {
            Ok(match cache.symlink_absolute_path_strategy {
                1 => "absolute targets are refused".to_owned(),
                2 => "absolute targets are allowed; kiln takes none".to_owned(),
                _ => "it says nothing of absolute targets; kiln takes none".to_owned(),
            })
        })
        .await;
    let otherwise = (Mark::Warn, "kiln uses results and uploads none");
    examination
        .check(group, "server.updates", otherwise, async |_| {
            match about.limits.update {
                true => Ok("it takes results of clients".to_owned()),
                false => trouble("it takes no results of clients"),
            }
        })
        .await;
}

/// Look-ups wait for the server: how long, in the middle of some.
async fn latency(probe: &Probe) -> Found {
    let mut times = Vec::new();
    for number in 0..7 {
        let action = Digest::of(probe.salted(&format!("latency {number}")).as_bytes());
        let start = Instant::now();
        match probe.look_up(&action).await {
            Err(error) if error.code != Code::NotFound => return Err(error.into()),
            _ => times.push(start.elapsed()),
        }
    }
    times.sort();
    let middle = times[times.len() / 2];
    let milliseconds = middle.as_secs_f64() * 1_000.0;
    Ok(format!("a look-up takes {milliseconds:.1} ms"))
}
