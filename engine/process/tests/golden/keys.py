"""Computes the digests in ../keys.rs with Google's own protobuf serialization.

    pip install --no-deps buildgrid protobuf grpcio googleapis-common-protos
    python keys.py

Any Python package with the REAPI v2 messages will do; buildgrid 0.4.4 with protobuf 7.36.2 was used.
"""

import hashlib

from buildgrid._protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as reapi


def digest(data):
    return reapi.Digest(hash=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def message(m):
    return digest(m.SerializeToString())


def directory(entries):
    """Entries: name -> bytes, (bytes, True) for executable, str for a link, dict for a folder."""
    d = reapi.Directory()
    for name in sorted(entries, key=lambda n: n.encode()):
        e = entries[name]
        if isinstance(e, dict):
            d.directories.add(name=name).digest.CopyFrom(message(directory(e)))
        elif isinstance(e, str):
            d.symlinks.add(name=name, target=e)
        else:
            content, executable = e if isinstance(e, tuple) else (e, False)
            f = d.files.add(name=name, is_executable=executable)
            f.digest.CopyFrom(digest(content))
    return d


def case(name, argv, env={}, workdir="", inputs={}, outputs=(), timeout=None, platform=(), salt=b"",
         do_not_cache=False):
    command = reapi.Command(arguments=argv, working_directory=workdir, output_paths=sorted(set(outputs)))
    for key in sorted(env):
        command.environment_variables.add(name=key, value=env[key])
    root = directory(inputs)
    action = reapi.Action(do_not_cache=do_not_cache, salt=salt)
    for key, value in sorted(platform):
        command.platform.properties.add(name=key, value=value)
        action.platform.properties.add(name=key, value=value)
    action.command_digest.CopyFrom(message(command))
    action.input_root_digest.CopyFrom(message(root))
    if timeout is not None:
        action.timeout.seconds, action.timeout.nanos = timeout
    for kind, m in (("input root", root), ("command", command), ("action", action)):
        d = message(m)
        print(f"{name}: {kind} {d.hash}/{d.size_bytes}")


case("empty", ["true"])
case("environment and outputs are sorted", ["cc", "-c", "a.c"], env={"PATH": "/bin", "A": "1", "a": ""},
     workdir="w/d", outputs=["z/o", "a.o", "a.o", "B"])
case("files, executables and empty folders", ["./run.sh"],
     inputs={"run.sh": (b"#!/bin/sh\n", True), "a": {"b": {"c.txt": b"c"}}, "empty": {}, "nothing": b""})
case("links", ["ls"], inputs={"l": "target", "up": {"l": "../x", "dangling": "/nowhere"}})
case("names in UTF-8 order", ["ls", "ü"], env={"Ä": "ö"},
     inputs={"ä": b"1", "z": b"2", "𝄞": b"3", "\uffee": b"4", "a b": b"5", "日本": {"ファイル": b"6"}})
case("timeout with nanoseconds", ["sleep", "1"], timeout=(61, 500000001))
case("timeout of zero", ["true"], timeout=(0, 0))
case("platform sorted by name, then value", ["true"],
     platform=[("pool", "b"), ("OSFamily", "linux"), ("network", "on"), ("ISA", "x86-64")])
case("salt, not to be cached", ["true"], salt=b"\x00\xffsalt", do_not_cache=True)
