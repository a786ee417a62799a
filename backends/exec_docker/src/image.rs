//! From the name of an image to its id, which is what decides results (ENV-090 … ENV-093).

use std::collections::BTreeMap;
use std::{fs, io};

use bollard::auth::DockerCredentials;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptionsBuilder;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use futures::StreamExt;
use kiln_diag::Diag;
use kiln_process::{DockerEnvironment, Platform};

use crate::address;
use crate::client::{Engine, say, status};

/// The id of an image (`sha256:…`). One that is not there is fetched from its registry; so is one
/// that is asked for as `:latest`, as another may be the latest now (ENV-092).
///
/// Errors: it is neither here nor there, or it is made for another platform.
pub(crate) async fn identify(
    engine: &Engine,
    environment: &DockerEnvironment,
    variables: &BTreeMap<String, String>,
    warn: &(dyn Fn(Diag) + Sync),
) -> Result<String, Diag> {
    let name = &*environment.image;
    let here = inspect(engine, name).await?;
    let found = match here {
        Some(found) if !name.ends_with(":latest") => found,
        None if name.starts_with("sha256:") => {
            return Err(missing(engine, name)
                .note("an id cannot be fetched: only names can")
                .hint("give a name with a digest: `NAME@sha256:…`"));
        }
        here => match (pull(engine, environment, variables).await, here) {
            (Ok(()), _) => {
                let found = inspect(engine, name).await?;
                found.ok_or_else(|| missing(engine, name))?
            }
            (Err(error), Some(found)) => {
                let about = "the one that is here is used, which may not be the latest";
                warn(error.note(about).into_warning());
                found
            }
            (Err(error), None) => return Err(error),
        },
    };
    fits(environment, &found)?;
    found.id.ok_or_else(|| {
        Diag::environment(format!(
            "the Docker engine does not say the id of image `{name}`"
        ))
    })
}

/// The variables of an image, by its id.
pub(crate) async fn variables(engine: &Engine, id: &str) -> Result<BTreeMap<String, String>, Diag> {
    let found = inspect(engine, id).await?;
    let config = found.and_then(|image| image.config).unwrap_or_default();
    let pairs = config.env.unwrap_or_default();
    let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
    Ok(pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// Whether an image is there.
///
/// Errors: it is made for another platform.
pub(crate) async fn is_here(
    engine: &Engine,
    environment: &DockerEnvironment,
) -> Result<bool, Diag> {
    match inspect(engine, &environment.image).await? {
        None => Ok(false),
        Some(found) => fits(environment, &found).map(|()| true),
    }
}

async fn inspect(engine: &Engine, name: &str) -> Result<Option<ImageInspect>, Diag> {
    match engine.docker.inspect_image(name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if status(&error) == Some(404) => Ok(None),
        Err(error) => Err(Diag::environment(format!(
            "the Docker engine cannot look at image `{name}`: {}",
            say(&error)
        ))),
    }
}

fn missing(engine: &Engine, name: &str) -> Diag {
    Diag::environment(format!("there is no image `{name}`"))
        .note(format!("the Docker engine is at `{}`", engine.address.host))
}

/// As engines name the processors of platforms.
fn architecture(platform: Platform) -> &'static str {
    match platform {
        Platform::LinuxArm64 | Platform::MacosArm64 => "arm64",
        Platform::LinuxX86_64 | Platform::MacosX86_64 => "amd64",
    }
}

fn fits(environment: &DockerEnvironment, image: &ImageInspect) -> Result<(), Diag> {
    let wanted = architecture(environment.platform);
    match image.architecture.as_deref() {
        Some(found) if !found.is_empty() && found != wanted => Err(Diag::build(format!(
            "image `{}` is made for `{found}`, and the environment is `{}`",
            environment.image, environment.platform
        ))
        .hint("set `platform` to what the image is made for, or take another image")),
        _ => Ok(()),
    }
}

/// Fetches an image. The engine does that, with what the user's Docker configuration says of the
/// registry.
async fn pull(
    engine: &Engine,
    environment: &DockerEnvironment,
    variables: &BTreeMap<String, String>,
) -> Result<(), Diag> {
    let name = &*environment.image;
    let failed = |why: String| {
        Diag::environment(format!("cannot fetch image `{name}`: {why}"))
            .note(format!("the Docker engine is at `{}`", engine.address.host))
            .hint(format!("see what `docker pull {name}` says"))
    };
    let credentials = credentials(variables, name).map_err(|error| failed(error.to_string()))?;
    let architecture = architecture(environment.platform);
    let tagged = match name.rsplit('/').next() {
        Some(last) if last.contains([':', '@']) => name.to_owned(),
        // Without a tag the engine would fetch them all.
        _ => format!("{name}:latest"),
    };
    let options = CreateImageOptionsBuilder::default()
        .from_image(&tagged)
        .platform(&format!("linux/{architecture}"))
        .build();
    let mut progress = engine.docker.create_image(Some(options), None, credentials);
    while let Some(step) = progress.next().await {
        let CreateImageInfo { error_detail, .. } = step.map_err(|error| failed(say(&error)))?;
        if let Some(why) = error_detail.and_then(|error| error.message) {
            return Err(failed(why));
        }
    }
    Ok(())
}

/// What the user's Docker configuration has for the registry of an image, helpers included
/// (ENV-093). Without a configuration there is nothing.
fn credentials(
    variables: &BTreeMap<String, String>,
    image: &str,
) -> Result<Option<DockerCredentials>, CredentialRetrievalError> {
    use CredentialRetrievalError::{ConfigNotFound, ConfigReadError, NoCredentialConfigured};
    let Some(folder) = address::configuration(variables) else {
        return Ok(None);
    };
    let file = match fs::File::open(folder.join("config.json")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(ConfigReadError),
    };
    let reader = io::BufReader::new(file);
    match docker_credential::get_credential_from_reader(reader, registry(image)) {
        Ok(DockerCredential::UsernamePassword(username, password)) => Ok(Some(DockerCredentials {
            username: Some(username),
            password: Some(password),
            ..DockerCredentials::default()
        })),
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(DockerCredentials {
            identitytoken: Some(token),
            ..DockerCredentials::default()
        })),
        Err(ConfigNotFound | NoCredentialConfigured) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The registry of an image, as configurations name it.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "https://index.docker.io/v1/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_images() {
        for (image, expected) in [
            ("debian", "https://index.docker.io/v1/"),
            ("library/debian:12", "https://index.docker.io/v1/"),
            ("ghcr.io/a/b@sha256:00", "ghcr.io"),
            ("localhost/a", "localhost"),
            ("reg:5000/a/b:1", "reg:5000"),
        ] {
            assert_eq!(registry(image), expected, "{image}");
        }
    }
}
