//! Runs processes in containers of a Docker engine.
//!
//! A container is started once and used for many processes, one at a time. Its first process is a
//! small shell script ([`runner.sh`](../src/runner.sh)) that is told over its standard input what
//! to run, so that a process costs two writes to a socket and not an `exec` of the engine's.
//!
//! What it is not: it decides nothing about caching, concurrency or keys, and it builds no images.
//!
//! Invariants:
//! * A process sees its image, read-only, its declared inputs, and an empty `/tmp`; it can write
//!   only where its declared outputs will be, into `/tmp` and into `/dev/shm`.
//! * No action can look into the runner of its container, or speak in its place.
//! * No process of an action outlives its result, and nothing that one leaves in a container is
//!   there for the next: a container that cannot be cleaned is replaced.
//! * A container ends with the connection to it, and so with kiln, however that ends.
//! * Nothing that an action does can change a blob of the store.
//! * Where the engine does not see our files, they go there and back in archives; what comes back is
//!   looked at as what an action left.
//! * No container is made before an action needs one.

mod address;
mod archive;
mod attached;
mod client;
mod config;
mod container;
mod executor;
mod image;
mod job;
mod layout;
mod leftovers;
mod output;
mod pool;
mod run;
mod shell;

pub use attached::Attached;
pub use config::DockerConfig;
pub use executor::DockerExecutor;
