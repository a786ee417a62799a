//! Texts with a meaning of their own, and whether a text has it.

use std::sync::Arc;

use crate::jobs;
use crate::options::RunUnder;

pub(crate) fn per_label<T>(
    text: &str,
    number: impl Fn(&str) -> Option<T>,
) -> Option<(Option<Arc<str>>, T)> {
    match text.rsplit_once('@') {
        Some((pattern, text)) => Some((Some(Arc::from(pattern)), number(text)?)),
        None => Some((None, number(text)?)),
    }
}

pub(crate) fn four_timeouts(text: &str) -> Option<[Option<u64>; 4]> {
    if text.is_empty() {
        return Some([None; 4]);
    }
    let number = |text: &str| match text.trim().parse::<i64>() {
        Ok(seconds) if seconds > 0 => Some(u64::try_from(seconds).ok()),
        // As in Bazel: what is not positive keeps the test's own.
        Ok(_) => Some(None),
        Err(_) => None,
    };
    let numbers: Option<Vec<Option<u64>>> = text.split(',').map(number).collect();
    match numbers?.as_slice() {
        [all] => Some([*all; 4]),
        [short, moderate, long, eternal] => Some([*short, *moderate, *long, *eternal]),
        _ => None,
    }
}

/// A number of bytes: `1000`, `5K`, `5M`, `5G` (powers of 1,000), `5GiB`.
pub(crate) fn byte_count(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit: u64 = match &text[end..] {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(unit)
}

/// A time as Bazel writes it: `60`, `60s`, `5m`, `1h`, `1500ms`.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number = text[..end].parse::<u64>().ok()?;
    match &text[end..] {
        "" | "s" => Some(number),
        "ms" => Some(number.div_ceil(1_000)),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3_600),
        "d" => number.checked_mul(86_400),
        _ => None,
    }
}

pub(crate) fn time(text: &str) -> Result<(), &'static str> {
    let seconds = seconds(text);
    seconds.map(|_| ()).ok_or("a time: `60`, `60s`, `5m`")
}

pub(crate) fn count(text: &str) -> Result<(), &'static str> {
    let number = text.parse::<u32>();
    number
        .map(|_| ())
        .map_err(|_| "a number that is not negative")
}

pub(crate) fn pair(text: &str) -> Result<(), &'static str> {
    let named = text
        .split_once('=')
        .is_some_and(|(name, _)| !name.is_empty());
    named.then_some(()).ok_or("`NAME=VALUE`")
}

pub(crate) fn env(text: &str) -> Result<(), &'static str> {
    let name = text.split('=').next().unwrap_or_default();
    (!name.is_empty())
        .then_some(())
        .ok_or("`NAME=VALUE` or `NAME`")
}

pub(crate) fn search_path(text: &str) -> Result<(), &'static str> {
    let folder = text.starts_with('/') && !text.contains(':');
    (folder || text == "<PATH>")
        .then_some(())
        .ok_or("an absolute path without `:`, or `<PATH>`")
}

pub(crate) fn sizes(text: &str) -> Result<(), &'static str> {
    let known = |size: &str| {
        matches!(
            size.trim_start_matches('-'),
            "" | "small" | "medium" | "large" | "enormous"
        )
    };
    let all = text.split(',').all(|size| known(size.trim()));
    all.then_some(())
        .ok_or("`small`, `medium`, `large` or `enormous`, with commas")
}

pub(crate) fn runs(text: &str) -> Result<(), &'static str> {
    let number = |n: &str| n.parse::<u32>().ok().filter(|n| *n > 0);
    per_label(text, number)
        .map(drop)
        .ok_or("a number from 1, or `REGEX@NUMBER`")
}

pub(crate) fn attempts(text: &str) -> Result<(), &'static str> {
    let number = |n: &str| match n {
        "default" => Some(0),
        n => n.parse::<u32>().ok().filter(|n| (1..=10).contains(n)),
    };
    let expected = "a number from 1 to 10 or `default`, or `REGEX@NUMBER`";
    per_label(text, number).map(drop).ok_or(expected)
}

