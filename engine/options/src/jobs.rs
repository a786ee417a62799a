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

/// Whether a text is such a number, or 0 for none.
pub(crate) fn check_or_none(text: &str) -> Result<(), &'static str> {
    match text {
        "0" => Ok(()),
        // It would stand for processors.
        "auto" => Err(EXPECTED_RAM),
        text => check(text).map_err(|_| EXPECTED_RAM),
    }
}

const EXPECTED_RAM: &str = "a number, or `HOST_RAM` with `*` or `-` and a number";

/// Whether a text is a plain number or `auto`.
pub(crate) fn check_count(text: &str) -> Result<(), &'static str> {
    let known = text == "auto" || text.parse::<u32>().is_ok();
    known.then_some(()).ok_or("a number, or `auto`")
}

/// The number, at least 1. `auto` is two more than there are processors: an action also waits, for
/// its sandbox and for files, and somebody should use the processor meanwhile (as ninja does).
pub(crate) fn evaluate(text: &str, host: HostResources) -> Option<usize> {
    let (base, rest) = if let Some(rest) = text.strip_prefix("HOST_CPUS") {
        (host.cpus as f64, rest)
    } else if let Some(rest) = text.strip_prefix("HOST_RAM") {
        (host.ram_mib as f64, rest)
    } else if text == "auto" {
        (host.cpus as f64 + 2.0, "")
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
            ("auto", Some(10)),
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

    #[test]
    fn what_is_none() {
        for (text, limit, count) in [
            ("0", true, true),
            ("1", true, true),
            ("HOST_RAM*.5", true, false),
            ("auto", false, true),
            ("-1", false, false),
            ("", false, false),
        ] {
            assert_eq!(check_or_none(text).is_ok(), limit, "{text}");
            assert_eq!(check_count(text).is_ok(), count, "{text}");
        }
    }
}
