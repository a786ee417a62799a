//! A proxy that counts what goes through it: bytes both ways, and calls.
//!
//! Calls of gRPC are streams of HTTP/2, each of which begins with a HEADERS frame of the client's
//! with a number of its own (RFC 9113, 4.1 and 5.1.1). Only plain text can be counted.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What the client of a connection sends first.
const PREFACE: usize = 24;
/// The part of a frame that says what it is.
const HEAD: usize = 9;
const HEADERS: u8 = 1;

/// What went through so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Calls of clients.
    pub calls: u64,
    /// Bytes from clients to the server.
    pub sent: u64,
    /// Bytes from the server to clients.
    pub received: u64,
}

impl Traffic {
    /// What came since an earlier look.
    pub fn since(self, before: Traffic) -> Traffic {
        Traffic {
            calls: self.calls - before.calls,
            sent: self.sent - before.sent,
            received: self.received - before.received,
        }
    }
}

#[derive(Default)]
struct Counters {
    calls: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// It listens as long as the process lives.
pub struct Proxy {
    address: SocketAddr,
    counters: Arc<Counters>,
}

impl Proxy {
    /// Before the server at that port of this machine.
    pub fn start(port: u16) -> std::io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let own = counters.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is not there shows in the client, whose connection ends.
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                    let _ = connect(client, server, &own);
                }
            }
        });
        Ok(Proxy { address, counters })
    }

    /// As `--remote_executor` takes it.
    pub fn address(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// What went through so far.
    pub fn traffic(&self) -> Traffic {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            calls: get(&self.counters.calls),
            sent: get(&self.counters.sent),
            received: get(&self.counters.received),
        }
    }
}

fn connect(client: TcpStream, server: TcpStream, counters: &Arc<Counters>) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (to_client, from_server) = (client.try_clone()?, server.try_clone()?);
    let (up, down) = (counters.clone(), counters.clone());
    let mut frames = Frames::default();
    thread::spawn(move || {
        pass(client, server, |bytes| {
            up.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            up.calls.fetch_add(frames.calls(bytes), Ordering::Relaxed);
        });
    });
    thread::spawn(move || {
        pass(from_server, to_client, |bytes| {
            down.received
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
    });
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(number @ 1..) = from.read(&mut buffer) {
        seen(&buffer[..number]);
        if to.write_all(&buffer[..number]).is_err() {
            break;
        }
    }
    // One side has ended: so does the other.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Frames in what a client sends.
#[derive(Default)]
struct Frames {
    preface: usize,
    head: Vec<u8>,
    /// Bytes of the frame that are still to come.
    left: usize,
    /// The highest stream so far.
    last: u32,
}

impl Frames {
    /// How many streams begin in these bytes.
    fn calls(&mut self, mut bytes: &[u8]) -> u64 {
        let skipped = bytes.len().min(PREFACE - self.preface);
        self.preface += skipped;
        bytes = &bytes[skipped..];
        let mut calls = 0;
        while !bytes.is_empty() {
            let body = bytes.len().min(self.left);
            self.left -= body;
            bytes = &bytes[body..];
            let head = bytes.len().min(HEAD - self.head.len());
            self.head.extend_from_slice(&bytes[..head]);
            bytes = &bytes[head..];
            if let [a, b, c, kind, _, stream @ ..] = &self.head[..]
                && let Ok(stream) = <[u8; 4]>::try_from(stream)
            {
                self.left = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
                let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
                // Trailers of a stream come under its number once more.
                if *kind == HEADERS && stream > self.last {
                    self.last = stream;
                    calls += 1;
                }
                self.head.clear();
            }
        }
        calls
    }
}
