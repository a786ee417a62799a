//! Real processes in real sandboxes. The zygote server has to start before any thread does, so
//! this test has a `main` of its own.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod damage;
mod limits;
mod looking;
mod outputs;
mod support;
mod survivors;
mod tiers;
mod visibility;

use std::process::ExitCode;
use std::sync::Arc;

use kiln_exec_local::ZygoteServer;
use support::Fixture;

type Test = (&'static str, fn(&Fixture));

fn main() -> ExitCode {
    let zygotes = match ZygoteServer::start() {
        Ok(zygotes) => Arc::new(zygotes),
        Err(error) => panic!("{error}"),
    };
    if let Some(folder) = std::env::var_os(survivors::VICTIM) {
        return survivors::victim(zygotes, folder.as_ref());
    }
    let tests = [
        visibility::TESTS,
        outputs::TESTS,
        looking::TESTS,
        limits::TESTS,
        damage::TESTS,
        survivors::TESTS,
        tiers::TESTS,
    ];
    let trials = tests.into_iter().flatten().map(|&(name, test)| {
        let zygotes = zygotes.clone();
        libtest_mimic::Trial::test(name, move || {
            test(&Fixture::new(zygotes));
            Ok(())
        })
    });
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
