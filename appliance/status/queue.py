"""Postfix's queue, where Postfix is on this machine: look at it, try again, hold, delete.

Postfix's own programs do it, by argument lists, never by a shell.  Anybody may look and have a
message tried again (postqueue); only root may hold and delete (postsuper), so that the web side
needs to be allowed to (WEB_POSTSUPER) or says what to type.
"""

import getpass
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Timer
from typing import Any

from django.conf import settings

from appliance.errors import Refused, Unknown
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible

MOST = 500  # messages that are looked at
PATIENCE_SECONDS = 10.0

DEEDS = {  # the options of Postfix's programs, and what was done
    "retry": ("postqueue", "-i", "tried again"),
    "hold": ("postsuper", "-h", "held back"),
    "resume": ("postsuper", "-H", "no longer held back"),
    "delete": ("postsuper", "-d", "deleted"),
}

_ID = re.compile(r"[0-9A-Za-z]{6,30}")  # never "ALL", never an option
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_DONE = re.compile(r": 1 message\b")  # postsuper ends well, too, where it found no such message


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message for one recipient.  `reason`: why it waits; "" where it was not tried yet."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Queued:
    """One message in the queue; all text is visible().  `queue`: active, deferred, hold ..."""

    queue: str
    id: str
    arrived_at: datetime
    size_bytes: int
    sender: str
    recipients: list[Waiting]


@dataclass(frozen=True, slots=True)
class Queue:
    """`more`: there are further messages, which are not looked at."""

    messages: list[Queued]
    more: bool


def look(*, most: int = MOST) -> Queue:
    """Return the queue as `postqueue -j` tells it.  Raises Refused: no Postfix here, or what it
    says.
    """
    program = _started([*_program("postqueue"), "-j"])
    stopper = Timer(PATIENCE_SECONDS, program.kill)
    stopper.start()
    try:
        with program:
            messages = list(_messages(program.stdout or (), most + 1))
            if len(messages) > most:
                program.kill()
                return Queue(messages[:most], more=True)
            complaint = program.stderr.read() if program.stderr else b""
    except (ValueError, KeyError, TypeError):
        raise Refused("Postfix tells its queue in a form that is unknown here") from None
    finally:
        stopper.cancel()
    if program.returncode:
        raise Refused(f"Postfix does not tell its queue: {_said(complaint) or 'no answer in time'}")
    return Queue(messages, more=False)


def act(*, deed: str, queue_id: str, actor: str) -> None:
    """Do one of DEEDS with a message.  Raises Refused; Unknown for one that is not there."""
    if deed not in DEEDS:
        raise Unknown(f"unknown deed {visible(deed, 30)!r}; the deeds are: {', '.join(DEEDS)}")
    if not _ID.fullmatch(queue_id):
        raise Unknown(f"{visible(queue_id, 30)!r} is no queue id")
    name, option, _ = DEEDS[deed]
    said = _run([*_program(name), option, queue_id])
    if name == "postsuper" and not _DONE.search(said):
        raise Unknown(f"message {queue_id} is no longer in the queue")
    record(who=actor, verb=f"queue {deed}", key=queue_id, before={}, after=None)


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the program, to be read line by line.  Raises Refused."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=_environment()
        )
    except OSError as error:
        raise Refused(f"{command[0]} does not run: {error.strerror}") from None


def _run(command: Sequence[str]) -> str:
    """Return what the program says.  Raises Refused."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{command[0]} does not run: {error}") from None
    said = _said(done.stderr)
    if done.returncode:
        raise Refused(_why(said, command))
    return said


def _why(said: str, command: Sequence[str]) -> str:
    if "superuser" in said:  # postsuper's word
        typed = " ".join(["postsuper", *command[-2:]])
        return (
            f"the web side runs as {getpass.getuser()} and may not change Postfix's queue ({said}):"
            f" run as root: {typed}, or let it by WEB_POSTSUPER"
        )
    return f"Postfix refuses: {said}"


def _program(name: str) -> list[str]:
    """Return how the program is called.  Raises Refused where it is not there."""
    command: list[str] = getattr(settings, f"WEB_{name.upper()}")
    found = shutil.which(command[0], path=_PATH) if command else None
    if found is None:
        raise Refused(
            f"there is no {name} on this machine: look at the queue where Postfix runs, or say in"
            f" WEB_{name.upper()} where it is"
        )
    return [found, *command[1:]]


def _environment() -> dict[str, str]:
    return {"PATH": _PATH, "LC_ALL": "C"}


def _messages(lines: Any, most: int) -> Iterator[Queued]:
    """Read at most so many messages, one JSON document in each line."""
    for _, line in zip(range(most), lines, strict=False):
        document = json.loads(line)
        yield Queued(
            queue=visible(document["queue_name"], 20),
            id=visible(document["queue_id"], 30),
            arrived_at=datetime.fromtimestamp(document["arrival_time"], UTC),
            size_bytes=document["message_size"],
            sender=visible(document["sender"], 300),
            recipients=[_waiting(one) for one in document["recipients"]],
        )


def _waiting(document: Mapping[str, Any]) -> Waiting:
    return Waiting(
        visible(document["address"], 300), visible(document.get("delay_reason", ""), 500)
    )


def _said(octets: bytes) -> str:
    """Return what the program complained of, on one line."""
    return visible(" ".join(octets.decode("utf-8", "replace").split()), 500)
