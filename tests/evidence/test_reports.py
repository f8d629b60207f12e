"""Each recipient is shown his own spam report, in JSON, in notices and on screens (S-1, BB-50)."""

from dataclasses import replace
from typing import Any

import pytest

from appliance.notices.source import DatabaseTemplates
from quarantine.documents import mail_document
from quarantine.letters import Letters
from quarantine.models import MailRecord, Notice, SeenVirus
from quarantine.reports import shown_reports
from quarantine.store import DatabaseJournal
from smtpfilter.mail.findings import Findings, Rule, SpamReport, Virus
from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.ports.journal import JournalRecipient
from smtpfilter.verdict.verdict import NoticeOrder
from tests.evidence.builders import OCTETS, entry, held

ANN, BOB, CAROL = (f"{name}@example.com" for name in ("ann", "bob", "carol"))
SITE = SpamReport(7.0, (Rule("SITE", 7.0),))
HERS = SpamReport(9.5, (Rule("HERS", 9.5),), preferences="carol")
BOTH = Findings(spam=SITE, spam_for={"carol": HERS})


def row(address: str, preferences: str = "", **changes: Any) -> JournalRecipient:
    source = "sql:" if preferences else ""
    settings = replace(DEFAULTS, sa_username=preferences, sa_userconf=source)
    return held(address, policy=EffectivePolicy(settings, {}, True), **changes)


def recorded(journal: DatabaseJournal, findings: Findings, **changes: Any) -> MailRecord:
    rows = (row(ANN, score=7.0), row(CAROL, "carol", score=9.5), row(BOB, score=None))
    made = entry(*rows, findings=findings)
    journal.open(replace(made, **changes), OCTETS)
    return MailRecord.objects.get(pk=made.envelope.mail_id.number)


def test_each_recipient_has_score_and_rules_of_his_own(journal: DatabaseJournal) -> None:
    """The message is known by the site's; who was not scored has neither."""
    document = mail_document(recorded(journal, BOTH))

    assert (document["score"], document["rules"]) == (7.0, {"SITE": 7.0})
    assert [(r["score"], r["rules"]) for r in document["recipients"]] == [
        (7.0, {"SITE": 7.0}),
        (9.5, {"HERS": 9.5}),
        (None, {}),
    ]


@pytest.mark.parametrize(
    ("findings", "shown"),
    [
        (BOTH, [("SITE", "", (ANN,)), ("HERS", "", (CAROL,)), ("", "", (BOB,))]),
        (Findings(spam=SITE), [("SITE", "", (ANN, CAROL)), ("", "", (BOB,))]),
        (Findings(), [("", "", (ANN, CAROL, BOB))]),
        (Findings(spam_failure="down"), [("", "down", (ANN, CAROL, BOB))]),
        (
            replace(BOTH, spam_for={}, spam_failure="down"),
            [("SITE", "", (ANN,)), ("", "down", (CAROL,)), ("", "", (BOB,))],
        ),
        (
            Findings(spam=HERS, spam_failure="down"),
            [("", "down", (ANN, BOB)), ("HERS", "", (CAROL,))],
        ),
    ],
)
def test_the_screen_shows_each_report_once_with_those_for_whom_it_counts(
    journal: DatabaseJournal, findings: Findings, shown: Any
) -> None:
    """A failure is one for those without a report of their own."""
    mail = recorded(journal, findings)

    told = [
        (",".join(rule.name for rule in one.rules), one.failure, one.addresses)
        for one in shown_reports(list(mail.recipients.order_by("position")), findings)
    ]
    assert told == shown


@pytest.mark.parametrize(
    ("kind", "to", "score"),
    [
        ("warnbannedrecip", CAROL, "9.5"),
        ("warnbannedrecip", ANN, "7.0"),
        ("warnbannedrecip", BOB, ""),
        ("spam_admin", "postmaster@example.com", "7.0"),
    ],
)
def test_a_notice_tells_its_readers_own_score(
    journal: DatabaseJournal, kind: str, to: str, score: str
) -> None:
    """Z-17: an administrator reads what the message is known by."""
    facts = {"score": "7.0", "rules": [{"name": "SITE", "points": "7.0"}]}
    recorded(journal, BOTH, notices=(NoticeOrder(kind, to, "en"),), facts=facts)
    letters = Letters(DatabaseTemplates(), "filter.example.com", "https://filter.example.com")

    assert letters.facts(Notice.objects.get())["score"] == score


def test_a_sign_of_spam_is_no_virus_in_the_journal(journal: DatabaseJournal) -> None:
    """V-4, BB-47: neither in the list nor among the names ever seen."""
    found = (Virus("Phish", "clamd", 0.1), Virus("Worm", "sophie"))

    assert mail_document(recorded(journal, replace(BOTH, viruses=found)))["viruses"] == ["Worm"]
    assert [seen.name for seen in SeenVirus.objects.all()] == ["Worm"]
