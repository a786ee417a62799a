//! Who may come: those who know the token.

use std::path::Path;

use kiln_base::Digest;
use kiln_diag::Diag;
use subtle::ConstantTimeEq;
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Lets calls in that bring the token; without a token, all calls.
#[derive(Clone)]
pub(crate) struct Gate {
    /// Of the token: so that comparing takes as long for a long guess as for a short one.
    token: Option<Digest>,
}

impl Gate {
    /// Reads the token.
    ///
    /// Errors: the file cannot be read, or holds something else than one token.
    pub(crate) fn new(file: Option<&Path>) -> Result<Gate, Diag> {
        let Some(path) = file else {
            return Ok(Gate { token: None });
        };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Diag::io("cannot read", path, &error))?;
        let token = text.trim();
        let sound = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        match sound {
            true => Ok(Gate {
                token: Some(Digest::of(token.as_bytes())),
            }),
            false => Err(Diag::environment(format!(
                "`{}` must hold one token, in printable ASCII, and nothing else",
                path.display()
            ))),
        }
    }

    fn admits(&self, header: Option<&str>) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let given = header.and_then(|header| header.split_once(' '));
        let Some((scheme, given)) = given else {
            return false;
        };
        // In a time that does not depend on how much of the token was guessed.
        let given = Digest::of(given.trim().as_bytes());
        scheme.eq_ignore_ascii_case("bearer") && token.hash().ct_eq(given.hash()).into()
    }
}

impl Interceptor for Gate {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let header = request.metadata().get("authorization");
        let header = header.and_then(|value| value.to_str().ok());
        match self.admits(header) {
            true => Ok(request),
            false => Err(Status::unauthenticated(
                "this server wants a token: `authorization: Bearer TOKEN`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn tokens() {
        let gate = Gate {
            token: Some(Digest::of(b"secret")),
        };
        for (header, expected) in [
            (Some("Bearer secret"), true),
            (Some("bearer secret"), true),
            (Some("Bearer Secret"), false),
            (Some("Bearer secre"), false),
            (Some("Bearer secrets"), false),
            (Some("Bearer "), false),
            (Some("Basic secret"), false),
            (Some("secret"), false),
            (None, false),
        ] {
            assert_eq!(gate.admits(header), expected, "{header:?}");
        }
        assert!(Gate { token: None }.admits(None));
    }

    #[test]
    fn token_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let check = |content: &str, expected: Expect| {
            std::fs::write(&path, content).expect("a file");
            let shown = folder.path().display().to_string();
            expected.assert_eq(&match Gate::new(Some(&path)) {
                Ok(gate) => format!("{}", gate.admits(Some("Bearer abc"))),
                Err(error) => error.render().replace(&shown, "[FOLDER]"),
            });
        };
        check("abc\n", expect!["true"]);
        check("abd", expect!["false"]);
        check(
            "a b",
            expect![
                "error: `[FOLDER]/token` must hold one token, in printable ASCII, and nothing else"
            ],
        );
        check(
            "",
            expect![
                "error: `[FOLDER]/token` must hold one token, in printable ASCII, and nothing else"
            ],
        );
    }
}
