"""As whom a daemon runs that refuses to be root (Postgres, spamd), and where its files then lie.

plain     we are an ordinary user: nothing to do, files under var/
unshare   we are root: a user namespace in which we look like that user, files under var/
setpriv   we are root where namespaces are refused (chroot, container): the daemon's own system
          user, with files under /var/lib/postern, as it may not be able to reach the checkout
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from appliance.stack.environment import name_of

SYSTEM_STATE = Path("/var/lib/postern")

_UNSHARE = ("unshare", "--user")


@dataclass(frozen=True, slots=True)
class Identity:
    """How to start the daemon: words before its command line, the user who owns its files, and
    the name of the user that it sees itself as.
    """

    prefix: tuple[str, ...]
    owner: str | None  # None: ourselves
    user: str

    def folder(self, var: Path, name: str) -> Path:
        """Return the daemon's own folder, made and owned so that only the daemon can use it."""
        if self.owner is None:
            folder = var / name
            folder.mkdir(mode=0o700, exist_ok=True)
            return folder
        folder = stack_folder(var) / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.chown(folder, self.owner)
        return folder

    def socket_folder(self, sockets: Path, var: Path, name: str) -> Path:
        """Return where the daemon makes its sockets: below `sockets` if it can write there."""
        if self.owner is not None:
            return self.folder(var, f"{name}-run")
        folder = sockets / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def stack_folder(var: Path) -> Path:
    """Return the folder under /var/lib/postern of the stack whose state is in `var`."""
    return SYSTEM_STATE / name_of(var)


@cache
def unprivileged(system_user: str) -> Identity:
    """Return how a daemon runs without being root; `system_user` is the one Debian made for it."""
    if os.geteuid() != 0:
        return Identity((), None, pwd.getpwuid(os.geteuid()).pw_name)
    user = pwd.getpwnam(system_user)
    if _unshare_works():
        looks = (f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", "--")
        return Identity((*_UNSHARE, *looks), None, system_user)
    return Identity(
        ("setpriv", "--reuid", system_user, "--regid", system_user, "--clear-groups", "--"),
        system_user,
        system_user,
    )


@cache
def _unshare_works() -> bool:
    try:
        done = subprocess.run([*_UNSHARE, "--", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0
