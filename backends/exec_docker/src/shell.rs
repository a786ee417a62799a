//! The shell of an image, made such that nothing can look into it.
//!
//! The runner and the actions of a container are one user, so an action could change the runner's
//! memory, or write in its place, and with that the results of the actions after it. The kernel
//! forbids it where the program that runs must not be read: so the runner's shell is a copy that
//! may be executed and nothing else.

use std::fs::{self, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptions, DownloadFromContainerOptionsBuilder, RemoveContainerOptionsBuilder,
};
use futures::StreamExt;
use kiln_diag::Diag;
use kiln_process::ExecError;

use crate::DockerConfig;
use crate::client::{Engine, say, status};
use crate::container::{Kind, NotStarted, Sharing, refused};
use crate::leftovers;

/// Where a shell is looked for (ENV-106).
const SHELL: &str = "/bin/sh";
/// So many links lead from there to a program, at most.
const MAX_LINKS: usize = 10;
/// A larger program is no shell.
const MAX_SIZE: usize = 64 << 20;

/// The shell of an image, kept under the image's id. One that goes to the engine in an archive is
/// kept such that kiln itself can read it, in a folder that no container sees.
///
/// Errors: it has none, or the engine refuses.
pub(crate) async fn of_image(
    engine: &Engine,
    config: &DockerConfig,
    kind: &Kind,
    sharing: Sharing,
) -> Result<PathBuf, NotStarted> {
    let name: String = kind
        .image
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let (path, mode) = match sharing {
        Sharing::Mounts => (config.shells.join(name), 0o111),
        Sharing::Archives => (config.shells.join(format!("{name}-sent")), 0o500),
    };
    if path.exists() {
        return Ok(path);
    }
    let body = ContainerCreateBody {
        image: Some(kind.image.clone()),
        // It is never started, and an image need not name a program.
        entrypoint: Some(vec![SHELL.to_owned()]),
        labels: Some(leftovers::labels(&config.workspace)),
        ..ContainerCreateBody::default()
    };
    let created = engine
        .docker
        .create_container(None::<CreateContainerOptions>, body)
        .await;
    let created = created.map_err(|error| refused(kind, &error))?;
    let found = find(engine, &created.id, kind).await;
    let options = RemoveContainerOptionsBuilder::default()
        .force(true)
        .v(true)
        .build();
    // One that is left is removed by the next kiln.
    let _ = engine
        .docker
        .remove_container(&created.id, Some(options))
        .await;
    keep(&path, &found?, mode).map_err(ExecError::Failed)?;
    Ok(path)
}

/// What is at a path of an image.
enum Entry {
    File(Vec<u8>),
    Link(String),
}

async fn find(engine: &Engine, container: &str, kind: &Kind) -> Result<Vec<u8>, ExecError> {
    let mut path = PathBuf::from(SHELL);
    for _ in 0..MAX_LINKS {
        match entry(engine, container, &path).await {
            Ok(Entry::File(bytes)) => return Ok(bytes),
            Ok(Entry::Link(target)) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            Err(why) => return Err(none(kind, &why)),
        }
    }
    Err(none(kind, "it is a link that leads nowhere"))
}

fn none(kind: &Kind, why: &str) -> ExecError {
    ExecError::Failed(
        Diag::build(format!("image `{}` has no `{SHELL}`", kind.name))
            .note(why.to_owned())
            .hint("an environment needs an image with `/bin/sh` and `env`"),
    )
}

async fn entry(engine: &Engine, container: &str, path: &Path) -> Result<Entry, String> {
    let options = DownloadFromContainerOptionsBuilder::default().path(&path.to_string_lossy());
    let mut download = engine
        .docker
        .download_from_container(container, Some(options.build()));
    let mut archive = Vec::new();
    while let Some(chunk) = download.next().await {
        match chunk {
            Ok(chunk) => archive.extend_from_slice(&chunk),
            Err(error) if status(&error) == Some(404) => {
                return Err(format!("there is no `{}`", path.display()));
            }
            Err(error) => return Err(say(&error)),
        }
        if archive.len() > MAX_SIZE {
            return Err(format!("`{}` is too large for a shell", path.display()));
        }
    }
    first(&archive).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// The first entry of an archive.
fn first(archive: &[u8]) -> io::Result<Entry> {
    let mut archive = tar::Archive::new(archive);
    let Some(entry) = archive.entries()?.next() else {
        return Err(io::Error::other("the engine gave nothing"));
    };
    let mut entry = entry?;
    if let Some(target) = entry.link_name()? {
        return Ok(Entry::Link(target.to_string_lossy().into_owned()));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    match bytes.is_empty() {
        true => Err(io::Error::other("it is no program")),
        false => Ok(Entry::File(bytes)),
    }
}

/// Written aside and renamed: several kilns may do it at a time.
fn keep(path: &Path, program: &[u8], mode: u32) -> Result<(), Diag> {
    let aside = path.with_extension(std::process::id().to_string());
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(&aside, program)?;
        fs::set_permissions(&aside, Permissions::from_mode(mode))?;
        fs::rename(&aside, path)
    };
    write().map_err(|error| Diag::io("cannot keep the shell of an image as", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(add: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        add(&mut builder);
        builder.into_inner().expect("an archive")
    }

    #[test]
    fn first_entries() {
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        let file = archive(|builder| {
            builder
                .append_data(&mut header, "sh", &b"hi"[..])
                .expect("a file");
        });
        assert!(matches!(first(&file), Ok(Entry::File(bytes)) if bytes == b"hi"));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        let link = archive(|builder| {
            builder
                .append_link(&mut header, "sh", "dash")
                .expect("a link");
        });
        assert!(matches!(first(&link), Ok(Entry::Link(target)) if target == "dash"));
        for bad in [&[][..], &[1; 700], &file[..300]] {
            assert!(first(bad).is_err());
        }
    }

    #[test]
    fn a_shell_may_be_run_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below/abc");
        keep(&path, b"program", 0o111).expect("a file");
        let mode = path.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o111);
        keep(&path, b"again", 0o111).expect("again");
    }
}
