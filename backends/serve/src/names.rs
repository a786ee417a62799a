//! Names that clients give: digests, instances, resources of streams.

use kiln_base::Digest;
use kiln_proto as reapi;
use kiln_proto::SHA256;
use tonic::Status;

use crate::status::shown;

/// The digest of a request (REAPI: `Digest`).
pub(crate) fn digest(message: Option<&reapi::Digest>) -> Result<Digest, Status> {
    let message = message.ok_or_else(|| Status::invalid_argument("a digest is missing"))?;
    parse(&message.hash, message.size_bytes).ok_or_else(|| {
        let (hash, size) = (shown(&message.hash), message.size_bytes);
        Status::invalid_argument(format!(
            "`{hash}/{size}` is no SHA-256 digest: expected 64 lower-case hex digits and a size"
        ))
    })
}

fn parse(hash: &str, size: i64) -> Option<Digest> {
    let digest = Digest::from_hex(hash, u64::try_from(size).ok()?)?;
    // The empty blob alone has no bytes.
    let empty = digest.hash() == Digest::EMPTY.hash();
    ((digest.size() == 0) == empty).then_some(digest)
}

/// A digest as a message.
pub(crate) fn message(digest: &Digest) -> reapi::Digest {
    reapi::Digest {
        hash: digest.hex(),
        size_bytes: i64::try_from(digest.size()).unwrap_or(i64::MAX),
    }
}

/// Whether a request is for this server: its instance, and the digest function that it knows.
pub(crate) fn admit(own: &str, instance: &str, digest_function: i32) -> Result<(), Status> {
    if instance != own {
        return Err(wrong_instance(own, instance));
    }
    match digest_function {
        0 | SHA256 => Ok(()),
        other => Err(Status::invalid_argument(format!(
            "unsupported digest function {other}: this server knows SHA256 alone"
        ))),
    }
}

fn wrong_instance(own: &str, instance: &str) -> Status {
    let instance = shown(instance);
    Status::invalid_argument(format!(
        "there is no instance `{instance}`: this server's is `{own}`"
    ))
}

/// A blob that is to be streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streamed {
    pub(crate) digest: Digest,
    /// Whether the stream is compressed with zstd.
    pub(crate) zstd: bool,
}

/// The blob of `[instance/]blobs/HASH/SIZE`, the name of a read, or of
/// `[instance/]compressed-blobs/zstd/HASH/SIZE`.
pub(crate) fn read_name(own: &str, name: &str) -> Result<Streamed, Status> {
    let rest = within(own, name, &["blobs/", "compressed-blobs/"])?;
    blob(name, rest, false)
}

/// The blob of `[instance/]uploads/UUID/blobs/HASH/SIZE[/anything]`, the name of a write.
pub(crate) fn write_name(own: &str, name: &str) -> Result<Streamed, Status> {
    let rest = within(own, name, &["uploads/"])?;
    let rest = rest.strip_prefix("uploads/").and_then(|rest| {
        let (upload, rest) = rest.split_once('/')?;
        (!upload.is_empty()).then_some(rest)
    });
    blob(name, rest.unwrap_or_default(), true)
}

/// The rest of a name behind the instance.
fn within<'a>(own: &str, name: &'a str, begins: &[&str]) -> Result<&'a str, Status> {
    let rest = match own {
        "" => Some(name),
        own => name
            .strip_prefix(own)
            .and_then(|rest| rest.strip_prefix('/')),
    };
    if let Some(rest) = rest
        && begins.iter().any(|begin| rest.starts_with(begin))
    {
        return Ok(rest);
    }
    let foreign = begins.iter().find_map(|begin| {
        let (instance, _) = name.split_once(&format!("/{begin}"))?;
        Some(instance)
    });
    match foreign {
        Some(instance) => Err(wrong_instance(own, instance)),
        None if begins.iter().any(|begin| name.starts_with(begin)) => Err(wrong_instance(own, "")),
        None => Err(no_name(name)),
    }
}

fn blob(name: &str, rest: &str, more: bool) -> Result<Streamed, Status> {
    let mut parts = rest.split('/');
    let zstd = match parts.next() {
        Some("blobs") => false,
        Some("compressed-blobs") => match parts.next() {
            Some("zstd") => true,
            other => {
                let other = shown(other.unwrap_or_default());
                return Err(Status::invalid_argument(format!(
                    "unknown compressor `{other}`: this server knows zstd alone"
                )));
            }
        },
        _ => return Err(no_name(name)),
    };
    let digest = match (parts.next(), parts.next()) {
        (Some(hash), Some(size)) => size.parse().ok().and_then(|size| parse(hash, size)),
        _ => None,
    };
    match digest {
        Some(digest) if more || parts.next().is_none() => Ok(Streamed { digest, zstd }),
        _ => Err(no_name(name)),
    }
}

