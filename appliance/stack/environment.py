"""What one stack uses: folders, addresses and secrets, chosen once per start from the environment.

The names and defaults are those of the operating contract.  A setting that is given is taken as it
is; an unset engine, database or broker means a private one; an unset port that is taken by another
program is replaced by a free one.  The choice stands in var/postern.env (0600, as it holds the
secret key), from which `./postern manage` in another terminal reads it.
"""

import hashlib
import os
import re
import secrets
import shlex
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from smtpfilter.config import Endpoint

CHECKOUT = Path(__file__).resolve().parents[2]

_LONGEST_SOCKET_NAME = 40  # room for NAME/.s.PGSQL.5432.lock below the folder for sockets
_SOCKET_PATH_LIMIT = 107  # octets, sun_path of unix(7) less its NUL
_DRAIN_SECONDS = "10"  # at a terminal nobody waits longer; what is cut off is sent again
_SPOOL_NEEDS_BYTES = 1 << 30  # a smaller tmpfs (64 MiB in containers) would fill up with mail


class StackError(Exception):
    """One line for the terminal that says why the stack cannot do what was asked."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The choice: `var`, the folder for unix sockets, what to export, and the private services."""

    var: Path
    sockets: Path
    settings: dict[str, str]  # what the appliance reads; addresses of private services included
    private: frozenset[str]  # of postgres, redis, clamd, spamd, mailbox
    spool: Path | None  # our folder for mail at work; None if FILTER_SPOOL_DIR was given

    def exported(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return `environ` with the settings added and PG* removed (libpq would obey them)."""
        kept = {name: value for name, value in environ.items() if not name.startswith("PG")}
        return kept | self.settings | {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}

    def save(self) -> None:
        """Write var/postern.env, readable by its owner only."""
        text = "".join(f"{name}={shlex.quote(v)}\n" for name, v in sorted(self.settings.items()))
        write_private(self.var / "postern.env", text)

    def forget(self) -> None:
        """Remove the folders outside var/ that this choice has made."""
        if self.spool is not None:
            shutil.rmtree(self.spool, ignore_errors=True)
        if self.sockets != self.var / "run":
            shutil.rmtree(self.sockets, ignore_errors=True)
            (self.var / "run" / "sockets").unlink(missing_ok=True)


def var_folder(environ: Mapping[str, str]) -> Path:
    """Return where the stack keeps its state: POSTERN_VAR, or var/ in the checkout."""
    given = environ.get("POSTERN_VAR", "")
    return Path(given).expanduser().resolve() if given else CHECKOUT / "var"


def saved_settings(var: Path) -> dict[str, str]:
    """Return what the last start chose, or nothing if there was none.  Raises StackError."""
    file = var / "postern.env"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise StackError(
            f"{file} belongs to another user: run this as the stack's owner"
        ) from error
    return dict("".join(shlex.split(line)).split("=", 1) for line in lines if line)


def for_commands(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a command's environment: what the last start chose, and `environ`, which wins."""
    settings = saved_settings(var_folder(environ)) or choose(environ).settings
    kept = {name: value for name, value in environ.items() if not name.startswith("PG")}
    return {**settings, **kept, "PYTHONPATH": str(CHECKOUT)}


def choose(environ: Mapping[str, str], *, free_ports: bool = False) -> Environment:
    """Choose all that a stack uses and make its folders.  Raises StackError.

    `free_ports` takes any free ports instead of the usual ones, for a stack beside another.
    """
    var = var_folder(environ)
    make_folders(var)
    sockets = socket_folder(var)
    settings: dict[str, str] = {
        name: value
        for name, value in environ.items()
        if name.startswith(("FILTER_", "WEB_", "APPLIANCE_")) and value
    }
    private = set()
    for name, service, address in (
        ("DATABASE_URL", "postgres", database_url(sockets / "postgres")),
        ("CELERY_BROKER_URL", "redis", broker_url(sockets)),
        ("FILTER_CLAMD", "clamd", str(sockets / "clamd.sock")),
        ("FILTER_SPAMD", "spamd", str(sockets / "spamd.sock")),
    ):
        settings[name] = environ.get(name) or address
        if not environ.get(name):
            private.add(service)
    settings["FILTER_LISTEN"] = ",".join(
        _own_address("FILTER_LISTEN", address.strip(), 0 if free_ports else 10025)
        for address in environ.get("FILTER_LISTEN", "").split(",")
    )
    settings["WEB_LISTEN"] = _own_address(
        "WEB_LISTEN", environ.get("WEB_LISTEN", ""), 0 if free_ports else 8080
    )
    settings["FILTER_RELAY"], ours = _next_hop(environ, 0 if free_ports else 10026)
    if ours:
        private.add("mailbox")
    spool = None if "FILTER_SPOOL_DIR" in settings else _spool_folder(var)
    if spool is not None:
        settings["FILTER_SPOOL_DIR"] = str(spool)
    settings.setdefault("FILTER_DRAIN_TIMEOUT_SECONDS", _DRAIN_SECONDS)
    settings.setdefault("APPLIANCE_HOSTNAME", socket.gethostname())
    settings.setdefault("WEB_PUBLIC_URL", f"http://{settings['WEB_LISTEN']}")
    settings["SECRET_KEY"] = environ.get("SECRET_KEY") or _secret_key(var)
    settings["POSTERN_VAR"] = str(var)
    return Environment(var, sockets, settings, frozenset(private), spool)


def make_folders(var: Path) -> None:
    """Make var/ with its sub-folders, run/ closed to others.  Raises StackError."""
    try:
        for name in ("log", "inbox", "run"):
            (var / name).mkdir(parents=True, exist_ok=True)
        (var / "run").chmod(0o700)
    except OSError as error:
        raise StackError(f"{var} cannot be written: {error.strerror}") from error


def socket_folder(var: Path) -> Path:
    """Return var/run, or a folder under /tmp where that path is too long or odd for a socket.

    A path with blanks or commas is odd: Postgres and clamd read lists and words.  The folder under
    /tmp is noted in var/run/sockets and used again by the next start.
    """
    run = var / "run"
    short = len(os.fsencode(run)) + _LONGEST_SOCKET_NAME <= _SOCKET_PATH_LIMIT
    if short and re.fullmatch(r"[A-Za-z0-9/._+-]+", str(run)):
        return run
    note = run / "sockets"
    if note.exists():
        folder = Path(note.read_text(encoding="utf-8").strip())
        if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.geteuid():
            return folder
    folder = Path(tempfile.mkdtemp(prefix="postern.", dir="/tmp"))  # short, and 0700
    note.write_text(f"{folder}\n", encoding="utf-8")
    return folder


def database_url(folder: Path) -> str:
    """Return the address of the private Postgres with its socket in `folder`; its superuser and
    database are `postern`.
    """
    return f"postgres://postern@/postern?host={quote(str(folder))}"


def broker_url(sockets: Path) -> str:
    """Return the address of the private Redis in the form that Celery takes."""
    return f"redis+socket://{quote(str(sockets / 'redis.sock'))}?virtual_host=0"


def reachable(address: str) -> str:
    """Return `address` as this machine reaches it: a wildcard is everybody's, also loopback's."""
    endpoint = Endpoint.parse(address)
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, never bound
    return str(Endpoint(host=loopback.get(endpoint.host, endpoint.host), port=endpoint.port))


def filter_address(settings: Mapping[str, str]) -> str:
    """Return the filter's main address: FILTER_LISTEN may name others behind it, by comma."""
    return settings["FILTER_LISTEN"].partition(",")[0]


def listening(address: str) -> bool:
    """Tell whether something accepts connections at `address` (host:port)."""
    endpoint = Endpoint.parse(reachable(address))
    try:
        socket.create_connection((endpoint.host, endpoint.port), timeout=2).close()
    except OSError:
        return False
    return True


def free_address(host: str = "127.0.0.1") -> str:
    """Return `host` with a port on which nothing listens now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return str(Endpoint(host=host, port=probe.getsockname()[1]))


def write_private(file: Path, text: str) -> None:
    """Write `text` so that only the owner can read it and a reader never sees half of it."""
    new = file.with_name(file.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(file)


def _own_address(name: str, given: str, usual_port: int) -> str:
    """Return where a listener of ours binds; a given address must be free, a usual one may move."""
    endpoint = Endpoint.parse(given or f"127.0.0.1:{usual_port}")
    if endpoint.path:
        raise StackError(f"{name}={given}: the stack listens on host:port only")
    if endpoint.port and _can_bind(endpoint):
        return str(endpoint)
    if given and endpoint.port:
        raise StackError(f"{name}={given}: something else listens there already")
    return free_address(endpoint.host)


def _next_hop(environ: Mapping[str, str], usual_port: int) -> tuple[str, bool]:
    """Return the next hop and whether it is our demo mailbox.

    It is ours if its address is loopback and free.  Another stack's demo mailbox on the usual port
    is left to that stack: ours then takes a free port.
    """
    given = environ.get("FILTER_RELAY", "")
    endpoint = Endpoint.parse(given or f"127.0.0.1:{usual_port}")
    loopback = endpoint.host in ("127.0.0.1", "::1", "localhost")
    wanted = environ.get("DEMO_MAILBOX", "yes").lower() not in ("no", "0", "false", "off")
    if not loopback or not wanted:
        return str(endpoint), False
    if endpoint.port and _can_bind(endpoint):
        return str(endpoint), True
    if endpoint.port and (given or b"Postern demo mailbox" not in _greeting(endpoint)):
        return str(endpoint), False
    return free_address(endpoint.host), True


def _greeting(endpoint: Endpoint) -> bytes:
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=2) as connection:
            return connection.recv(512)
    except OSError:
        return b""


def _can_bind(endpoint: Endpoint) -> bool:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((endpoint.host, endpoint.port))
        except OSError:
            return False
    return True


def _spool_folder(var: Path) -> Path:
    """Return where mail at work is spooled: memory if there is plenty, else var/spool."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it is 0700
    folder = var / "spool"
    if memory.is_dir() and os.access(memory, os.W_OK):
        space = os.statvfs(memory)
        if space.f_bavail * space.f_frsize >= _SPOOL_NEEDS_BYTES:
            folder = memory / f"spool-postern-{os.geteuid()}-{name_of(var)}"
    return folder


def name_of(var: Path) -> str:
    """Return a short name that no other stack on this machine has."""
    return hashlib.sha256(os.fsencode(var)).hexdigest()[:12]


def _secret_key(var: Path) -> str:
    """Return the secret key of this stack, made at its first start."""
    file = var / "secret_key"
    if not file.exists():
        write_private(file, secrets.token_urlsafe(48) + "\n")
    return file.read_text(encoding="utf-8").strip()
