//! What an action wants of the machine that runs it (REAPI: `Platform`).

use kiln_proto::PlatformProperty;
use tonic::Code;

use crate::request::Refused;
use crate::status::{shown, status};

/// What can be asked for.
const KNOWN: &str = "`OSFamily`, `ISA`, `network`, `container-image`";

/// What an action gets besides the ordinary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    /// The network, for `network=on`, which is how kiln asks.
    pub(crate) network: bool,
}

/// Compares what is wanted with this machine.
///
/// Errors: a property that cannot be given, or is not known.
pub(crate) fn grant(properties: &[PlatformProperty]) -> Result<Granted, Refused> {
    let mut granted = Granted::default();
    for property in properties {
        let value = &*property.value;
        let lacking = match &*property.name {
            "OSFamily" if value.eq_ignore_ascii_case(std::env::consts::OS) => None,
            "OSFamily" => Some(format!("this machine runs {}", std::env::consts::OS)),
            "ISA" if is_own(value) => None,
            "ISA" => Some(format!("this machine is {}", std::env::consts::ARCH)),
            "network" if value == "on" => {
                granted.network = true;
                None
            }
            "network" if value == "off" => None,
            "network" => Some("it is `on` or `off`".to_owned()),
            // What the custom calls no image at all.
            "container-image" if matches!(value, "" | "none") => None,
            "container-image" => Some(
                "actions run in sandboxes of this machine, and there are no containers".to_owned(),
            ),
            _ => Some(format!("the known properties are {KNOWN}")),
        };
        if let Some(reason) = lacking {
            let (name, value) = (shown(&property.name), shown(value));
            let text = format!("this server cannot give `{name}={value}`: {reason}");
            return Err(status(Code::FailedPrecondition, text));
        }
    }
    Ok(granted)
}

/// Instruction sets have several names.
fn is_own(value: &str) -> bool {
    let names: &[&str] = match std::env::consts::ARCH {
        "x86_64" => &["x86_64", "x86-64", "amd64", "k8"],
        "aarch64" => &["aarch64", "arm64"],
        own => return value == own,
    };
    names.iter().any(|name| value.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(name: &str, value: &str, expected: Expect) {
        let property = PlatformProperty {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let text = match grant(&[property]) {
            Ok(granted) => format!("{granted:?}"),
            Err(status) => format!("{:?}: {}", Code::from_i32(status.code), status.message),
        };
        let text = text
            .replace(std::env::consts::OS, "OS")
            .replace(std::env::consts::ARCH, "ARCH");
        expected.assert_eq(&text);
    }

    #[test]
    fn properties() {
        check("OSFamily", "Linux", expect!["Granted { network: false }"]);
        check(
            "OSFamily",
            "windows",
            expect![
                "FailedPrecondition: this server cannot give `OSFamily=windows`: this machine runs OS"
            ],
        );
        check(
            "ISA",
            std::env::consts::ARCH,
            expect!["Granted { network: false }"],
        );
        check(
            "ISA",
            "z80",
            expect!["FailedPrecondition: this server cannot give `ISA=z80`: this machine is ARCH"],
        );
        check("network", "on", expect!["Granted { network: true }"]);
        check(
            "network",
            "maybe",
            expect![
                "FailedPrecondition: this server cannot give `network=maybe`: it is `on` or `off`"
            ],
        );
        check(
            "container-image",
            "none",
            expect!["Granted { network: false }"],
        );
        check(
            "container-image",
            "docker://debian@sha256:00",
            expect![
                "FailedPrecondition: this server cannot give `container-image=docker://debian@sha256:00`: actions run in sandboxes of this machine, and there are no containers"
            ],
        );
        check(
            "Pool",
            "large",
            expect![
                "FailedPrecondition: this server cannot give `Pool=large`: the known properties are `OSFamily`, `ISA`, `network`, `container-image`"
            ],
        );
    }
}
