//! Several processes at once (PX-065): one owns the index and serves the others, ownership passes
//! on, and nothing acknowledged is lost.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use common::peer::{self, Peer};
use common::{Place, config};
use expect_test::{Expect, expect};
use kiln_base::Digest;
use kiln_store::{PutMode, Store};
use rustix::process::Signal;

fn action(i: u32) -> Digest {
    Digest::of(&i.to_le_bytes())
}

fn put(store: &Store, i: u32) {
    let blob = store.put_bytes(format!("output {i}").as_bytes()).unwrap();
    store
        .put_action(&action(i), &i.to_le_bytes(), &[blob])
        .unwrap();
}

fn has(store: &Store, i: u32) -> bool {
    let result = store.get_action(&action(i));
    assert!(
        result
            .as_ref()
            .is_none_or(|result| *result == i.to_le_bytes())
    );
    result.is_some()
}

const SHARED_BLOBS: u32 = 300;

fn shared_blob(i: u32) -> Vec<u8> {
    i.to_le_bytes().repeat(1 + i as usize % 2000)
}

/// What the other processes of these tests do. In the test program itself there is no role, and
/// this makes sure that a peer can be started, heard and ended.
#[test]
fn peer() {
    let Some((role, place)) = peer::role() else {
        let place = Place::new();
        let mut peer = Peer::start("own", place.folder());
        peer.expect("ready");
        return peer.end();
    };
    let open = || Store::open(config(&place)).unwrap();
    match role.as_str() {
        "own" => own(&open()),
        "write until killed" => write_until_killed(&open()),
        "put shared blobs" => put_shared_blobs(&place, &open()),
        "fill the disk" => fill_the_disk(&place),
        "use blobs and the index" => {
            let store = open();
            assert!(has(&store, 1));
            peer::say("ready");
            peer::wait();
            assert!(store.read(&Digest::of(b"output 1")).unwrap().is_some());
        }
        other => panic!("unknown role `{other}`"),
    }
}

fn own(store: &Store) {
    put(store, 0);
    store.flush().unwrap();
    assert_eq!(store.stats().unwrap().owner_pid, std::process::id());
    peer::say("ready");
    peer::wait();
}

fn write_until_killed(store: &Store) {
    for i in 1000.. {
        put(store, i);
        store.flush().unwrap();
        peer::say(&i.to_string());
    }
}

fn put_shared_blobs(place: &Path, store: &Store) {
    let source = place.join(format!("source{}", std::process::id()));
    for i in 0..SHARED_BLOBS {
        let content = shared_blob(i);
        let digest = match i % 3 {
            0 => store.put_bytes(&content).unwrap(),
            kind => {
                fs::write(&source, &content).unwrap();
                let mode = [PutMode::Copy, PutMode::Move][kind as usize - 1];
                store.put_file(&source, mode, i % 2 == 0).unwrap()
            }
        };
        let path = store.blob_path(&digest, i % 2 == 1).unwrap();
        assert_eq!(fs::read(path).unwrap(), content);
    }
}

#[test]
fn a_second_process_works_through_the_first() {
    let place = Place::new();
    let mut owner = Peer::start("own", place.folder());
    owner.expect("ready");
    let store = place.open();
    assert!(has(&store, 0));
    put(&store, 1);
    store.flush().unwrap();
    assert_eq!(store.stats().unwrap().owner_pid, owner.pid());
    assert_eq!(store.stats().unwrap().actions, 2);
    let third = place.open();
    assert!(has(&third, 1));
    assert_eq!(store.verify().unwrap().damaged, [""; 0]);
    assert!(store.warnings().is_empty());
    owner.end();
    // Whoever asks first takes over, the other works through it.
    put(&third, 2);
    third.flush().unwrap();
    put(&store, 3);
    store.flush().unwrap();
    for i in 0..4 {
        assert!(has(&store, i) && has(&third, i), "{i}");
    }
    assert_eq!(store.stats().unwrap().owner_pid, std::process::id());
    assert!(store.warnings().is_empty() && third.warnings().is_empty());
}

#[test]
fn nothing_acknowledged_is_lost_when_owners_are_killed() {
    let place = Place::new();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut owner = Peer::start("write until killed", place.folder());
        acknowledged.push(owner.hear().unwrap().parse::<u32>().unwrap());
        // This process writes through the owner, and goes on when that is killed.
        let store = place.open();
        for i in round * 100..round * 100 + 60 {
            put(&store, i);
            store.flush().unwrap();
            acknowledged.push(i);
            if i % 100 == 20 {
                owner.signal(Signal::KILL);
            }
        }
        while let Some(said) = owner.hear() {
            acknowledged.push(said.parse().unwrap());
        }
        assert_eq!(store.stats().unwrap().owner_pid, std::process::id());
        let fresh = place.open();
        for i in &acknowledged {
            assert!(has(&fresh, *i), "{i} was acknowledged");
        }
        assert!(store.warnings().is_empty() && fresh.warnings().is_empty());
    }
}