pub(crate) fn timeouts(text: &str) -> Result<(), &'static str> {
    four_timeouts(text)
        .map(drop)
        .ok_or("seconds: one number, or four with commas")
}

/// As `--jobs`; 0 is no limit (Bazel).
pub(crate) fn test_jobs(text: &str) -> Result<(), &'static str> {
    match text {
        "0" => Ok(()),
        text => jobs::check(text),
    }
}

/// Bazel's names for ways to run a process.
const STRATEGIES: [&str; 13] = [
    "exclusive",
    "standalone",
    "local",
    "sandboxed",
    "linux-sandbox",
    "processwrapper-sandbox",
    "darwin-sandbox",
    "windows-sandbox",
    "docker",
    "worker",
    "remote",
    "dynamic",
    "dynamic_worker",
];

pub(crate) fn strategies(text: &str) -> Result<(), &'static str> {
    let known = |name: &str| name.is_empty() || STRATEGIES.contains(&name);
    text.split(',')
        .all(|name| known(name.trim()))
        .then_some(())
        .ok_or("`exclusive`, `standalone`, `sandboxed`, or another strategy of Bazel's")
}

/// `--test_timeout_filters`
pub(crate) fn timeout_classes(text: &str) -> Result<(), &'static str> {
    let known = |class: &str| {
        matches!(
            class.trim_start_matches('-'),
            "" | "short" | "moderate" | "long" | "eternal"
        )
    };
    let all = text.split(',').all(|class| known(class.trim()));
    all.then_some(())
        .ok_or("`short`, `moderate`, `long` or `eternal`, with commas")
}

/// A command in front of a program: its words, or a label and arguments for that target.
pub(crate) fn words_in_front(text: &str) -> Option<RunUnder> {
    let mut words = shlex::split(text)?;
    let first = words.first()?;
    let label = (first.starts_with("//") || first.starts_with('@')).then(|| words.remove(0));
    Some(RunUnder {
        text: text.to_owned(),
        label,
        words,
    })
}

pub(crate) fn run_under(text: &str) -> Result<(), &'static str> {
    words_in_front(text)
        .map(drop)
        .ok_or("a command as for a shell, or a label and arguments")
}

pub(crate) fn bytes(text: &str) -> Result<(), &'static str> {
    byte_count(text)
        .map(drop)
        .ok_or("a number of bytes such as `5G` or `500MiB`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        for (text, number) in [
            ("7", Some(7)),
            ("5K", Some(5000)),
            ("2GiB", Some(2 << 30)),
            ("", None),
            ("G", None),
            ("5T", None),
            ("99999999999999999999", None),
            ("18446744073709551615K", None),
        ] {
            assert_eq!(byte_count(text), number, "{text}");
        }
    }

    #[test]
    fn commands_in_front() {
        for (text, expected) in [
            ("strace -f", Some((None, vec!["strace", "-f"]))),
            (
                "sh -c 'a b' \"c d\"",
                Some((None, vec!["sh", "-c", "a b", "c d"])),
            ),
            ("//a:b --x", Some((Some("//a:b"), vec!["--x"]))),
            ("@r//a", Some((Some("@r//a"), vec![]))),
            ("", None),
            ("a 'b", None),
        ] {
            let under = words_in_front(text);
            let found = under.as_ref().map(|under| {
                let words: Vec<&str> = under.words.iter().map(String::as_str).collect();
                (under.label.as_deref(), words)
            });
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn timeouts_of_four_kinds() {
        assert_eq!(four_timeouts("60"), Some([Some(60); 4]));
        assert_eq!(
            four_timeouts("1,-1, 3,0"),
            Some([Some(1), None, Some(3), None])
        );
        assert_eq!(four_timeouts("1,2"), None);
        assert_eq!(four_timeouts("x"), None);
    }
}
