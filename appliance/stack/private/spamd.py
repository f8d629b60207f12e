"""The private SpamAssassin on a unix socket, configured as a fresh installation.

The first configuration is written here, so that spamd starts beside Postgres; all later ones come
from the agent, which changes the same files.
"""

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from appliance.engines.spamassassin import CONFIGURATION, Choices, Database, Place, render
from appliance.stack import process
from appliance.stack.environment import Environment, database_url
from appliance.stack.identity import Identity, unprivileged
from appliance.stack.private import postgres
from smtpfilter.config import Endpoint

NAME = "spamd"
_PLUGINS = Path("/etc/spamassassin")  # the distribution's *.pre files name the plugins to load
_PID_FILE = "spamd.pid"


def start(
    environment: Environment, environ: Mapping[str, str], *, shared: bool = True
) -> process.Child:
    """Configure and start spamd, which refuses to be root.

    It reads no configuration in homes, and learns when told to (TELL).  `shared`: Bayes and
    preferences lie in Postgres; else Bayes lies in files and nobody has preferences.
    """
    identity = unprivileged("debian-spamd")
    folder = identity.folder(environment.var, NAME)
    _configure(identity, folder, _place(environment, folder, shared=shared))
    _socket(environment).unlink(missing_ok=True)
    listening = identity.socket_folder(environment.sockets, environment.var, NAME) / "spamd.sock"
    listening.unlink(missing_ok=True)
    _socket(environment).symlink_to(listening)
    return process.start(
        NAME,
        [
            "spamd", f"--socketpath={listening}", "--allow-tell", f"--username={identity.user}",
            "--nouser-config", "--sql-config", "--min-children=1", "--max-children=4",
            f"--siteconfigpath={folder / 'etc'}", f"--helper-home-dir={folder / 'home'}",
            f"--pidfile={folder / _PID_FILE}", "--syslog=stderr",
        ],
        var=environment.var,
        environ=dict(environ) | {"HOME": str(folder / "home")},
        prefix=identity.prefix,
    )  # fmt: skip


def agent_settings(environment: Environment) -> dict[str, str]:
    """Return what the agent must know of it."""
    folder = unprivileged("debian-spamd").folder(environment.var, NAME)
    return {
        "AGENT_SPAMASSASSIN_FOLDER": str(folder / "etc"),
        "AGENT_SPAMASSASSIN_DATABASE_URL": _database_url(environment),
        "AGENT_SPAMD_PID_FILE": str(folder / _PID_FILE),
    }


def ready(environment: Environment) -> bool:
    """Tell whether it answers PING."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(_socket(environment)))
            connection.sendall(b"PING SPAMC/1.5\r\n\r\n")
            return b"PONG" in connection.recv(100)
    except OSError:
        return False


def _place(environment: Environment, folder: Path, *, shared: bool) -> Place:
    dns = environment.settings.get("FILTER_DNS")
    return Place(
        database=Database.from_url(_database_url(environment)) if shared else None,
        bayes_path=str(folder / "bayes" / "bayes"),
        dns=Endpoint.parse(dns) if dns else None,
    )


def _database_url(environment: Environment) -> str:
    """Return Postgres as spamd reaches it, who cannot follow a link in a folder of root's."""
    if "postgres" not in environment.private:
        return environment.settings["DATABASE_URL"]
    return database_url(postgres.socket_folder(environment))


def _configure(identity: Identity, folder: Path, place: Place) -> None:
    """Write Debian's list of plugins, and ours of a fresh installation unless one is there."""
    for name in ("etc", "bayes", "home"):
        (folder / name).mkdir(exist_ok=True)
        if identity.owner is not None:
            shutil.chown(folder / name, identity.owner, identity.owner)
    for plugins in _PLUGINS.glob("*.pre"):
        shutil.copyfile(plugins, folder / "etc" / plugins.name)
    if not (folder / "etc" / CONFIGURATION).exists():
        for name, text in render(Choices(), place).files.items():
            (folder / "etc" / name).write_text(text, encoding="utf-8")


def _socket(environment: Environment) -> Path:
    return environment.sockets / "spamd.sock"
