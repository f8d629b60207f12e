"""SpamAssassin on this machine: the folder of its configuration, its lint, its daemon.

Only our own files in the folder are touched; what an administrator has put beside them stays.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.engines.spamassassin import CONFIGURATION, LOCAL_ONLY, PLUGINS
from smtpfilter.config import Endpoint
from smtpfilter.mail.findings import visible
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.report import LONGEST_ANSWER, parse_answer
from smtpfilter.scan.spamd import gtube
from smtpfilter.scan.wire import Connection, Deadline

ORDER = (LOCAL_ONLY, PLUGINS, CONFIGURATION)  # what is named before what names it

_PROGRAM = "/usr/bin/spamassassin"
_LINT_SECONDS = 120.0
_RELOAD_SECONDS = 60.0
_START_SECONDS = 60.0  # that spamd may take to answer with a new configuration
_ASK_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_LONGEST_COMPLAINT = 1500  # characters
_IN_FORCE = re.compile(r"^score \S+ required \S+ config (?P<digest>[0-9a-f]+) ", re.MULTILINE)
_LOG_MARK = re.compile(r"^\w{3} +\d+ [\d:.]+ \[\d+\] warn: (?:config: )?")
_LOAD = r"^\s*loadplugin\s+Mail::SpamAssassin::Plugin::{}\b"

# setting: (plugin, what must be there, what to do)
_NEEDS = {
    "dns_lists": ("URIDNSBL", (), ""),
    "razor": ("Razor2", ("razor-check",), "install Debian's package razor"),
    "pyzor": ("Pyzor", ("pyzor",), "install Debian's package pyzor"),
    "dcc": (
        "",  # postern.pre loads it
        ("dccproc", "/var/dcc/dccifd", "/var/dcc/bin/dccproc"),
        "build DCC from its source, as its licence demands",
    ),
}


class NotTold(Exception):
    """spamd could not be told to read its configuration anew; the text says why."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where things are.  Without a `reload_command` the process in `pid_file` gets SIGHUP."""

    folder: Path
    spamd: Endpoint
    pid_file: Path
    reload_command: tuple[str, ...] = ()

    def read(self) -> dict[str, str]:
        """Return those of our files that are there."""
        found = {name: self.folder / name for name in ORDER}
        return {
            name: file.read_text(encoding="utf-8") for name, file in found.items() if file.is_file()
        }

    def holds(self, files: Mapping[str, str]) -> bool:
        """Tell whether our files are these; what cannot be read is not."""
        try:
            return self.read() == files
        except (OSError, ValueError):
            return False

    def lint(self, files: Mapping[str, str]) -> str:
        """Return what SpamAssassin has against the folder with `files` in it, "" for nothing."""
        with tempfile.TemporaryDirectory(prefix="postern-lint.") as name:
            beside = [file for file in self.folder.iterdir() if file.is_file()]
            for file in beside:
                shutil.copyfile(file, Path(name) / file.name)
            for ours, text in files.items():
                (Path(name) / ours).write_text(text, encoding="utf-8")
            return _lint(Path(name))

    def write(self, files: Mapping[str, str]) -> None:
        """Put the files in place, each whole or not at all, readable for the folder's group."""
        group = self.folder.stat().st_gid
        for name in ORDER:
            if name not in files:
                (self.folder / name).unlink(missing_ok=True)
                continue
            new = self.folder / f".{name}.new"
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                if os.fstat(out.fileno()).st_gid != group:
                    os.fchown(out.fileno(), -1, group)
                os.fchmod(out.fileno(), 0o640)
                out.write(files[name])
                out.flush()
                os.fsync(out.fileno())
            new.replace(self.folder / name)

    def reload(self) -> None:
        """Tell spamd to read its configuration anew.  Raises NotTold."""
        try:
            if self.reload_command:
                subprocess.run(
                    self.reload_command, check=True, capture_output=True, timeout=_RELOAD_SECONDS
                )
            else:
                os.kill(self._pid(), signal.SIGHUP)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise NotTold(str(error)) from error

    def _pid(self) -> int:
        """Return spamd's process id; spamd's user can write the file, so not any number counts."""
        pid = int(self.pid_file.read_text(encoding="ascii"))
        if pid < 2:
            raise ValueError(f"{self.pid_file} holds no process id")
        return pid

    def runs(self, digest: str, seconds: float = _START_SECONDS) -> bool:
        """Tell whether spamd answers with the configuration of this digest, now or soon."""
        until = time.monotonic() + seconds
        while self._in_force() != digest:
            if time.monotonic() > until:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def missing(self) -> dict[str, str]:
        """Return what network tests lack here, {setting: what to do about it}."""
        loaded = "\n".join(file.read_text("utf-8", "replace") for file in self.folder.glob("*.pre"))
        found = {}
        for setting, (plugin, programs, remedy) in _NEEDS.items():
            if programs and not any(
                shutil.which(program) or _socket(program) for program in programs
            ):
                found[setting] = f"not installed: {remedy}"
            elif plugin and not re.search(_LOAD.format(plugin), loaded, re.MULTILINE):
                found[setting] = (
                    f"its plugin is not loaded: name it in a .pre file in {self.folder}"
                )
        return found

    def _in_force(self) -> str:
        """Return the digest that spamd's report names, "" where none comes."""
        mail = gtube()  # Bayes does not learn from it
        head = b"REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(mail)
        try:
            with Connection(self.spamd, Deadline(_ASK_SECONDS)) as connection:
                connection.send([head, mail])
                connection.half_close()
                body = parse_answer(connection.receive_all(LONGEST_ANSWER)).body
        except ScannerFailed:
            return ""
        match = _IN_FORCE.search(body)
        return match["digest"] if match else ""


def _socket(path: str) -> bool:
    return Path(path).is_socket()


def _lint(folder: Path) -> str:
    command = [_PROGRAM, "--lint", f"--siteconfigpath={folder}", "--prefspath=/dev/null"]
    environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, env=environ, capture_output=True, check=False, timeout=_LINT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        return visible(str(error), _LONGEST_COMPLAINT)
    if done.returncode == 0:
        return ""
    said = (done.stderr or done.stdout).decode("utf-8", "replace").replace(f"{folder}/", "")
    said = re.sub(r"(_password\s+)\S.*", r"\1...", said)
    warnings = [_LOG_MARK.sub("", line) for line in said.splitlines() if " lint: " not in line]
    return visible("; ".join(warnings), _LONGEST_COMPLAINT) or "spamassassin --lint failed"