#[test]
fn an_owner_that_hangs_is_named_and_blobs_can_still_be_used() {
    let place = Place::new();
    let mut owner = Peer::start("own", place.folder());
    owner.expect("ready");
    owner.signal(Signal::STOP);
    let mut config = place.config();
    config.owner_timeout = Duration::from_millis(1500);
    let store = Store::open(config).unwrap();
    assert!(!has(&store, 0));
    let digest = store.put_bytes(b"content").unwrap();
    assert!(store.contains(&digest) && store.blob_path(&digest, true).is_some());
    put(&store, 1);
    assert!(has(&store, 1), "in this process it is known");
    assert!(store.flush().is_err(), "and not acknowledged");
    let said = store.warnings();
    assert_eq!(said.len(), 1);
    let said = said[0].to_string().replace(&owner.pid().to_string(), "PID");
    expect![[r#"
        warning: process PID, which owns the cache's index, has not answered for 1.5s
           = action results are neither looked up nor kept in this run
        hint: if it hangs, end it: `kill PID`"#]]
    .assert_eq(&said);
    owner.signal(Signal::CONT);
    owner.end();
}

#[test]
fn an_owner_that_cannot_be_reached_is_named() {
    let place = Place::new();
    let mut config = place.config();
    // Too long for a socket.
    config.socket_dir = Some(place.path(&"long".repeat(40)));
    let owner = Store::open(config.clone()).unwrap();
    put(&owner, 0);
    owner.flush().unwrap();
    let store = Store::open(config).unwrap();
    assert!(!has(&store, 0));
    let said = store.warnings()[0].message().replace(char::is_numeric, "");
    expect!["process , which owns the cache's index, found no folder for a socket"]
        .assert_eq(&said);
    assert!(has(&owner, 0) && owner.warnings().is_empty());
}

/// Whatever has the socket, this process goes on.
#[test]
fn a_false_owner_is_not_believed() {
    let silent = || expect!["process 1, which owns the cache's index, has not answered for 300ms"];
    let other = expect!["process 1, which owns the cache's index, is another version of kiln"];
    let answers: [(&[u8], u64, Expect); 3] = [
        (&[9, 0, 0, 0, 0, 99, 0, 0, 0, 7, 0, 0, 0], 60_000, other),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 300, silent()),
        (b"", 300, silent()),
    ];
    for (answer, patience, expected) in answers {
        let place = Place::new();
        drop(place.open());
        let lock = fs::File::create(place.root().join("lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        let path = place.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let state = format!(
            "kiln-store 1\npid 1\nsocket {}\nboot x\nsince 0\ntorn 0 0\ndamaged 0\nindexed 0\nend\n",
            path.display()
        );
        (&lock).write_all(state.as_bytes()).unwrap();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.read(&mut [0; 64]);
                let _ = stream.write_all(answer);
            }
        });
        let mut config = place.config();
        config.owner_timeout = Duration::from_millis(patience);
        let store = Store::open(config).unwrap();
        assert!(!has(&store, 0));
        let said = store.warnings()[0].message().to_owned();
        expected.assert_eq(&said);
        store.put_bytes(b"content").unwrap();
    }
}

#[test]
fn several_writers_of_the_same_blobs_do_not_harm_each_other() {
    let place = Place::new();
    let peers: Vec<Peer> = (0..4)
        .map(|_| Peer::start("put shared blobs", place.folder()))
        .collect();
    peers.into_iter().for_each(Peer::end);
    let store = place.open();
    for i in 0..SHARED_BLOBS {
        let content = shared_blob(i);
        let digest = Digest::of(&content);
        assert_eq!(store.read(&digest).unwrap(), Some(content));
    }
    let report = store.verify().unwrap();
    assert_eq!((report.damaged.len(), report.restored), (0, 0));
    let unfinished = walk(&place.root().join("cas"), &|name| name.contains(".tmp"));
    assert_eq!(unfinished, 0);
}

fn walk(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => walk(&entry.path(), wanted),
            false => usize::from(wanted(entry.file_name().to_str().unwrap())),
        })
        .sum()
}

#[test]
fn the_umask_has_no_effect() {
    let place = Place::new();
    Peer::start_in_shell("umask 077", "put shared blobs", place.folder()).end();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    let cas = place.root().join("cas");
    assert_eq!(mode(&cas), 0o755);
    for shard in fs::read_dir(cas).unwrap() {
        let shard = shard.unwrap().path();
        assert_eq!(mode(&shard), 0o755);
        for blob in fs::read_dir(shard).unwrap() {
            let blob = blob.unwrap().path();
            let executable = blob.extension().is_some_and(|end| end == "x");
            assert_eq!(mode(&blob), if executable { 0o555 } else { 0o444 });
        }
    }
}

