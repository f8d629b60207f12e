"""A real clamd or spamd of a test's own, which may be stopped, overloaded or set up badly.

Each is started in a folder of its own and gone afterwards; the stack's engines, which other tests
use at the same time, are left alone.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.stack import process
from appliance.stack.identity import stack_folder, unprivileged
from appliance.stack.private import clamd as private_clamd
from smtpfilter.config import Endpoint
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.spamd import Spamd

TEMPLATE = (
    "clear_report_template",
    "report POSTERN-REPORT 1",
    "report score _SCORE_ required _REQD_ autolearn _AUTOLEARN_ prefix",
    "report tests _TESTSSCORES(,)_",
    "report _SUMMARY_",
)


class OwnEngine:
    """`path`: its socket."""

    def __init__(self, child: process.Child, path: Path) -> None:
        self.path = path
        self._child = child

    def freeze(self) -> None:
        """Take connections, and never say a word: SIGSTOP for it and all of its children."""
        os.killpg(self._child.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self._child.process.pid, signal.SIGCONT)


@contextmanager
def own_clamd(*settings: str) -> Iterator[OwnEngine]:
    """Start a clamd that knows EICAR; `settings`: lines of its configuration that differ."""
    with _folder() as folder:
        changed = {line.split()[0] for line in settings}
        ours = private_clamd._CONFIGURATION.format(
            signatures=private_clamd.SIGNATURES, socket=folder / "clamd.sock"
        )
        kept = [line for line in ours.splitlines() if line.partition(" ")[0] not in changed]
        configuration = folder / "clamd.conf"
        configuration.write_text("\n".join([*kept, *settings, ""]))
        command = [private_clamd._program(folder), f"--config-file={configuration}"]
        child = process.start("clamd", command, var=folder, environ=os.environ)
        engine = OwnEngine(child, folder / "clamd.sock")
        yield from _running(engine, child, Clamd(Endpoint(path=str(engine.path))))


@contextmanager
def own_spamd(
    *settings: str, children: int = 1, local: bool = True, bayes: bytes | None = None
) -> Iterator[OwnEngine]:
    """Start a spamd with Debian's rules and our report; `settings`: more lines of configuration.

    `local`: without network tests.  `bayes`: what stands in the file of Bayes' tokens.
    """
    identity = unprivileged("debian-spamd")
    with _folder() as var:
        folder = identity.folder(var, "spamd")
        for name in ("etc", "home", "bayes"):
            (folder / name).mkdir()
        for plugins in Path("/etc/spamassassin").glob("*.pre"):
            shutil.copyfile(plugins, folder / "etc" / plugins.name)
        lines = [*TEMPLATE, f"bayes_path {folder}/bayes/bayes", *settings, ""]
        (folder / "etc" / "local.cf").write_text("\n".join(lines))
        if bayes is not None:
            for name in ("bayes_toks", "bayes_seen"):
                (folder / "bayes" / name).write_bytes(bayes)
        for path in (folder, *folder.rglob("*")):
            if identity.owner is not None:
                shutil.chown(path, identity.owner)
        command = [
            "spamd", f"--socketpath={folder / 'spamd.sock'}", "--allow-tell", "--nouser-config",
            f"--min-children={children}", f"--max-children={children}",
            f"--siteconfigpath={folder / 'etc'}", f"--helper-home-dir={folder / 'home'}",
            "--syslog=stderr", *(["--local"] if local else []),
        ]  # fmt: skip
        environ = os.environ | {"HOME": str(folder / "home")}
        child = process.start("spamd", command, var=var, environ=environ, prefix=identity.prefix)
        engine = OwnEngine(child, folder / "spamd.sock")
        yield from _running(engine, child, Spamd(Endpoint(path=str(engine.path))))


def _running(engine: OwnEngine, child: process.Child, asked: Clamd | Spamd) -> Iterator[OwnEngine]:
    try:
        process.wait_ready(child, lambda: _answers(asked))
        yield engine
    finally:
        engine.thaw()
        child.stop()


def _answers(asked: Clamd | Spamd) -> bool:
    try:
        asked.ping()
    except ScannerFailed:
        time.sleep(0.1)
        return False
    return True


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="postern-"))  # short: a socket's path has 107 octets
    for name in ("log", "run"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(stack_folder(folder), ignore_errors=True)
