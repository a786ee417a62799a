//! Numbers that may depend on the machine: `--jobs=HOST_CPUS*.5`.

/// What the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostResources {
    /// Processors that may be used; at least 1.
    pub cpus: usize,
    /// Memory in MiB.
    pub ram_mib: u64,
}

const EXPECTED: &str = "a number, `auto`, or `HOST_CPUS` with `*` or `-` and a number";

/// Whether a text is such a number.
pub(crate) fn check(text: &str) -> Result<(), &'static str> {
    let host = HostResources {
        cpus: 1,
        ram_mib: 1,
    };
    evaluate(text, host).map(drop).ok_or(EXPECTED)
}

/// The number, at least 1. `auto` is the number of processors.
pub(crate) fn evaluate(text: &str, host: HostResources) -> Option<usize> {
    let (base, rest) = if let Some(rest) = text.strip_prefix("HOST_CPUS") {
        (host.cpus as f64, rest)
    } else if let Some(rest) = text.strip_prefix("HOST_RAM") {
        (host.ram_mib as f64, rest)
    } else if text == "auto" {
        (host.cpus as f64, "")
    } else {
        let number: usize = text.parse().ok()?;
        return (number > 0).then_some(number);
    };
    let factor = |text: &str| {
        text.parse::<f64>()
            .ok()
            .filter(|n| n.is_finite() && *n >= 0.0)
    };
    let number = match rest.chars().next() {
        None => base,
        Some('*') => base * factor(&rest[1..])?,
        Some('-') => base - factor(&rest[1..])?,
        Some(_) => return None,
    };
    Some((number as usize).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let host = HostResources {
            cpus: 8,
            ram_mib: 1000,
        };
        for (text, number) in [
            ("3", Some(3)),
            ("auto", Some(8)),
            ("HOST_CPUS", Some(8)),
            ("HOST_CPUS*.5", Some(4)),
            ("HOST_CPUS*0.01", Some(1)),
            ("HOST_CPUS-3", Some(5)),
            ("HOST_CPUS-9", Some(1)),
            ("HOST_RAM*.01", Some(10)),
            ("0", None),
            ("-1", None),
            ("many", None),
            ("", None),
            ("HOST_CPUS/2", None),
            ("HOST_CPUS*", None),
            ("HOST_CPUS*inf", None),
        ] {
            assert_eq!(evaluate(text, host), number, "{text}");
            assert_eq!(check(text).is_ok(), number.is_some(), "{text}");
        }
    }
}
