//! Classes of timeouts.

/// How long a test may run, by Bazel's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeoutClass {
    Short,
    Moderate,
    Long,
    Eternal,
}

impl TimeoutClass {
    /// The class that `timeout` names, else the one that belongs to the size (Bazel). The error
    /// is the end of a sentence.
    pub(crate) fn of(timeout: Option<&str>, size: &str) -> Result<TimeoutClass, String> {
        let by_size = match size {
            "small" => TimeoutClass::Short,
            "medium" => TimeoutClass::Moderate,
            "large" => TimeoutClass::Long,
            "enormous" => TimeoutClass::Eternal,
            _ => {
                return Err(format!(
                    "size = \"{size}\"`, which is none of small, medium, large and enormous"
                ));
            }
        };
        match timeout {
            None => Ok(by_size),
            Some("short") => Ok(TimeoutClass::Short),
            Some("moderate") => Ok(TimeoutClass::Moderate),
            Some("long") => Ok(TimeoutClass::Long),
            Some("eternal") => Ok(TimeoutClass::Eternal),
            Some(timeout) => Err(format!(
                "timeout = \"{timeout}\"`, which is none of short, moderate, long and eternal"
            )),
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            TimeoutClass::Short => "short",
            TimeoutClass::Moderate => "moderate",
            TimeoutClass::Long => "long",
            TimeoutClass::Eternal => "eternal",
        }
    }

    /// Bazel's seconds for it.
    pub(crate) fn seconds(self) -> u64 {
        match self {
            TimeoutClass::Short => 60,
            TimeoutClass::Moderate => 300,
            TimeoutClass::Long => 900,
            TimeoutClass::Eternal => 3600,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_wins_over_a_size() {
        for (timeout, size, class) in [
            (None, "small", "short"),
            (None, "medium", "moderate"),
            (None, "large", "long"),
            (None, "enormous", "eternal"),
            (Some("eternal"), "small", "eternal"),
            (Some("short"), "enormous", "short"),
            (Some("moderate"), "large", "moderate"),
            (Some("long"), "medium", "long"),
        ] {
            assert_eq!(
                TimeoutClass::of(timeout, size).map(TimeoutClass::name),
                Ok(class)
            );
        }
        assert!(TimeoutClass::of(None, "tiny").is_err());
        assert!(TimeoutClass::of(Some("brief"), "small").is_err());
    }
}
