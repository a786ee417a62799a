//! `kiln remote doctor` against real servers, and against what is none (R32).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::io::{Read, Write};
use std::net::TcpListener;

use expect_test::{Expect, expect};
use kiln_testkit::{BuildGrid, Casd, Output, Security, Serve, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

fn doctor(flags: &[&str]) -> Output {
    let words = [&["remote", "doctor"], flags].concat();
    Workspace::new(KILN).run("", &words)
}

fn check(address: &str, flags: &[&str], expected: Expect) {
    let output = doctor(&[&[address], flags].concat());
    expected.assert_eq(&output.show().replace(address, "ADDRESS"));
}

#[test]
fn kiln_serve() {
    let server = Serve::start(KILN, &[]);
    check(
        server.address(),
        &[],
        expect![[r#"
            exit: 0
            --- stdout
            ADDRESS
              server.reached      ok    reached in plain text (1 call, [TIME])
              server.instance     ok    the one without a name (1 call, [TIME])
              server.version      ok    2.0 to 2.3
              server.digests      ok    SHA256
              server.batches      ok    4128768 bytes at most; kiln sends 4128768 at most
              server.blobs        ok    of any size
              server.compressors  ok    zstd
              server.links        ok    absolute targets are refused
              server.updates      ok    it takes results of clients
              server.workers      ok    it runs actions
              server.latency      ok    a look-up takes [TIME] (7 calls, [TIME])
              contents.empty      ok    0 bytes, always there (3 calls, [TIME])
              contents.small      ok    1 byte and 42 bytes, there and back (4 calls, [TIME])
              contents.missing    ok    what is missing is said, and nothing else (3 calls, [TIME])
              contents.batch      ok    4128640 bytes, there and back (2 calls, [TIME])
              contents.limit      ok    4128768 bytes, there and back (2 calls, [TIME])
              contents.above      ok    4128769 bytes are refused: InvalidArgument (2 calls, [TIME])
              contents.wrong      ok    under a wrong name: refused, InvalidArgument (2 calls, [TIME])
              contents.tree       ok    folders come with all below them (2 calls, [TIME])
              streams.write       ok    3145729 bytes (2 calls, [TIME])
              streams.read        ok    3145729 bytes (1 call, [TIME])
              streams.resumed     ok    from byte 1048583 on (1 call, [TIME])
              streams.again       ok    what is there already ends an upload well (1 call, [TIME])
              streams.broken      ok    an upload that broke goes on at byte 1048576 (4 calls, [TIME])
              streams.wrong       ok    under a wrong name: refused, InvalidArgument (2 calls, [TIME])
              streams.missing     ok    what is not there is NotFound (1 call, [TIME])
              results.unknown     ok    what is not known is NotFound (1 call, [TIME])
              results.written     ok    written and read back (3 calls, [TIME])
              results.lost        ok    of contents that are lost: refused, FailedPrecondition (2 calls, [TIME])
              results.failures    ok    of failures: refused, InvalidArgument (2 calls, [TIME])
              run.action          ok    runs; output, exit code and what it printed are right (5 calls, [TIME])
              run.kept            ok    its result is known from then on (2 calls, [TIME])
              run.again           ok    it does not run again (1 call, [TIME])
              run.workdir         ok    paths are relative to it (3 calls, [TIME])
              run.folder          ok    with folders that are empty, and links (4 calls, [TIME])
              run.link            ok    a link stays a link (3 calls, [TIME])
              run.no_output       ok    an output that is not there is left out (3 calls, [TIME])
              run.old_outputs     ok    clients below 2.1 can name theirs (3 calls, [TIME])
              run.exit_code       ok    3 is 3 (3 calls, [TIME])
              run.missing         ok    a missing input is named (3 calls, [TIME])
              run.timeout         ok    an action is ended in time (3 calls, [TIME])
              run.waited_for      ok    an action goes on when its stream breaks (4 calls, [TIME])
              run.cancelled       ok    an action that is cancelled ends (4 calls, [TIME])
            an action on a worker: 5 calls one after the other, [TIME]
            one whose result is known: 2 calls one after the other, [TIME]
            kiln can use it as a cache and run actions there: 43 ok, 0 warn, 0 fail
        "#]],
    );
    assert_eq!(server.log(), "");
}

#[test]
fn casd() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    check(
        &server.address(),
        &["--remote_instance_name=main"],
        expect![[r#"
        exit: 0
        --- stdout
        ADDRESS
          server.reached      ok    reached in plain text (1 call, [TIME])
          server.instance     ok    `main` (1 call, [TIME])
          server.version      ok    2.1 to 2.12
          server.digests      ok    SHA256
          server.batches      ok    it does not say how large; kiln sends 4128768 bytes at most
          server.blobs        ok    of any size
          server.compressors  ok    none of kiln's: contents travel as they are
          server.links        ok    absolute targets are allowed; kiln takes none
          server.updates      ok    it takes results of clients
          server.workers      ok    it runs actions
          server.latency      ok    a look-up takes [TIME] (7 calls, [TIME])
          contents.empty      ok    0 bytes, always there (3 calls, [TIME])
          contents.small      ok    1 byte and 42 bytes, there and back (4 calls, [TIME])
          contents.missing    ok    what is missing is said, and nothing else (3 calls, [TIME])
          contents.batch      ok    4128640 bytes, there and back (2 calls, [TIME])
          contents.above      ok    8388608 bytes are refused: ResourceExhausted (2 calls, [TIME])
          contents.wrong      ok    under a wrong name: refused, InvalidArgument (2 calls, [TIME])
          contents.tree       ok    folders come with all below them (2 calls, [TIME])
          streams.write       ok    3145729 bytes (2 calls, [TIME])
          streams.read        ok    3145729 bytes (1 call, [TIME])
          streams.resumed     ok    from byte 1048583 on (1 call, [TIME])
          streams.again       ok    what is there already ends an upload well (1 call, [TIME])
          streams.broken      warn  QueryWriteStatus: Unimplemented (2 calls, [TIME])
                                    an upload that breaks begins anew
          streams.wrong       ok    under a wrong name: refused, InvalidArgument (2 calls, [TIME])
          streams.missing     ok    what is not there is NotFound (1 call, [TIME])
          results.unknown     ok    what is not known is NotFound (1 call, [TIME])
          results.written     ok    written and read back (3 calls, [TIME])
          results.lost        ok    of contents that are lost: not known (3 calls, [TIME])
          results.failures    ok    of failures: kept, as failures (3 calls, [TIME])
          run.action          ok    runs; output, exit code and what it printed are right (7 calls, [TIME])
          run.kept            ok    its result is known from then on (2 calls, [TIME])
          run.again           ok    it does not run again (1 call, [TIME])
          run.workdir         ok    paths are relative to it (3 calls, [TIME])
          run.folder          ok    with folders that are empty, and links (4 calls, [TIME])
          run.link            warn  Execute: Internal: execute() threw: Output path "link" is not a file or directory: st_mode == 40960 (3 calls, [TIME])
                                    actions whose outputs are links fail: tag them `no-remote`
          run.no_output       ok    an output that is not there is left out (3 calls, [TIME])
          run.old_outputs     warn  the output `file` is not there (3 calls, [TIME])
                                    kiln names outputs by `output_paths`
          run.exit_code       ok    3 is 3 (3 calls, [TIME])
          run.missing         warn  a missing input is Internal, and is not named (3 calls, [TIME])
                                    kiln asks what is missing after any failure, and sends it again
          run.timeout         ok    an action is ended in time (3 calls, [TIME])
          run.waited_for      ok    an action goes on when its stream breaks (5 calls, [TIME])
          run.cancelled       ok    an action that is cancelled ends (4 calls, [TIME])
        an action on a worker: 7 calls one after the other, [TIME]
        one whose result is known: 2 calls one after the other, [TIME]
        kiln can use it as a cache and run actions there: 38 ok, 4 warn, 0 fail
    "#]],
    );
}

/// With all that may be asked of a client.
#[test]
fn buildgrid() {
    let Some(server) = BuildGrid::start(Security::Token) else {
        return;
    };
    let flags = server.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    check(
        &server.address(),
        &flags,
        expect![[r#"
        exit: 0
        --- stdout
        ADDRESS
          server.reached      ok    reached by TLS (1 call, [TIME])
          server.instance     ok    the one without a name (1 call, [TIME])
          server.version      ok    2.0 to 2.2
          server.digests      ok    SHA256
          server.batches      ok    4193280 bytes at most; kiln sends 4128768 at most
          server.blobs        ok    of any size
          server.compressors  ok    none of kiln's: contents travel as they are
          server.links        ok    absolute targets are refused
          server.updates      ok    it takes results of clients
          server.workers      ok    it runs actions
          server.latency      ok    a look-up takes [TIME] (7 calls, [TIME])
          contents.empty      ok    0 bytes, always there (3 calls, [TIME])
          contents.small      ok    1 byte and 42 bytes, there and back (4 calls, [TIME])
          contents.missing    ok    what is missing is said, and nothing else (3 calls, [TIME])
          contents.batch      ok    4128640 bytes, there and back (2 calls, [TIME])
          contents.limit      ok    4193280 bytes, there and back (2 calls, [TIME])
          contents.above      ok    4193281 bytes are taken (2 calls, [TIME])
          contents.wrong      ok    under a wrong name: refused, InvalidArgument (2 calls, [TIME])
          contents.tree       ok    folders come with all below them (2 calls, [TIME])
          streams.write       ok    3145729 bytes (2 calls, [TIME])
          streams.read        ok    3145729 bytes (1 call, [TIME])
          streams.resumed     ok    from byte 1048583 on (1 call, [TIME])
          streams.again       ok    what is there already ends an upload well (1 call, [TIME])
          streams.broken      warn  QueryWriteStatus: Unimplemented: Method not implemented! (2 calls, [TIME])
                                    an upload that breaks begins anew
          streams.wrong       ok    under a wrong name: refused, InvalidArgument (2 calls, [TIME])
          streams.missing     ok    what is not there is NotFound (1 call, [TIME])
          results.unknown     ok    what is not known is NotFound (1 call, [TIME])
          results.written     ok    written and read back (3 calls, [TIME])
          results.lost        ok    of contents that are lost: not known (3 calls, [TIME])
          results.failures    ok    of failures: not kept (3 calls, [TIME])
          run.action          ok    runs; output, exit code and what it printed are right (7 calls, [TIME])
          run.kept            ok    its result is known from then on (2 calls, [TIME])
          run.again           ok    it does not run again (1 call, [TIME])
          run.workdir         ok    paths are relative to it (3 calls, [TIME])
          run.folder          ok    with folders that are empty, and links (4 calls, [TIME])
          run.link            warn  Execute: Internal: execute() threw: Output path "link" is not a file or directory: st_mode == 40960 (3 calls, [TIME])
                                    actions whose outputs are links fail: tag them `no-remote`
          run.no_output       ok    an output that is not there is left out (3 calls, [TIME])
          run.old_outputs     ok    clients below 2.1 can name theirs (3 calls, [TIME])
          run.exit_code       ok    3 is 3 (3 calls, [TIME])
          run.missing         ok    a missing input is named (3 calls, [TIME])
          run.timeout         ok    an action is ended in time (3 calls, [TIME])
          run.waited_for      ok    an action goes on when its stream breaks (5 calls, [TIME])
          run.cancelled       ok    an action that is cancelled ends (4 calls, [TIME])
        an action on a worker: 7 calls one after the other, [TIME]
        one whose result is known: 2 calls one after the other, [TIME]
        kiln can use it as a cache and run actions there: 41 ok, 2 warn, 0 fail
    "#]],
    );
}

/// A cache without workers is one when nothing else was asked for.
#[test]
fn workers_that_are_wanted() {
    let Some(server) = Casd::start(&[]) else {
        return;
    };
    let address = server.address();
    let shown = |output: Output| {
        let lines = output.stdout.lines();
        let wanted = lines.filter(|line| line.contains("workers") || line.contains("kiln can"));
        let text = wanted.collect::<Vec<_>>().join("\n");
        format!("exit {:?}\n{text}", output.code)
    };
    expect![[r#"
        exit Some(0)
          server.workers      warn  it runs no actions
        kiln can use it as a cache, and not run actions there: 27 ok, 2 warn, 0 fail"#]]
    .assert_eq(&shown(doctor(&[&format!("--remote_cache={address}")])));
    expect![[r#"
        exit Some(32)
          server.workers      fail  it runs no actions
                                    `--remote_executor` needs workers
        kiln can use it as a cache, and not run actions there: 27 ok, 1 warn, 1 fail"#]]
    .assert_eq(&shown(doctor(&[&format!("--remote_executor={address}")])));
}

#[test]
fn for_programs() {
    let server = Serve::start(KILN, &[]);
    let output = doctor(&[server.address(), "--format=json"]);
    let sheet: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(sheet["address"], server.address());
    assert_eq!(sheet["cache"], true);
    assert_eq!(sheet["workers"], true);
    let first = &sheet["checks"][0];
    assert_eq!(first["name"], "server.reached");
    assert_eq!(first["result"], "ok");
    assert_eq!(sheet["action"]["calls"], 5);
}

#[test]
fn nothing_listens() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    check(
        &format!("grpc://{port}"),
        &[],
        expect![[r#"
        exit: 32
        --- stdout
        ADDRESS
          server.reached  fail  GetCapabilities: Unavailable: tcp connect error: transport error: Connection refused (os error 111) (1 call, [TIME])
                                nothing listens there: is the address right?
        kiln cannot use it: 0 ok, 0 warn, 1 fail
    "#]],
    );
}

/// Some server that speaks HTTP/1.1.
#[test]
fn something_else_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("grpc://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 1024];
            // What it says is of no interest to such a server.
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let output = doctor(&[&address]);
    expect![[r#"
        exit Some(32)
        fail
        is it a gRPC server? One with TLS is reached by `grpcs://`
        kiln cannot use it: 0 ok, 0 warn, 1 fail"#]]
    .assert_eq(&failure(&output));
}

/// The mark of the first check and what is said about it; transports have words of their own.
fn failure(output: &Output) -> String {
    let lines: Vec<&str> = output.stdout.lines().map(str::trim).collect();
    let mark = lines.get(1).and_then(|line| line.split_whitespace().nth(1));
    let rest = lines.get(2..).unwrap_or_default().join("\n");
    format!(
        "exit {:?}\n{}\n{rest}",
        output.code,
        mark.unwrap_or_default()
    )
}

#[test]
fn another_instance() {
    let server = Serve::start(KILN, &["--instance_name=main"]);
    check(
        server.address(),
        &[],
        expect![[r#"
        exit: 32
        --- stdout
        ADDRESS
          server.reached  fail  GetCapabilities: InvalidArgument: there is no instance ``: this server's is `main` (1 call, [TIME])
                                give the name of its instance by `--remote_instance_name`
        kiln cannot use it: 0 ok, 0 warn, 1 fail
    "#]],
    );
}

#[test]
fn a_token_is_wanted() {
    let Some(server) = BuildGrid::start(Security::Token) else {
        return;
    };
    let flags = server.flags();
    check(
        &server.address(),
        &[&flags[0]],
        expect![[r#"
        exit: 32
        --- stdout
        ADDRESS
          server.reached  fail  GetCapabilities: Unauthenticated: No valid authorization or authentication provided (1 call, [TIME])
                                credentials come from `--remote_token_file`, `--remote_header`, `--credential_helper` or `--tls_client_certificate`
        kiln cannot use it: 0 ok, 0 warn, 1 fail
    "#]],
    );
}

#[test]
fn tls_is_wanted() {
    let Some(server) = BuildGrid::start(Security::MutualTls) else {
        return;
    };
    let plain = server.address().replace("grpcs", "grpc");
    expect![[r#"
        exit Some(32)
        fail
        is it a gRPC server? One with TLS is reached by `grpcs://`
        kiln cannot use it: 0 ok, 0 warn, 1 fail"#]]
    .assert_eq(&failure(&doctor(&[&plain])));
    // Nobody whom the system trusts has signed its certificate.
    expect![[r#"
        exit Some(32)
        fail
        is it a server with TLS? `--tls_certificate` says whom to trust, `--tls_client_certificate` and `--tls_client_key` who asks
        kiln cannot use it: 0 ok, 0 warn, 1 fail"#]].assert_eq(&failure(&doctor(&[&server.address()])));
    let trust = &server.flags()[0];
    expect![[r#"
        exit Some(32)
        fail
        is it a server with TLS? `--tls_certificate` says whom to trust, `--tls_client_certificate` and `--tls_client_key` who asks
        kiln cannot use it: 0 ok, 0 warn, 1 fail"#]].assert_eq(&failure(&doctor(&[&server.address(), trust])));
}

#[test]
fn command_lines() {
    let show = |words: &str| Workspace::new(KILN).kiln(words).show();
    expect![[r#"
        exit: 2
        --- stderr
        error: `kiln remote` needs to know what to do
        hint: write `kiln remote doctor [ADDRESS]`
    "#]]
    .assert_eq(&show("remote"));
    expect![[r#"
        exit: 2
        --- stderr
        error: `kiln remote` cannot `docter`
        hint: did you mean `doctor`?
        hint: write `kiln remote doctor [ADDRESS]`
    "#]]
    .assert_eq(&show("remote docter"));
    expect![[r#"
        exit: 2
        --- stderr
        error: there is no server to examine
        hint: write `kiln remote doctor grpc://HOST:PORT`, or set `--remote_cache` or `--remote_executor`
    "#]].assert_eq(&show("remote doctor"));
    expect![[r#"
        exit: 2
        --- stderr
        error: `kiln remote doctor` takes one address: `grpc://b:1`
        hint: write `kiln remote doctor grpc://HOST:PORT`
    "#]]
    .assert_eq(&show("remote doctor grpc://a:1 grpc://b:1"));
    expect![[r#"
        exit: 2
        --- stderr
        error: `http://a:1` is no address of a remote server
        hint: servers are reached by gRPC: `grpc://a:1`
    "#]]
    .assert_eq(&show("remote doctor http://a:1"));
}
