//! Bytes, passed on as long as it is not told otherwise.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::Dice;

/// What goes wrong below gRPC.
#[derive(Clone, Debug, Default)]
pub struct Cuts {
    /// Decides where.
    pub seed: u64,
    /// So many connections are reset or closed, each after some number of bytes: none, a part of
    /// a header, some megabytes.
    pub resets: u64,
    /// So many connections are told to go away (HTTP/2), and closed a little later.
    pub goaways: u64,
    /// So many connections pass nothing for so long, after some number of bytes.
    pub stalls: (u64, Duration),
    /// After so many bytes nobody can be reached for so long.
    pub outage: Option<(u64, Duration)>,
}

/// A proxy between a client and a server. It ends with the runtime.
#[derive(Clone)]
pub struct Wire(Arc<State>);

struct State {
    cuts: Cuts,
    upstream: String,
    connections: AtomicU64,
    bytes: AtomicU64,
    faults: AtomicU64,
    away: Mutex<Away>,
}

#[derive(Clone, Copy)]
enum Away {
    Not,
    Until(Instant),
    Over,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Well,
    /// It ends after so many bytes; by a reset, or as if all were well.
    End(u64, bool),
    /// It passes nothing for so long after so many bytes.
    Stall(u64, Duration),
    /// It is told to go away after so many frames, with that last stream; closed if there is one.
    GoAway(u64, u32),
}

impl Wire {
    /// Begins to pass bytes on to the server at `upstream`. Returns its own address.
    ///
    /// Errors: no port can be had.
    pub async fn start(upstream: &str, cuts: Cuts) -> std::io::Result<(Wire, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let wire = Wire(Arc::new(State {
            cuts,
            upstream: upstream.to_owned(),
            connections: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            away: Mutex::new(Away::Not),
        }));
        let own = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(own.clone().serve(client));
            }
        });
        Ok((wire, address))
    }

    /// How many connections came to harm.
    pub fn faults(&self) -> u64 {
        self.0.faults.load(Ordering::Relaxed)
    }

    fn fate(&self, number: u64) -> Fate {
        let cuts = &self.0.cuts;
        let mut dice = Dice::new(cuts.seed).of(&format!("connection {number}"));
        // As many small numbers as large ones.
        let bytes = |dice: &mut Dice| {
            let scale = dice.below(20);
            dice.below(1 << (scale + 1))
        };
        let (resets, stalls) = (cuts.resets, cuts.stalls.0);
        if number < resets {
            Fate::End(bytes(&mut dice), dice.percent(50))
        } else if number < resets + stalls {
            Fate::Stall(bytes(&mut dice), cuts.stalls.1)
        } else if number < resets + stalls + cuts.goaways {
            let last = dice.pick(&[0, 1, 5, 0x7fff_ffff]);
            Fate::GoAway(1 + dice.below(40), last)
        } else {
            Fate::Well
        }
    }

    /// Whether nobody can be reached now.
    fn is_away(&self) -> bool {
        let Some((after, long)) = self.0.cuts.outage else {
            return false;
        };
        let mut away = self.0.away.lock();
        match *away {
            Away::Not if self.0.bytes.load(Ordering::Relaxed) >= after => {
                self.0.faults.fetch_add(1, Ordering::Relaxed);
                *away = Away::Until(Instant::now() + long);
                true
            }
            Away::Until(until) if Instant::now() < until => true,
            Away::Until(_) => {
                *away = Away::Over;
                false
            }
            Away::Not | Away::Over => false,
        }
    }

    async fn serve(self, client: TcpStream) {
        if self.is_away() {
            return reset(&client);
        }
        let number = self.0.connections.fetch_add(1, Ordering::Relaxed);
        let fate = self.fate(number);
        let Ok(server) = TcpStream::connect(&self.0.upstream).await else {
            return reset(&client);
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let passed = Arc::new(AtomicU64::new(0));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let up = self.pass(from_client, to_server, &passed, fate, false);
        let down = self.pass(from_server, to_client, &passed, fate, true);
        // The first that ends takes the other with it.
        tokio::select! {
            () = up => {}
            () = down => {}
        }
    }

    /// One direction of a connection, to its end.
    async fn pass(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        passed: &AtomicU64,
        fate: Fate,
        to_client: bool,
    ) {
        let mut frames = Frames::default();
        let mut buffer = vec![0; 16 << 10];
        let mut stalled = false;
        loop {
            let Ok(read @ 1..) = from.read(&mut buffer).await else {
                return;
            };
            self.0.bytes.fetch_add(read as u64, Ordering::Relaxed);
            if self.is_away() {
                return reset(to.as_ref());
            }
            let before = passed.fetch_add(read as u64, Ordering::Relaxed);
            let part = &buffer[..read];
            match fate {
                Fate::End(after, hard) if before + read as u64 > after => {
                    self.0.faults.fetch_add(1, Ordering::Relaxed);
                    let rest = usize::try_from(after.saturating_sub(before)).unwrap_or(0);
                    let _ = to.write_all(&part[..rest.min(read)]).await;
                    if hard {
                        reset(to.as_ref());
                        reset(from.as_ref());
                    }
                    return;
                }
                Fate::Stall(after, long) if before + read as u64 > after && !stalled => {
                    stalled = true;
                    self.0.faults.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(long).await;
                }
                Fate::GoAway(after, last) if to_client => {
                    if let Some(at) = frames.boundary(part, after) {
                        self.0.faults.fetch_add(1, Ordering::Relaxed);
                        let _ = to.write_all(&part[..at]).await;
                        let _ = to.write_all(&go_away(last)).await;
                        if to.write_all(&part[at..]).await.is_err() {
                            return;
                        }
                        continue;
                    }
                }
                _ => {}
            }
            if to.write_all(part).await.is_err() {
                return;
            }
        }
    }
}

