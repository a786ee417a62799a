//! Messages read back, and hostile bytes are refused.

use proptest::prelude::*;

use super::*;

fn samples() -> (Vec<Request>, Vec<Response>) {
    let items = vec![
        Item::Seen {
            hash: [1; 32],
            size: 2,
            flags: 3,
        },
        Item::Action {
            key: [4; 32],
            row: vec![5, 6],
        },
        Item::ForgetAction { key: [7; 32] },
    ];
    let (on, hashes) = (true, vec![[1; 32], [2; 32]]);
    let requests = vec![
        Request::Hello {
            version: 1,
            user: 2,
        },
        Request::Register,
        Request::Action([3; 32]),
        Request::Write(items),
        Request::Use(hashes.clone()),
        Request::Pin { on, hashes },
        Request::Forget,
        Request::Gc { target: u64::MAX },
        Request::Verify,
        Request::Stats,
    ];
    let gc = GcReport {
        bytes_before: 1,
        in_use: 2,
        held_by: Some(3),
        ..GcReport::default()
    };
    let verify = VerifyReport {
        files: 1,
        damaged: vec!["a".to_owned(), "b".to_owned()],
        ..VerifyReport::default()
    };
    let stats = StoreStats {
        blobs: 1,
        owner_pid: 2,
        ..StoreStats::default()
    };
    let responses = vec![
        Response::Hello { version: 1, pid: 2 },
        Response::Done,
        Response::Opening,
        Response::Failed(Diag::internal("bad").hint("do").hint("or do not")),
        Response::Row(None),
        Response::Row(Some(Bytes::from_static(b"row"))),
        Response::Gc(gc),
        Response::Gc(GcReport::default()),
        Response::Verify(verify),
        Response::Stats(stats),
    ];
    (requests, responses)
}

#[test]
fn messages_read_back() {
    let (requests, responses) = samples();
    for request in requests {
        assert_eq!(Request::decode(&request.encode()), Some(request));
    }
    for response in responses {
        assert_eq!(Response::decode(&response.encode()), Some(response));
    }
}

proptest! {
    #[test]
    fn decoding_takes_anything(op in 0..10u8, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let body: Vec<u8> = std::iter::once(op).chain(bytes).collect();
        let _ = (Request::decode(&body), Response::decode(&body));
        let _ = receive(&mut &body[..]);
    }
}

#[test]
fn an_announced_length_takes_no_memory() {
    let announced = (LONGEST as u32).to_le_bytes();
    assert!(receive(&mut &announced[..]).is_err());
    assert!(receive(&mut &u32::MAX.to_le_bytes()[..]).is_err());
    assert_eq!(receive(&mut &[][..]).ok(), Some(None));
}
