//! How long things took, for people.

use std::time::Duration;

/// `0.04s`, `3.2s`, `1m 05s`, `2h 03m`.
pub(crate) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{:.2}s", duration.as_secs_f64()),
        1..60 => {
            // Cut, not rounded: 59.96 s must not be 60.0 s.
            format!("{seconds}.{}s", duration.subsec_millis() / 100)
        }
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `HH:MM:SS.hh` (UI-051), from the time since midnight.
pub(crate) fn clock(since_midnight: Duration) -> String {
    let seconds = since_midnight.as_secs() % (24 * 3600);
    let hundredths = since_midnight.subsec_millis() / 10;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{hundredths:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (millis, text) in [
            (0, "0.00s"),
            (40, "0.04s"),
            (3_240, "3.2s"),
            (59_999, "59.9s"),
            (65_000, "1m 05s"),
            (7_380_000, "2h 03m"),
        ] {
            assert_eq!(shown(Duration::from_millis(millis)), text);
        }
        assert_eq!(clock(Duration::from_millis(86_399_990)), "23:59:59.99");
        assert_eq!(clock(Duration::from_millis(86_400_000)), "00:00:00.00");
    }
}
