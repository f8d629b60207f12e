"""The private ClamAV: one signature, which knows the EICAR test file anywhere, on a unix socket.

It starts in no time and needs no download.  Real signatures come with a real clamd (FILTER_CLAMD).
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pyclamd

from appliance.stack import process
from appliance.stack.environment import Environment

NAME = "clamd"
SIGNATURES = Path(__file__).with_name("clamav")
_APPARMOR = Path("/sys/module/apparmor/parameters/enabled")
_CONFIGURATION = """\
Foreground yes
DatabaseDirectory {signatures}
LocalSocket {socket}
LocalSocketMode 600
FixStaleSocket yes
# Above FILTER_MESSAGE_SIZE_LIMIT_BYTES, so that a message at the limit is scanned, not refused.
StreamMaxLength 80M
MaxFileSize 80M
MaxScanSize 400M
# What exceeds a limit is told as a finding: unlooked-at must never count as clean.
AlertExceedsMax yes
MaxThreads 8
SelfCheck 0
"""


def start(environment: Environment, environ: Mapping[str, str]) -> process.Child:
    """Configure and start clamd with the signatures beside this file."""
    folder = environment.sockets / NAME
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SIGNATURES, folder / "signatures")
    configuration = folder / "clamd.conf"
    configuration.write_text(
        _CONFIGURATION.format(signatures=folder / "signatures", socket=_socket(environment)),
        encoding="utf-8",
    )
    return process.start(
        NAME,
        [_program(folder), f"--config-file={configuration}"],
        var=environment.var,
        environ=environ,
    )


def ready(environment: Environment) -> bool:
    """Tell whether it answers PING."""
    try:
        return bool(pyclamd.ClamdUnixSocket(str(_socket(environment)), timeout=10).ping())
    except pyclamd.ConnectionError:
        return False


def _program(folder: Path) -> str:
    """Return the program: a copy where AppArmor keeps /usr/sbin/clamd to Debian's own folders."""
    installed = "/usr/sbin/clamd"
    if not _APPARMOR.exists() or _APPARMOR.read_text(encoding="ascii").strip() != "Y":
        return installed
    return str(shutil.copy2(installed, folder / "clamd"))


def _socket(environment: Environment) -> Path:
    return environment.sockets / "clamd.sock"
