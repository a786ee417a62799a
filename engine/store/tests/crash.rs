//! Processes killed at random moments lose nothing acknowledged and leave nothing wrong: 20
//! rounds. A thousand: `cargo run -p kiln-store --example crash -- 1000`.

#[path = "common/crash.rs"]
mod crash;

use std::process::Command;

const PLACE: &str = "KILN_STORE_TEST_PLACE";
const FROM: &str = "KILN_STORE_TEST_FROM";

/// The processes that are killed are this program run again for this test, told where to work by
/// the environment.
#[test]
fn twenty_rounds() {
    if let Some(place) = std::env::var_os(PLACE) {
        let from = std::env::var(FROM).unwrap().parse().unwrap();
        return crash::child(place.as_ref(), from);
    }
    crash::rounds(20, &|place, from| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["twenty_rounds", "--exact", "--nocapture"])
            .env(PLACE, place)
            .env(FROM, from.to_string());
        command
    });
}
