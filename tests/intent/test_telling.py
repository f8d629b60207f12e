"""Alarms told to people, by mail past the filter and by webhook: once each time."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from django.utils import timezone

from appliance.errors import Refused
from appliance.status.alarms import FRESH, end_alarm, write_alarm
from appliance.status.edit import set_settings
from appliance.status.models import AlarmLetter
from appliance.status.telling import GIVEN_UP, PAUSE, collect_news, send_letters
from appliance.status.webhook import NotTaken
from tests.evidence.builders import BUSY, NO, OK, ScriptedRelay

HOOK = "https://chat.example/hook"


class Hook:
    """A webhook that refuses so many calls, and keeps those that it takes."""

    def __init__(self) -> None:
        self.refuses = 0
        self.taken: list[dict[str, Any]] = []

    def __call__(self, url: str, document: dict[str, Any]) -> None:
        assert url == HOOK
        if self.refuses:
            self.refuses -= 1
            raise NotTaken("chat.example answers 503")
        self.taken.append(document)

    @property
    def events(self) -> list[str]:
        return [f"{one['event']} {one['alarm']}" for one in self.taken]


@pytest.fixture
def readers(db: None) -> Iterator[None]:
    both = {"alarm_to": "ada@example.net, eve@example.net", "alarm_webhook": HOOK}
    set_settings(values=both, actor="tests")
    yield


def tell(relay: ScriptedRelay, hook: Hook, *, later: timedelta = timedelta()) -> None:
    now = timezone.now() + later
    collect_news(now=now)
    send_letters(relay=relay, post=hook, now=now)


@pytest.mark.usefixtures("readers")
def test_each_alarm_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    relay, hook = ScriptedRelay(OK), Hook()
    write_alarm(name="virus scanner", text="clamd <hangs>")
    for _ in range(3):
        tell(relay, hook)
        write_alarm(name="virus scanner", text="clamd still hangs")
    end_alarm(name="virus scanner")
    for _ in range(3):
        tell(relay, hook)

    assert hook.events == ["begin virus scanner", "end virus scanner"]
    assert hook.taken[0]["text"] == "clamd <hangs>"
    mails = [message_from_bytes(octets, policy=default) for octets in relay.octets]
    assert [(mail["to"], mail["subject"]) for mail in mails] == [
        ("ada@example.net", "Alarm: virus scanner"),
        ("eve@example.net", "Alarm: virus scanner"),
        ("ada@example.net", "Over: virus scanner"),
        ("eve@example.net", "Over: virus scanner"),
    ]
    assert mails[0]["auto-submitted"] == "auto-generated"
    assert "clamd <hangs>" in mails[0].get_content()
    assert "/status/" in mails[0].get_content()
    assert all(not sent.mail_from.octets for sent in relay.sent)
    assert not AlarmLetter.objects.exists()


@pytest.mark.usefixtures("readers")
def test_an_alarm_that_nobody_sounds_any_more_is_over() -> None:
    relay, hook = ScriptedRelay(OK), Hook()
    write_alarm(name="disk", text="full")
    tell(relay, hook)
    tell(relay, hook, later=FRESH + timedelta(seconds=1))

    assert hook.events == ["begin disk", "end disk"]


@pytest.mark.usefixtures("readers")
def test_what_is_not_taken_is_tried_again_after_a_pause_and_the_others_are_not() -> None:
    relay, hook = ScriptedRelay(OK), Hook()
    hook.refuses = 1
    write_alarm(name="disk", text="full")
    tell(relay, hook)
    tell(relay, hook)
    assert hook.events == []

    tell(relay, hook, later=PAUSE)

    assert hook.events == ["begin disk"]
    assert len(relay.sent) == 2


@pytest.mark.usefixtures("readers")
@pytest.mark.parametrize("reply", [BUSY, NO])
def test_what_is_never_taken_is_given_up(reply: Any) -> None:
    """Also a 5xx is tried again: what is broken may be the next hop's set-up."""
    relay, hook = ScriptedRelay(reply), Hook()
    write_alarm(name="disk", text="full")
    tell(relay, hook)
    assert AlarmLetter.objects.count() == 2

    send_letters(relay=relay, post=hook, now=timezone.now() + GIVEN_UP + PAUSE)

    assert not AlarmLetter.objects.exists()


@pytest.mark.django_db
def test_without_readers_nothing_is_sent() -> None:
    relay, hook = ScriptedRelay(OK), Hook()
    write_alarm(name="disk", text="full")
    tell(relay, hook)

    assert (relay.sent, hook.taken) == ([], [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alarm_to", "ada"),
        ("alarm_to", "ada@example.net, eve"),
        ("alarm_webhook", "http://chat.example/"),
        ("alarm_webhook", "https:///hook"),
        ("alarm_webhook", "https://me:secret@chat.example/"),
        ("alarm_webhook", "https://chat.example:port/"),
        ("alarm_webhook", "https://127.0.0.1/"),
        ("alarm_webhook", "https://[::1]/"),
        ("alarm_webhook", "https://[::ffff:127.0.0.1]/"),
        ("alarm_webhook", "https://169.254.169.254/latest/"),
        ("alarm_webhook", "https://0.0.0.0/"),
        ("alarm_webhook", "file:///etc/passwd"),
    ],
)
def test_a_setting_that_leads_nowhere_good_is_refused(name: str, value: str) -> None:
    with pytest.raises(Refused):
        set_settings(values={name: value}, actor="tests")
