//! Messages with file descriptors over a `SOCK_SEQPACKET` pair.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::MemfdFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// Longer bodies travel in a memory file: a packet is bounded by the socket's buffer.
const INLINE: usize = 60 * 1024;
const MAX_FDS: usize = 4;

/// A pair of connected sockets that keep message boundaries and tell when the other end is gone.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (a, b) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    Ok((a, b))
}

/// Sends one message.
pub(crate) fn send(socket: BorrowedFd<'_>, body: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if body.len() <= INLINE {
        return send_packet(socket, &[0], body, fds);
    }
    let mut file = File::from(rustix::fs::memfd_create(
        "kiln-launch",
        MemfdFlags::CLOEXEC,
    )?);
    file.write_all(body)?;
    let mut all = fds.to_vec();
    all.push(file.as_fd());
    send_packet(socket, &[1], &[], &all)
}

fn send_packet(
    socket: BorrowedFd<'_>,
    kind: &[u8],
    body: &[u8],
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors in a message"));
    }
    let parts = [IoSlice::new(kind), IoSlice::new(body)];
    loop {
        match rustix::net::sendmsg(socket, &parts, &mut ancillary, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Receives messages, keeping its buffer.
pub(crate) struct Receiver {
    buffer: Vec<u8>,
}

/// A message and the descriptors that came with it.
pub(crate) struct Message {
    /// The body.
    pub body: Vec<u8>,
    /// The descriptors, in order.
    pub fds: Vec<OwnedFd>,
}

impl Receiver {
    pub(crate) fn new() -> Receiver {
        Receiver {
            buffer: vec![0; INLINE + 1],
        }
    }

    /// For messages that are known to be short: fresh memory has its price.
    pub(crate) fn of_short() -> Receiver {
        Receiver {
            buffer: vec![0; 4096],
        }
    }

    /// The next message; `None` when the other end is gone.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<Option<Message>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let length = loop {
            let parts = &mut [IoSliceMut::new(&mut self.buffer)];
            match rustix::net::recvmsg(socket, parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::CONNRESET) => return Ok(None),
                Err(error) => return Err(error.into()),
                Ok(received) => break received.bytes,
            }
        };
        let mut fds = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                fds.extend(received);
            }
        }
        let body = match self.buffer[..length].split_first() {
            None => return Ok(None),
            Some((0, body)) => body.to_vec(),
            Some(_) => {
                let file = fds.pop();
                let file = file.ok_or_else(|| io::Error::other("a message without its body"))?;
                read_whole(File::from(file))?
            }
        };
        Ok(Some(Message { body, fds }))
    }
}

fn read_whole(mut file: File) -> io::Result<Vec<u8>> {
    file.rewind()?;
    let mut body = Vec::new();
    file.read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_bounds_bodies_and_descriptors() {
        let (a, b) = pair().unwrap();
        let mut receiver = Receiver::new();
        for length in [0, 1, INLINE, INLINE + 1, 3_000_000] {
            let body: Vec<u8> = (0..length).map(|i| i as u8).collect();
            send(a.as_fd(), &body, &[a.as_fd(), b.as_fd()]).unwrap();
            let got = receiver.receive(b.as_fd()).unwrap().unwrap();
            assert_eq!(got.body, body);
            assert_eq!(got.fds.len(), 2);
        }
        drop(a);
        assert!(receiver.receive(b.as_fd()).unwrap().is_none());
    }
}