fn no_name(name: &str) -> Status {
    Status::invalid_argument(format!(
        "`{}` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256",
        shown(name)
    ))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const HASH: &str = "688787d8ff144c502c7f5cffaafe2cc588d86079f9de88304c26b0cb99ce91c6";

    fn check(own: &str, name: &str, expected: Expect) {
        let name = name.replace("HASH", HASH);
        let read = match name.contains("uploads/") {
            true => write_name(own, &name),
            false => read_name(own, &name),
        };
        expected.assert_eq(&match read {
            Ok(Streamed {
                digest,
                zstd: false,
            }) => format!("{digest:?}"),
            Ok(Streamed { digest, zstd: true }) => format!("{digest:?} zstd"),
            Err(status) => status.message().replace(HASH, "HASH"),
        });
    }

    #[test]
    fn names_of_reads() {
        check("", "blobs/HASH/3", expect!["688787d8/3"]);
        check("main", "main/blobs/HASH/3", expect!["688787d8/3"]);
        check("a/b", "a/b/blobs/HASH/3", expect!["688787d8/3"]);
        check(
            "",
            "main/blobs/HASH/3",
            expect!["there is no instance `main`: this server's is ``"],
        );
        check(
            "main",
            "blobs/HASH/3",
            expect!["there is no instance ``: this server's is `main`"],
        );
        check(
            "",
            "blobs/HASH/3/x",
            expect![
                "`blobs/HASH/3/x` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"
            ],
        );
        check(
            "",
            "blobs/HASH/-3",
            expect![
                "`blobs/HASH/-3` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"
            ],
        );
        check(
            "",
            "blobs/HASH/0",
            expect![
                "`blobs/HASH/0` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"
            ],
        );
        check(
            "",
            "blobs/blake3/HASH/3",
            expect![
                "`blobs/blake3/HASH/3` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"
            ],
        );
        check(
            "",
            "compressed-blobs/zstd/HASH/3",
            expect!["688787d8/3 zstd"],
        );
        check(
            "",
            "compressed-blobs/brotli/HASH/3",
            expect!["unknown compressor `brotli`: this server knows zstd alone"],
        );
        check(
            "",
            "../blobs/HASH/3",
            expect!["there is no instance `..`: this server's is ``"],
        );
        check(
            "",
            "",
            expect![
                "`` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"
            ],
        );
    }

    #[test]
    fn names_of_writes() {
        check("", "uploads/u/blobs/HASH/3", expect!["688787d8/3"]);
        check("", "uploads/u/blobs/HASH/3/any/name", expect!["688787d8/3"]);
        check("main", "main/uploads/u/blobs/HASH/3", expect!["688787d8/3"]);
        check(
            "",
            "uploads//blobs/HASH/3",
            expect![
                "`uploads//blobs/HASH/3` is no name of a blob: expected `blobs/HASH/SIZE`, or `uploads/UUID/blobs/HASH/SIZE` for a write, with SHA-256"
            ],
        );
        check(
            "",
            "main/uploads/u/blobs/HASH/3",
            expect!["there is no instance `main`: this server's is ``"],
        );
        check(
            "",
            "uploads/u/compressed-blobs/zstd/HASH/3",
            expect!["688787d8/3 zstd"],
        );
    }

    #[test]
    fn digests() {
        let check = |hash: &str, size_bytes: i64, expected: Expect| {
            let hash = hash.to_owned();
            let message = reapi::Digest { hash, size_bytes };
            expected.assert_eq(&match digest(Some(&message)) {
                Ok(digest) => digest.to_string().replace(HASH, "HASH"),
                Err(status) => status.message().replace(HASH, "HASH"),
            });
        };
        check(HASH, 3, expect!["HASH/3"]);
        check(
            HASH,
            -1,
            expect!["`HASH/-1` is no SHA-256 digest: expected 64 lower-case hex digits and a size"],
        );
        check(
            HASH,
            0,
            expect!["`HASH/0` is no SHA-256 digest: expected 64 lower-case hex digits and a size"],
        );
        check(
            &Digest::EMPTY.hex(),
            1,
            expect![
                "`e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/1` is no SHA-256 digest: expected 64 lower-case hex digits and a size"
            ],
        );
        check(
            &HASH.to_uppercase(),
            3,
            expect![
                "`688787D8FF144C502C7F5CFFAAFE2CC588D86079F9DE88304C26B0CB99CE91C6/3` is no SHA-256 digest: expected 64 lower-case hex digits and a size"
            ],
        );
        check(
            &"x".repeat(1 << 20),
            3,
            expect![
                "`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/3` is no SHA-256 digest: expected 64 lower-case hex digits and a size"
            ],
        );
    }
}
