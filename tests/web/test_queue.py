"""Postfix's queue on the screen, with stand-ins for Postfix's programs: what waits, and what may be
done with it.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import Refused, Unknown
from appliance.policies.models import PolicyChange
from appliance.status import queue
from tests.web.conftest import Cast

MAIL = {
    "queue_name": "deferred",
    "queue_id": "4XyZ12abcdz",
    "arrival_time": 1771000000,
    "message_size": 2048,
    "forced_expire": False,
    "sender": "ann@example.com",
    "recipients": [{"address": "bob@far.example", "delay_reason": "connect: <b>Timed out</b>"}],
}
PROGRAM = """#!/bin/sh
echo "$0 $*" >> {calls}
{then}
"""


class Postfix:
    """Makes programs that note how they are called, and then do as the test says."""

    def __init__(self, folder: Path, settings: Any) -> None:
        self._folder, self._settings = folder, settings
        self._calls = folder / "calls"

    def says(self, name: str, then: str) -> None:
        program = self._folder / name
        program.write_text(PROGRAM.format(calls=self._calls, then=then), encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        setattr(self._settings, f"WEB_{name.upper()}", [str(program)])

    def tells(self, *mails: dict[str, Any]) -> None:
        queued = self._folder / "queued"
        queued.write_text("".join(json.dumps(mail) + "\n" for mail in mails), encoding="utf-8")
        self.says("postqueue", f"cat {queued}")

    @property
    def calls(self) -> list[str]:
        if not self._calls.exists():
            return []
        lines = self._calls.read_text(encoding="utf-8").splitlines()
        return [line.removeprefix(f"{self._folder}{os.sep}") for line in lines]


@pytest.fixture
def postfix(tmp_path: Path, settings: Any) -> Postfix:
    return Postfix(tmp_path, settings)


def page(cast: Cast, role: str = "administrator") -> str:
    response = cast.client(role).get("/status/queue/")
    assert response.status_code == 200
    return response.content.decode()


def do(cast: Cast, deed: str, queue_id: str = MAIL["queue_id"]) -> str:
    return (
        cast.client("administrator")
        .post("/status/queue/deed/", {"deed": deed, "id": queue_id}, follow=True)
        .content.decode()
    )


def test_what_waits_is_shown_as_text_with_its_reason(cast: Cast, postfix: Postfix) -> None:
    postfix.tells(MAIL)

    shown = page(cast)

    assert "4XyZ12abcdz" in shown
    assert "bob@far.example" in shown
    assert "&lt;b&gt;Timed out&lt;/b&gt;" in shown
    assert "<b>Timed" not in shown
    assert postfix.calls == ["postqueue -j"]


def test_an_auditor_sees_it_and_is_offered_nothing(cast: Cast, postfix: Postfix) -> None:
    postfix.tells(MAIL)

    assert 'value="delete"' in page(cast)
    assert "queue/deed" not in page(cast, "auditor")


def test_an_empty_queue_is_said(cast: Cast, postfix: Postfix) -> None:
    postfix.tells()

    assert "The queue is empty" in page(cast)


def test_of_a_long_queue_the_first_are_read(postfix: Postfix) -> None:
    postfix.tells(*[MAIL] * 5)

    read = queue.look(most=4)

    assert (len(read.messages), read.more) == (4, True)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("echo 'postqueue: fatal: Queue report unavailable' >&2; exit 69", "report unavailable"),
        ("echo nonsense", "in a form that is unknown here"),
        ("""echo '{"queue_name": "active"}'""", "in a form that is unknown here"),
    ],
)
def test_a_queue_that_cannot_be_read_is_said_in_words(
    cast: Cast, postfix: Postfix, then: str, said: str
) -> None:
    postfix.says("postqueue", then)

    assert said in page(cast)


def test_a_machine_without_postfix_is_said_in_words(cast: Cast, settings: Any) -> None:
    settings.WEB_POSTQUEUE = ["/nowhere/postqueue"]

    assert "There is no postqueue on this machine" in page(cast)


@pytest.mark.parametrize(
    ("deed", "called", "done"),
    [
        ("retry", "postqueue -i 4XyZ12abcdz", "is tried again"),
        ("hold", "postsuper -h 4XyZ12abcdz", "is held back"),
        ("resume", "postsuper -H 4XyZ12abcdz", "is no longer held back"),
        ("delete", "postsuper -d 4XyZ12abcdz", "is deleted"),
    ],
)
def test_a_deed_calls_postfix_once_and_is_on_record(
    cast: Cast, postfix: Postfix, deed: str, called: str, done: str
) -> None:
    postfix.tells(MAIL)
    postfix.says("postsuper", "echo 'postsuper: Deleted: 1 message' >&2")

    assert done in do(cast, deed)

    assert postfix.calls == [called, "postqueue -j"]
    assert PolicyChange.objects.latest("number").verb == f"queue {deed}"


@pytest.mark.parametrize("queue_id", ["ALL", "-", "", "-d", "4XyZ12abcdz ALL", "../../etc", "4\nA"])
def test_nothing_but_a_queue_id_reaches_postfix(
    cast: Cast, postfix: Postfix, queue_id: str
) -> None:
    """`postsuper -d ALL` would empty the queue."""
    postfix.says("postsuper", "true")

    with pytest.raises(Unknown):
        queue.act(deed="delete", queue_id=queue_id, actor="tests")

    assert postfix.calls == []


def test_a_message_that_has_left_is_said(cast: Cast, postfix: Postfix) -> None:
    """postsuper ends well then, too; nothing is recorded."""
    postfix.tells()
    postfix.says("postsuper", "true")
    before = PolicyChange.objects.count()

    assert "is no longer in the queue" in do(cast, "delete")
    assert PolicyChange.objects.count() == before


def test_who_lacks_the_right_is_told_what_to_type(cast: Cast, postfix: Postfix) -> None:
    complaint = "postsuper: fatal: use of this command is reserved for the superuser"
    postfix.says("postsuper", f"echo '{complaint}' >&2; exit 1")

    with pytest.raises(Refused, match="run as root: postsuper -h 4XyZ12abcdz, or let it by WEB_"):
        queue.act(deed="hold", queue_id=str(MAIL["queue_id"]), actor="tests")
