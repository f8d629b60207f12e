"""The commands `mails` and `quarantine`, and their JSON (operating contract, design section 6)."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from quarantine.models import RecipientRecord
from quarantine.store import DatabaseJournal
from smtpfilter.mail.findings import Findings, Rule, SpamReport, Virus
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome
from tests.evidence.builders import (
    BUSY,
    NO,
    OCTETS,
    OK,
    ScriptedRelay,
    delivered,
    entry,
    held,
    settled,
)

THEN = datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)


def run(*words: str) -> tuple[int, Any, str]:
    """Return the exit code, the JSON document and what stands on standard error."""
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command(*words, "--json", stdout=out, stderr=err)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return code, json.loads(out.getvalue()) if out.getvalue() else None, err.getvalue()


def addresses(document: Any) -> list[str]:
    return [row["address"] for mail in document for row in mail["recipients"]]


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> ScriptedRelay:
    relay = ScriptedRelay(OK)
    monkeypatch.setattr("appliance.management.commands.quarantine.notify_relay", lambda: relay)
    return relay


def test_mails_list_tells_all_of_a_message(journal: DatabaseJournal) -> None:
    made = entry(
        delivered("a@example.com"),
        held("Eve@example.com", banned=("multipart/mixed | .exe,x.exe",)),
        now=THEN,
        subject="Grüße",
        findings=Findings(
            viruses=(Virus("Eicar", "clamd"), Virus("Eicar", "sophie")),
            spam=SpamReport(7.25, (Rule("A", 5.0, "a"), Rule("B", 2.25, "b"))),
        ),
    )
    journal.open(made, OCTETS)
    journal.close(made.envelope, settled(Outcome.DELIVERED, OK, "a@example.com"), THEN)
    code, document, _ = run("mails", "list")
    assert code == 0
    assert document == [
        {
            "mail_id": str(made.envelope.mail_id),
            "received_at": "2026-03-01T12:00:00.250000Z",
            "mail_from": "bob@sender.example",
            "subject": "Grüße",
            "size_bytes": len(OCTETS),
            "score": 7.25,
            "viruses": ["Eicar"],
            "banned": ["multipart/mixed | .exe,x.exe"],
            "rules": {"A": 5.0, "B": 2.25},
            "recipients": [
                {
                    "address": "a@example.com",
                    "category": "clean",
                    "destiny": "pass",
                    "outcome": "delivered",
                    "state": None,
                    "reply": "250 2.0.0 Ok: queued as 4XYZ",
                    "reasons": ["no check found anything"],
                    "score": None,
                    "rules": {},
                },
                {
                    "address": "Eve@example.com",
                    "category": "spam",
                    "destiny": "discard",
                    "outcome": "held",
                    "state": "held",
                    "reply": "250 2.7.0 Ok, held",
                    "reasons": [
                        "score 1005.3 reaches the kill level 6.3",
                        "kill level from @.",
                    ],
                    "score": 1005.3,
                    "rules": {"A": 5.0, "B": 2.25},
                },
            ],
        }
    ]


def test_a_message_that_was_not_scanned_has_no_score(journal: DatabaseJournal) -> None:
    journal.open(entry(findings=Findings(), mail_from=""), OCTETS)
    (mail,) = run("mails", "list")[1]
    assert (mail["score"], mail["rules"], mail["mail_from"]) == (None, {}, "")


def test_mails_list_is_narrowed_by_its_options(journal: DatabaseJournal) -> None:
    now = datetime.now(UTC)
    old = entry(delivered("a@example.com"), now=now - timedelta(hours=3))
    new = entry(delivered("B@Example.com"), mail_from="Carol@X.example", now=now)
    null = entry(delivered("a@example.com"), mail_from="", now=now)
    for made in (old, new, null):
        journal.open(made, OCTETS)
    assert addresses(run("mails", "list")[1]) == ["a@example.com", "B@Example.com", "a@example.com"]
    for words, expected in (
        (("--recipient", "b@EXAMPLE.com"), [new]),
        (("--recipient", "a@example.com"), [null, old]),
        (("--sender", "carol@x.EXAMPLE"), [new]),
        (("--sender", "<>"), [null]),
        (("--sender", ""), [null]),
        (("--since", "15m"), [null, new]),
        (("--since", "2h"), [null, new]),
        (("--since", "7d"), [null, new, old]),
        (("--since", (now - timedelta(hours=1)).isoformat()), [null, new]),
        (("--mail-id", str(old.envelope.mail_id)), [old]),
        (("--since", "99999d"), [null, new, old]),
        (("--since", "1970-01-01T00:00:00z"), [null, new, old]),
        (("--since", "9999-12-31T23:59:59+00:00"), []),
        (("--limit", "1"), [null]),
        (("--recipient", "nobody@example.com"), []),
        (("--recipient", "\x00"), []),
        (("--mail-id", "zzzzzzzzzzz"), []),
    ):
        found = [mail["mail_id"] for mail in run("mails", "list", *words)[1]]
        assert found == [str(made.envelope.mail_id) for made in expected], words


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "yesterday"),
        ("--since", "999999d"),
        ("--since", "2026-02-30T00:00:00Z"),
        ("--limit", "0"),
        ("--limit", "-1"),
    ],
)
def test_a_bad_option_is_a_mistake_in_usage(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("mails", "list", *words)


def test_a_retry_is_found_by_the_id_that_its_own_log_names(journal: DatabaseJournal) -> None:
    first, retry = entry(key=b"k" * 32), entry(key=b"k" * 32)
    journal.open(first, OCTETS)
    journal.close(first.envelope, settled(Outcome.DEFERRED, BUSY, "ann@example.com"), THEN)
    journal.open(retry, OCTETS)
    for made in (first, retry):
        code, mail, _ = run("mails", "show", str(made.envelope.mail_id))
        assert (code, mail["mail_id"]) == (0, str(first.envelope.mail_id))


def test_an_unknown_message_is_refused() -> None:
    assert run("mails", "show", "AAAAAAAAAAA")[0] == 1


test_an_unknown_message_is_refused = pytest.mark.usefixtures("journal")(
    test_an_unknown_message_is_refused
)


def test_quarantine_list_has_one_entry_per_held_copy(journal: DatabaseJournal) -> None:
    made = entry(delivered("a@example.com"), held("b@example.com"), held("c@example.com"), now=THEN)
    journal.open(made, OCTETS)
    code, document, _ = run("quarantine", "list")
    assert code == 0
    assert [row["recipient"] for row in document] == ["b@example.com", "c@example.com"]
    expires_at = document[0].pop("expires_at")
    assert expires_at.endswith("Z")
    assert document[0] == {
        "mail_id": str(made.envelope.mail_id),
        "recipient": "b@example.com",
        "category": "spam",
        "state": "held",
        "received_at": "2026-03-01T12:00:00.250000Z",
        "mail_from": "bob@sender.example",
        "subject": "hello",
        "score": 1005.3,
    }
    code, shown, _ = run(
        "quarantine", "show", document[0]["mail_id"], "--recipient", "B@example.com"
    )
    assert (code, shown["recipient"]) == (0, "b@example.com")
    assert shown["settings"]["spam_kill_level"] == {"value": 6.3, "origin": "@."}


def test_release_tells_what_the_next_hop_answered(
    journal: DatabaseJournal, relay: ScriptedRelay
) -> None:
    made = entry(held("b@example.com"), held("c@example.com"))
    journal.open(made, OCTETS)
    mail_id = str(made.envelope.mail_id)
    code, document, _ = run("quarantine", "release", mail_id, "--recipient", "b@example.com")
    assert code == 0
    assert document == {
        "mail_id": mail_id,
        "recipient": "b@example.com",
        "state": "released",
        "reply": "250 2.0.0 Ok: queued as 4XYZ",
    }
    assert relay.octets == [OCTETS]
    assert dict(RecipientRecord.objects.values_list("address", "state")) == {
        "b@example.com": "released",
        "c@example.com": "held",
    }
    code, document, err = run("quarantine", "release", mail_id, "--recipient", "b@example.com")
    assert code == 1
    assert "released by command line" in document["error"]
    assert err.count("\n") == 1


@pytest.mark.parametrize(("reply", "state"), [(NO, "failed"), (BUSY, "releasing")])
def test_a_release_that_is_not_taken_is_exit_1(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch, reply: Any, state: str
) -> None:
    monkeypatch.setattr(
        "appliance.management.commands.quarantine.notify_relay", lambda: ScriptedRelay(reply)
    )
    made = entry(held())
    journal.open(made, OCTETS)
    words = ("release", str(made.envelope.mail_id), "--recipient", "ann@example.com")
    code, document, _ = run("quarantine", *words)
    assert (code, document["state"], document["reply"]) == (1, state, str(reply))


def test_delete_puts_the_copy_into_the_bin(journal: DatabaseJournal) -> None:
    made = entry(held())
    journal.open(made, OCTETS)
    words = ("delete", str(made.envelope.mail_id), "--recipient", "ann@example.com")
    code, document, _ = run("quarantine", *words)
    assert (code, document["state"]) == (0, "deleted")
    assert run("quarantine", *words)[0] == 1


def test_a_copy_that_is_not_there_is_refused(journal: DatabaseJournal) -> None:
    made = entry(delivered())
    journal.open(made, OCTETS)
    for mail_id in (str(made.envelope.mail_id), "AAAAAAAAAAA", "odd"):
        code, document, _ = run("quarantine", "show", mail_id, "--recipient", "ann@example.com")
        assert code == 1
        assert "No copy" in document["error"]


def test_what_mail_says_cannot_write_on_the_terminal(journal: DatabaseJournal) -> None:
    """P6: nothing that a message says moves the cursor or begins a line."""
    hostile = "a\r\nb\x1b[2J\u202ec"
    made = entry(held(categories=(Category.BANNED,), reasons=(hostile,)), subject=hostile, now=THEN)
    journal.open(made, OCTETS)
    for words in (
        ("mails", "list"),
        ("mails", "show", str(made.envelope.mail_id)),
        ("quarantine", "list"),
    ):
        out = StringIO()
        call_command(*words, stdout=out)
        text = out.getvalue()
        assert "\x1b" not in text
        assert "\r" not in text
        assert "\nb" not in text
