"""A changed policy is obeyed by the next message (P5), also while the filter is at full load."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.doubles.next_hop import NextHop
from tests.flows.conftest import Manage
from tests.flows.mails import EICAR, GTUBE, mail
from tests.flows.running import RunningFilter


@contextmanager
def full_load(postern: RunningFilter, threads: int = 8) -> Iterator[list[str]]:
    """Keep the filter busy; yield the answers as they come."""
    answers: list[str] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            answers.extend(postern.send(mail(), "crowd@example.com"))

    crowd = [threading.Thread(target=run) for _ in range(threads)]
    for one in crowd:
        one.start()
    try:
        yield answers
    finally:
        stop.set()
        for one in crowd:
            one.join()


def test_every_change_counts_for_the_next_message_at_full_load(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    with full_load(postern) as answers:
        for number in range(30):
            love, expected = ("yes", "250 2.0.0 ") if number % 2 else ("no", "250 2.7.0 ")
            manage("policy", "set", "bob@example.com", f"virus_lover={love}")
            (reply,) = postern.send(mail(EICAR))
            assert reply.startswith(expected), f"change {number}"
    assert len(answers) > 10, "that was no load"
    assert all(answer.startswith("250 2.0.0 ") for answer in answers)
    assert len(hop.deliveries_to("crowd@example.com")) == len(answers)
    assert len(hop.deliveries_to("bob@example.com")) == 15


CHANGES = [
    (("policy", "set", "example.com", "spam_kill_level=never"), GTUBE, "250 2.0.0 "),
    (("policy", "set", "@.", "spam_destiny=reject"), GTUBE, "554 5.7.0 "),
    (("policy", "set", ".com", "spam_destiny=tempfail"), GTUBE, "450 4.7.0 "),
    (("senders", "add", "bob@example.com", "sender@example.org", "allow"), GTUBE, "250 2.0.0 "),
    (("senders", "add", "example.com", ".org", "block"), "hello", "250 2.7.0 "),
    (("senders", "add", "@.", "sender@example.org", "100"), "hello", "250 2.7.0 "),
]


@pytest.mark.parametrize("change, text, expected", CHANGES, ids=[" ".join(c[0]) for c in CHANGES])
def test_a_row_changes_the_fate_of_the_second_of_two_identical_mails(
    postern: RunningFilter,
    hop: NextHop,
    manage: Manage,
    change: tuple[str, ...],
    text: str,
    expected: str,
) -> None:
    (before,) = postern.send(mail(text))
    assert not before.startswith(expected)
    manage(*change)
    (after,) = postern.send(mail(text))
    manage("policy", "set", "@.", "spam_destiny=discard")
    assert after.startswith(expected)


def test_the_steps_of_chosen_senders_are_told_on_a_running_daemon(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    postern.send(mail(), sender="quiet@example.org")
    manage("settings", "trace", "watched@example.org")
    postern.send(mail(), sender="watched@example.org")
    manage("settings", "untrace", "watched@example.org")
    told = [
        line for line in postern.log.splitlines() if "virus scan" in line and "filtered" not in line
    ]
    assert len(told) == 1
    (entry,) = manage("mails", "list", "--sender", "watched@example.org")
    assert entry["mail_id"] in told[0]
    canonical = [
        line for line in postern.log.splitlines() if "filtered" in line and entry["mail_id"] in line
    ]
    assert len(canonical) == 1
