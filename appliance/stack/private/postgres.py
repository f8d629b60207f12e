"""The private Postgres cluster: made at the first start, on a unix socket only.

Its superuser is `postern`; the folder of the socket is closed to all others, so it asks for no
password.  A cluster that was killed recovers by itself; only its lock file is looked after here.
"""

import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg2
from psycopg2 import sql

from appliance.stack import process
from appliance.stack.environment import Environment, StackError
from appliance.stack.identity import Identity, unprivileged

NAME = "postgres"
_INSTALLED = Path("/usr/lib/postgresql")
_SPAMD_GROUP = "debian-spamd"
_UNSAFE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def start(
    environment: Environment, environ: Mapping[str, str], *, durable: bool = True
) -> process.Child:
    """Start the cluster, making it first if need be; without `durable` it is fast and forgetful."""
    identity = unprivileged("postgres")
    folder = identity.folder(environment.var, NAME)
    data = folder / "data"
    if not data.exists():
        _make_cluster(identity, folder, data, environ)
    programs = _programs((data / "PG_VERSION").read_text(encoding="ascii").strip())
    _remove_stale_lock(data)
    sockets = socket_folder(environment)
    _lead_to(environment.sockets / NAME, sockets)
    return process.start(
        NAME,
        [
            str(programs / "postgres"),
            "-D",
            str(data),
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={sockets}",
            "-c",
            "logging_collector=off",
            "-c",
            "max_connections=200",
            *(() if durable else _UNSAFE),
        ],
        var=environment.var,
        environ=environ,
        prefix=identity.prefix,
        stop_signal=signal.SIGINT,  # "fast shutdown": end the sessions, keep what is committed
        grace_seconds=30.0,
    )


def socket_folder(environment: Environment) -> Path:
    """Return where its socket lies, made; spamd may reach it, whose Bayes lies in Postgres."""
    identity = unprivileged("postgres")
    folder = identity.socket_folder(environment.sockets, environment.var, NAME)
    if identity.owner is not None:
        shutil.chown(folder, group=_SPAMD_GROUP)
        folder.chmod(0o710)
    return folder


def ready(environment: Environment) -> bool:
    """Tell whether the cluster answers; the first answer makes the database `postern`."""
    host = str(environment.sockets / NAME)
    try:
        connection = psycopg2.connect(host=host, user="postern", dbname="postgres")
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'postern'")
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("postern")))
    connection.close()
    return True


def _programs(version: str = "") -> Path:
    """Return the folder of the Postgres programs of `version`, or of the newest one installed."""
    found = [folder for folder in _INSTALLED.glob("*/bin") if (folder / "initdb").exists()]
    wanted = [folder for folder in found if version in ("", folder.parent.name)]
    if not wanted:
        raise StackError(
            f"Postgres {version} is not installed below {_INSTALLED}".replace("  ", " ")
        )
    return max(wanted, key=lambda folder: int(folder.parent.name))


def _make_cluster(identity: Identity, folder: Path, data: Path, environ: Mapping[str, str]) -> None:
    """Make the cluster aside and move it into place, so that half a cluster is never used."""
    new = folder / "new"
    if new.exists():
        shutil.rmtree(new)
    command = [
        *identity.prefix,
        str(_programs() / "initdb"),
        "-D",
        str(new),
        "-U",
        "postern",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-instructions",
    ]
    done = subprocess.run(
        command, env=dict(environ), cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StackError(f"initdb failed:\n{done.stdout}{done.stderr}")
    new.rename(data)


def _remove_stale_lock(data: Path) -> None:
    """Remove the lock file of a killed cluster: its process id may be another program's by now."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    pid = int(lock.read_text(encoding="utf-8").split("\n", 1)[0])
    if process.alive(pid) and str(data) in _command_line(pid):
        raise StackError(f"a Postgres (process {pid}) still runs on {data}: stop it first")
    lock.unlink()


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _lead_to(wanted: Path, actual: Path) -> None:
    """Make `wanted` the folder of the socket, by a link where the socket has to lie elsewhere."""
    if wanted == actual:
        return
    wanted.unlink(missing_ok=True)
    wanted.symlink_to(actual)
