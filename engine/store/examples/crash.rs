//! Kills processes that use a store, as often as wanted:
//! `cargo run -p kiln-store --example crash -- 1000`.

#![allow(clippy::unwrap_used, reason = "a failure ends the program")]

#[path = "../tests/common/crash.rs"]
mod crash;

use std::path::Path;
use std::process::Command;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[1..] {
        [child, place, from] if child == "child" => {
            crash::child(Path::new(place), from.parse().unwrap());
        }
        [rounds] => crash::rounds(rounds.parse().unwrap(), &|place, from| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg("child").arg(place).arg(from.to_string());
            command
        }),
        _ => panic!("usage: crash ROUNDS"),
    }
}
