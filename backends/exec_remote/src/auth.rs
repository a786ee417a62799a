//! Credentials: headers that are given, a token from a file, programs that know them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;
use tonic::Code;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

use crate::{CallError, Helper, RemoteConfig};

/// How long a helper may take, and how long its answer is good (Bazel's defaults).
const HELPER_TIME: Duration = Duration::from_secs(10);
const GOOD_FOR: Duration = Duration::from_secs(30 * 60);
/// A helper's answer is a few headers.
const HELPER_BYTES: u64 = 64 << 10;

/// What identifies us to the server.
pub(crate) struct Auth {
    fixed: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
    token_file: Option<PathBuf>,
    helper: Option<PathBuf>,
    uri: String,
    /// Held while it is found out: one asks, the others wait (R20).
    known: Mutex<Option<(Instant, Headers)>>,
}

type Headers = Vec<(AsciiMetadataKey, AsciiMetadataValue)>;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
}

impl Auth {
    /// Errors: a header that can be none.
    pub(crate) fn new(config: &RemoteConfig) -> Result<Auth, kiln_diag::Diag> {
        let mut fixed = Vec::new();
        for (name, value) in &config.headers {
            let header = header(name, &value.0).ok_or_else(|| {
                // The value may be a secret.
                kiln_diag::Diag::usage(format!("`{name}` is no header, or its value can be none"))
                    .hint("write `--remote_header=NAME=VALUE`, in printable ASCII")
            })?;
            fixed.push(header);
        }
        let host = config.address.host();
        Ok(Auth {
            fixed,
            token_file: config.token_file.clone(),
            helper: helper_for(&config.helpers, host).map(|helper| helper.program.clone()),
            uri: format!("https://{host}"),
            known: Mutex::new(None),
        })
    }

    /// Puts credentials on a request.
    pub(crate) async fn sign(&self, metadata: &mut MetadataMap) -> Result<(), CallError> {
        for (name, value) in &self.fixed {
            metadata.append(name.clone(), value.clone());
        }
        if self.can_refresh() {
            for (name, value) in self.learned().await? {
                metadata.insert(name, value);
            }
        }
        Ok(())
    }

    /// Whether asking again may give other credentials.
    pub(crate) fn can_refresh(&self) -> bool {
        self.token_file.is_some() || self.helper.is_some()
    }

    /// Has them asked for again: the server refused them.
    pub(crate) async fn forget(&self) {
        *self.known.lock().await = None;
    }

    async fn learned(&self) -> Result<Headers, CallError> {
        let mut known = self.known.lock().await;
        if let Some((since, headers)) = &*known
            && since.elapsed() < GOOD_FOR
        {
            return Ok(headers.clone());
        }
        let mut headers = Vec::new();
        if let Some(program) = &self.helper {
            headers.extend(ask(program, &self.uri).await?);
        }
        if let Some(path) = &self.token_file {
            headers.push(token(path).await?);
        }
        *known = Some((Instant::now(), headers.clone()));
        Ok(headers)
    }
}

/// The most particular one: the host itself, then the longest `*.suffix`, then one for all.
fn helper_for<'a>(helpers: &'a [Helper], host: &str) -> Option<&'a Helper> {
    let rank = |helper: &Helper| match helper.host.as_deref() {
        None => Some(0),
        Some(own) if own == host => Some(usize::MAX),
        Some(own) => {
            let suffix = own.strip_prefix('*')?;
            host.ends_with(suffix).then_some(suffix.len())
        }
    };
    let ranked = helpers
        .iter()
        .filter_map(|helper| Some((rank(helper)?, helper)));
    // Of equals the last, as with all options.
    ranked
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, helper)| helper)
}

fn header(name: &str, value: &str) -> Option<(AsciiMetadataKey, AsciiMetadataValue)> {
    let name = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes()).ok()?;
    let mut value = AsciiMetadataValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

fn failed(text: String) -> CallError {
    CallError::new("credentials", Code::Unauthenticated, text)
}

async fn token(path: &Path) -> Result<(AsciiMetadataKey, AsciiMetadataValue), CallError> {
    let shown = path.display();
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|error| failed(format!("cannot read `{shown}`: {error}")))?;
    let text = text.trim();
    match text.is_empty() || text.contains(char::is_whitespace) {
        true => Err(failed(format!(
            "`{shown}` must hold one token and nothing else"
        ))),
        false => header("authorization", &format!("Bearer {text}"))
            .ok_or_else(|| failed(format!("`{shown}` holds no token"))),
    }
}

/// Asks a helper: `get`, a JSON object with the address, a JSON object with headers.
async fn ask(program: &Path, uri: &str) -> Result<Headers, CallError> {
    let shown = program.display();
    let run = async {
        let mut child = tokio::process::Command::new(program)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let request = serde_json::json!({ "uri": uri }).to_string();
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read its input may know the answer all the same.
            let _ = stdin.write_all(request.as_bytes()).await;
        }
        let mut answer = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(HELPER_BYTES).read_to_end(&mut answer).await?;
        }
        std::io::Result::Ok((child.wait().await?, answer))
    };
    let (status, answer) = tokio::time::timeout(HELPER_TIME, run)
        .await
        .map_err(|_| {
            failed(format!(
                "`{shown}` did not answer within {} s",
                HELPER_TIME.as_secs()
            ))
        })?
        .map_err(|error| failed(format!("cannot run `{shown}`: {error}")))?;
    if !status.success() {
        return Err(failed(format!("`{shown} get` failed: {status}")));
    }
    // What it printed may be a secret, so the message does not show it.
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| {
        failed(format!(
            "`{shown} get` printed no JSON object with `headers`"
        ))
    })?;
    let pairs = answer.headers.iter();
    let pairs = pairs.flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    pairs
        .map(|(name, value)| {
            header(name, value)
                .ok_or_else(|| failed(format!("`{shown} get` gave `{name}`, which is no header")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_helper_is_asked() {
        let helper = |host: Option<&str>, program: &str| Helper {
            host: host.map(str::to_owned),
            program: program.into(),
        };
        let helpers = [
            helper(Some("a.example.com"), "exact"),
            helper(Some("*.example.com"), "long"),
            helper(Some("*.com"), "short"),
            helper(None, "any"),
            helper(None, "last"),
        ];
        let cases = [
            ("a.example.com", "exact"),
            ("b.example.com", "long"),
            ("x.com", "short"),
            ("x.org", "last"),
        ];
        for (host, expected) in cases {
            let found = helper_for(&helpers, host).map(|helper| helper.program.clone());
            assert_eq!(found, Some(PathBuf::from(expected)), "{host}");
        }
        assert_eq!(helper_for(&helpers[..1], "x.org"), None);
    }
}
