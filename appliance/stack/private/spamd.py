"""The private SpamAssassin: local rules and Bayes only, our report template, on a unix socket.

The template is data: spamassassin/local.cf beside this file.  smtpfilter/scan/spamd.py reads it.
"""

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from appliance.stack import process
from appliance.stack.environment import Environment
from appliance.stack.identity import Identity, unprivileged

NAME = "spamd"
CONFIGURATION = Path(__file__).with_name("spamassassin") / "local.cf"
_PLUGINS = Path("/etc/spamassassin")  # the distribution's *.pre files name the plugins to load


def start(environment: Environment, environ: Mapping[str, str]) -> process.Child:
    """Configure and start spamd, which refuses to be root.

    It neither reads nor writes configuration of users, and learns when told to (TELL).
    """
    identity = unprivileged("debian-spamd")
    folder = identity.folder(environment.var, NAME)
    _configure(identity, folder)
    _socket(environment).unlink(missing_ok=True)
    listening = identity.socket_folder(environment.sockets, environment.var, NAME) / "spamd.sock"
    listening.unlink(missing_ok=True)
    _socket(environment).symlink_to(listening)
    return process.start(
        NAME,
        [
            "spamd", f"--socketpath={listening}", "--local", "--allow-tell",
            "--nouser-config", "--min-children=1", "--max-children=4",
            f"--siteconfigpath={folder / 'etc'}", f"--helper-home-dir={folder / 'home'}",
            f"--pidfile={folder / 'spamd.pid'}", "--syslog=stderr",
        ],
        var=environment.var,
        environ=dict(environ) | {"HOME": str(folder / "home")},
        prefix=identity.prefix,
    )  # fmt: skip


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


def _configure(identity: Identity, folder: Path) -> None:
    """Write the site's configuration: our file, where Bayes lies, and Debian's list of plugins."""
    for name in ("etc", "bayes", "home"):
        (folder / name).mkdir(exist_ok=True)
        if identity.owner is not None:
            shutil.chown(folder / name, identity.owner)
    for old in (folder / "etc").iterdir():
        old.unlink()
    for plugins in _PLUGINS.glob("*.pre"):
        shutil.copyfile(plugins, folder / "etc" / plugins.name)
    shutil.copyfile(CONFIGURATION, folder / "etc" / "local.cf")
    (folder / "etc" / "paths.cf").write_text(f"bayes_path {folder}/bayes/bayes\n", encoding="utf-8")


def _socket(environment: Environment) -> Path:
    return environment.sockets / "spamd.sock"