#[test]
fn what_another_process_uses_is_not_collected() {
    let place = Place::new();
    let store = place.open();
    for i in 0..10 {
        put(&store, i);
    }
    store.flush().unwrap();
    let mut other = Peer::start("use blobs and the index", place.folder());
    other.expect("ready");
    store.forget_uses();
    let report = store.gc(Some(0)).unwrap();
    assert_eq!((report.in_use, report.blobs_removed), (1, 9));
    assert!(has(&store, 1) && !has(&store, 2));
    other.end();
    store.forget_uses();
    assert_eq!(store.gc(Some(0)).unwrap().blobs_removed, 1);
}

#[test]
fn nothing_is_collected_while_the_needs_of_a_process_are_unknown() {
    let place = Place::new();
    let store = place.open();
    put(&store, 1);
    store.flush().unwrap();
    store.forget_uses();
    // It has opened the store, and hangs: nobody knows what it will use.
    let unregistered = fs::File::create(place.root().join("users/1")).unwrap();
    rustix::fs::flock(&unregistered, rustix::fs::FlockOperation::LockExclusive).unwrap();
    (&unregistered)
        .write_all(b"      4242 00000000000000ff\n")
        .unwrap();
    let report = store.gc(Some(0)).unwrap();
    assert_eq!((report.held_by, report.blobs_removed), (Some(4242), 0));
    assert!(has(&store, 1));
    drop(unregistered);
    store.forget_uses();
    assert_eq!(store.gc(Some(0)).unwrap().blobs_removed, 1);
}

const KEPT: u32 = 20;

/// Puts until nothing more can be put; what was acknowledged before is there afterwards.
fn fill_the_disk(place: &Path) {
    let store = Store::open(config(place)).unwrap();
    (0..KEPT).for_each(|i| put(&store, i));
    store.flush().unwrap();
    let too_much = (1..200u32).map(|i| store.put_bytes(&i.to_le_bytes().repeat(i as usize * 8192)));
    let error = too_much.filter_map(Result::err).next().unwrap();
    let hints = error.hints().join(", ");
    let (what, why) = error.message().rsplit_once(": ").unwrap();
    assert!(what.starts_with("cannot write to the store `/"));
    peer::say(&format!("{why} ({hints})"));
    // The index grows until it cannot.
    for i in 1000..9000u32 {
        let _ = store.put_action(&action(i), &[0; 3000], &[]);
        if i % 500 == 0 && store.flush().is_err() {
            break;
        }
    }
    assert!((0..KEPT).all(|i| has(&store, i)));
    drop(store);
    peer::say("filled");
    peer::wait();
}

fn check_full_disk(mut peer: Peer, said: Expect, after: impl FnOnce()) {
    said.assert_eq(&peer.hear().unwrap());
    peer.expect("filled");
    after();
    peer.end();
}

/// Opens the store without the limit that the peer had.
fn check_kept(place: &Path) {
    let store = Store::open(config(place)).unwrap();
    assert!((0..KEPT).all(|i| has(&store, i)));
    put(&store, 500);
    store.flush().unwrap();
    let said: Vec<String> = store.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(said, [""; 0]);
}

/// A limit on the size of files stands for a full disk.
#[test]
fn a_write_that_fails_is_an_error_and_loses_nothing() {
    let place = Place::new();
    // In blocks of 512 bytes: 4 MiB.
    let limit = "trap '' XFSZ; ulimit -f 8192";
    let peer = Peer::start_in_shell(limit, "fill the disk", place.folder());
    check_full_disk(
        peer,
        expect!["file too large (raise the limit on files (`ulimit -f`))"],
        || check_kept(place.folder()),
    );
}

/// The same on a small tmpfs, where this user may mount one in namespaces of its own; where not,
/// the limit on files alone must do, and that is printed.
#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let place = Place::new();
    let private = "unshare --user --map-root-user --mount";
    let can = std::process::Command::new("sh")
        .args(["-c", &format!("{private} mount -t tmpfs none /mnt")])
        .status();
    if !can.is_ok_and(|status| status.success()) {
        println!("no tmpfs can be mounted here: a limit on files stands for a full disk");
        return a_write_that_fails_is_an_error_and_loses_nothing();
    }
    let mount = format!(
        "test -n \"$INNER\" || INNER=1 exec {private} sh -c \
         'mount -t tmpfs -o size=16m none \"$PLACE\" && exec \"$@\"' sh \"$@\""
    );
    let peer = Peer::start_in_shell(&mount, "fill the disk", place.folder());
    let inside = Path::new("/proc").join(peer.pid().to_string()).join("root");
    let inside = inside.join(place.folder().strip_prefix("/").unwrap());
    check_full_disk(
        peer,
        expect![
            "no space left on device (free some space, or make the store smaller: `kiln cache gc`)"
        ],
        || {
            // Room is made by hand, as a user would.
            let cas = inside.join("store/cas");
            let mut freed = 0;
            for shard in fs::read_dir(cas).unwrap() {
                for blob in fs::read_dir(shard.unwrap().path()).unwrap() {
                    let blob = blob.unwrap();
                    if blob.metadata().unwrap().len() > 10_000 {
                        fs::remove_file(blob.path()).unwrap();
                        freed += 1;
                    }
                }
            }
            assert!(freed > 0);
            check_kept(&inside);
        },
    );
}