/// The connection ends at once, and with an error for whoever uses it.
fn reset(stream: &TcpStream) {
    // One that is gone already needs nothing.
    let _ = stream.set_zero_linger();
}

/// Where frames of HTTP/2 begin, in what a server sends.
#[derive(Default)]
struct Frames {
    header: Vec<u8>,
    /// Bytes of the frame's content that are still to come.
    left: usize,
    seen: u64,
}

impl Frames {
    /// Where in `part` that many frames have gone by; `None` before, and ever after.
    fn boundary(&mut self, part: &[u8], wanted: u64) -> Option<usize> {
        let mut at = 0;
        let mut found = None;
        while at < part.len() {
            if self.left > 0 {
                let step = self.left.min(part.len() - at);
                self.left -= step;
                at += step;
                continue;
            }
            if self.header.is_empty() {
                if self.seen == wanted && found.is_none() {
                    found = Some(at);
                }
                self.seen += 1;
            }
            let step = (9 - self.header.len()).min(part.len() - at);
            self.header.extend_from_slice(&part[at..at + step]);
            at += step;
            if self.header.len() == 9 {
                let size = &self.header[..3];
                self.left = size
                    .iter()
                    .fold(0, |size, byte| size << 8 | usize::from(*byte));
                self.header.clear();
            }
        }
        found
    }
}

/// A GOAWAY frame without an error (RFC 9113, 6.8).
fn go_away(last: u32) -> [u8; 17] {
    let mut frame = [0; 17];
    frame[2] = 8;
    frame[3] = 7;
    frame[9..13].copy_from_slice(&last.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart() {
        let frame = |size: u8| {
            let mut frame = vec![0, 0, size, 0, 0, 0, 0, 0, 1];
            frame.extend(vec![7; usize::from(size)]);
            frame
        };
        let bytes = [frame(3), frame(0), frame(20), frame(1)].concat();
        for cut in 0..bytes.len() {
            let mut frames = Frames::default();
            let first = frames.boundary(&bytes[..cut], 2);
            let second = frames.boundary(&bytes[cut..], 2).map(|at| at + cut);
            assert_eq!(first.or(second), Some(12 + 9), "{cut}");
        }
    }
}
