"""What would change: recorded mail, decided by the stored policy and by a draft of it."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import Q

from appliance.domains.edit import add_domain
from appliance.policies.edit import set_fields
from appliance.policies.models import PolicyLayer, Profile, SenderRule
from appliance.policies.profiles import change_profile
from appliance.policies.senders import add_sender
from appliance.policies.source import DatabasePolicySource
from quarantine.recorded import recorded
from quarantine.replay import Fate, Missing, Replay, Tally
from quarantine.store import DatabaseJournal
from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.findings import (
    Authentication,
    BadHeader,
    Findings,
    Part,
    SpamReport,
    Unchecked,
    Virus,
)
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import Origin, PolicyBook
from smtpfilter.policy.lookup import SITE
from smtpfilter.ports.journal import JournalRecipient
from smtpfilter.verdict.case import make_case
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.outcome import Outcome
from smtpfilter.verdict.verdict import Case, Verdict
from tests.evidence.builders import OCTETS, OK, address, entry

NOW = datetime.now(UTC)
CLEAN = Findings(parts=(), viruses=(), spam=SpamReport(1.0), bad_headers=())
AUTHOR = "bob@sender.example"  # as in entry()
EVERYTHING = {"since": 0, "before": 1 << 62}


@pytest.fixture
def policy(journal: DatabaseJournal) -> Iterator[None]:
    """Local domains, and a site that sets nothing; policy is as it was afterwards."""
    for name in ("example.com", "other.example"):
        add_domain(name=name, actor="tests")
    before = list(PolicyLayer.objects.all())
    _forget_policy()
    PolicyLayer.objects.create(key=SITE)
    yield
    _forget_policy()
    PolicyLayer.objects.bulk_create(before)


def _forget_policy() -> None:
    for model in (PolicyLayer, SenderRule, Profile):
        model.objects.all().delete()


def _book() -> PolicyBook:
    return DatabasePolicySource().load_all()


def _drafted(book: PolicyBook, key: str = SITE, **settings: Any) -> PolicyBook:
    """Return the book with the layer at `key` changed, which is there."""
    return replace(
        book,
        layers=tuple(
            replace(layer, settings=replace(layer.settings, **settings))
            if layer.key == key
            else layer
            for layer in book.layers
        ),
    )


def _case(book: PolicyBook, to: str, findings: Findings, sender: str, **changes: Any) -> Case:
    return make_case(
        book,
        Recipient(address(to)),
        mail_id=MailId(0),
        identities=(address(sender), address(AUTHOR)),
        size_bytes=len(OCTETS),
        bulk=not sender,
        now=NOW,
        hostname="mx.example.com",
        authentication=findings.authentication,
        **changes,
    )


def _judge(
    book: PolicyBook,
    findings: Findings = CLEAN,
    *recipients: str,
    sender: str = AUTHOR,
    origin: Origin = Origin(),  # noqa: B008 - a frozen value
) -> str:
    """Record a message as the filter would judge it now; return its id."""
    verdicts = [
        decide(_case(book, to, findings, sender, origin=origin), findings)
        for to in recipients or ("ann@example.com",)
    ]
    made = entry(
        *(JournalRecipient(verdict, _ended(verdict), OK) for verdict in verdicts),
        findings=findings,
        mail_from=sender,
    )
    DatabaseJournal().open(replace(made, originating=origin.originating), OCTETS)
    return str(made.envelope.mail_id)


def _ended(verdict: Verdict) -> Outcome:
    held = verdict.destiny is Destiny.DISCARD and verdict.keep
    return Outcome.HELD if held else Outcome.DELIVERED


def _replay(
    stored: PolicyBook,
    draft: PolicyBook,
    key: str = SITE,
    who: Q = Q(),  # noqa: B008
) -> Tally:
    replay = Replay(stored, draft, NOW)
    replay.take(recorded(who, key, **EVERYTHING, profiles=bool(stored.profiles)))
    return replay.tally


def test_a_lower_kill_level_holds_what_was_delivered(policy: None) -> None:
    book = _book()
    spammy = _judge(book, replace(CLEAN, spam=SpamReport(5.0)))
    _judge(book, replace(CLEAN, spam=SpamReport(1.0)))
    _judge(book, replace(CLEAN, spam=SpamReport(20.0)))

    tally = _replay(book, _drafted(book, spam_kill_level=5.0))

    change = (Fate.DELIVERED, Fate.HELD)
    assert tally.changes == {change: 1}
    assert [str(MailId(number)) for number in tally.examples[change]] == [spammy]
    assert (tally.looked_at, tally.unchanged, tally.otherwise) == (3, 2, 0)


def test_a_higher_kill_level_delivers_marked_what_was_held(policy: None) -> None:
    book = _book()
    _judge(book, replace(CLEAN, spam=SpamReport(7.0)), "ann@example.com", "eve@other.example")

    tally = _replay(book, _drafted(book, spam_kill_level=8.0))

    assert tally.changes == {(Fate.HELD, Fate.MARKED): 2}
    assert len(tally.examples[Fate.HELD, Fate.MARKED]) == 1


@pytest.mark.parametrize(
    ("findings", "settings", "missing"),
    [
        (replace(CLEAN, viruses=None), {"bypass_virus_checks": False}, Missing.VIRUS),
        (replace(CLEAN, parts=None), {"bypass_banned_checks": False}, Missing.BANNED),
        (replace(CLEAN, spam=None), {"bypass_spam_checks": False}, Missing.SPAM),
        (replace(CLEAN, bad_headers=None), {"bypass_header_checks": False}, Missing.HEADER),
    ],
)
def test_a_check_that_was_bypassed_is_unknown_where_the_draft_asks_for_it(
    policy: None, findings: Findings, settings: dict[str, Any], missing: Missing
) -> None:
    set_fields(key=SITE, values=dict.fromkeys(settings, "yes"), actor="tests")
    book = _book()
    _judge(book, findings)

    assert _replay(book, _drafted(book, **settings)).unknown == {missing: 1}


def test_a_check_that_was_not_reached_is_unknown_where_the_draft_goes_on(policy: None) -> None:
    """L-5: infected mail was not scored, so nobody knows what a virus lover would get."""
    book = _book()
    _judge(book, replace(CLEAN, viruses=(Virus("Eicar", "clamd"),), spam=None))

    assert _replay(book, _drafted(book, virus_lover=True)).unknown == {Missing.SPAM: 1}
    assert _replay(book, _drafted(book, virus_quarantine_to="")).changes == {
        (Fate.HELD, Fate.DISCARDED): 1
    }


def test_the_sample_lies_in_the_scope_and_under_the_layer(policy: None) -> None:
    set_fields(key="example.com", values={"spam_lover": "no"}, actor="tests")
    book = _book()
    for to in ("ann@example.com", "bea@sub.example.com", "eve@other.example"):
        _judge(book, replace(CLEAN, spam=SpamReport(7.0)), to)
    draft = _drafted(book, "example.com", spam_lover=True)

    assert _replay(book, draft).looked_at == 3
    assert _replay(book, draft, who=Q(domain="other.example")).changes == {}
    tally = _replay(book, draft, "example.com")
    assert (tally.looked_at, tally.changes) == (1, {(Fate.HELD, Fate.MARKED): 1})


@pytest.mark.parametrize(
    ("key", "reached"),
    [
        ("@.", 4),
        (".example.com", 3),
        ("ann@", 2),
        ("ann@example.com", 2),
        ("ann+x@example.com", 1),
        ("sub.example.com", 1),
    ],
)
def test_a_layer_reaches_those_for_whom_its_key_counts(
    policy: None, key: str, reached: int
) -> None:
    """K-1"""
    book = _book()
    _judge(book, CLEAN, "ann@example.com", "ann+x@example.com", "b@sub.example.com")
    _judge(book, CLEAN, "eve@other.example")

    assert _replay(book, book, key).looked_at == reached


def test_what_the_stored_policy_decides_otherwise_than_then_is_counted(policy: None) -> None:
    book = _book()
    _judge(book, replace(CLEAN, spam=SpamReport(7.0)))
    set_fields(key=SITE, values={"spam_kill_level": "9"}, actor="tests", in_order=False)
    now = _book()

    assert _replay(now, _drafted(now, spam_tag3_level=50.0)).otherwise == 1


def test_profiles_that_counted_count_again(policy: None) -> None:
    """E-5: they go before every layer, so a draft of the site's changes nothing there."""
    change_profile(name="outbound", values={"spam_kill_level": "20"}, actor="tests")
    book = _book()
    origin = Origin(originating=True, profiles=("outbound",))
    _judge(book, replace(CLEAN, spam=SpamReport(9.0)), origin=origin)
    _judge(book, replace(CLEAN, spam=SpamReport(9.0)))

    tally = _replay(book, _drafted(book, spam_kill_level=12.0))

    assert (tally.changes, tally.otherwise) == ({(Fate.HELD, Fate.MARKED): 1}, 0)


FILES = ("report.pdf", "setup.exe", "game.lha", "page.html", "a.b.vbs")
DRAFTS: tuple[dict[str, Any], ...] = (
    {"spam_subject_tag3": "[other]"},
    {"spam_kill_level": 9.0},
    {"spam_kill_level": 4.0, "spam_tag2_level": 3.0},
    {"banned_rulenames": "article"},
    {"banned_files_lover": True, "spam_quarantine_cutoff_level": 8.0},
    {"virus_destiny": Destiny.REJECT, "unchecked_destiny": Destiny.PASS},
    {"bypass_banned_checks": True, "bad_header_destiny": Destiny.DISCARD},
    {"spoofed_destiny": Destiny.REJECT, "dmarc_reject_destiny": Destiny.DISCARD},
    {"message_size_limit": 1, "archive_quarantine_to": "quarantine"},
)


def _any_findings(chance: random.Random) -> Findings:
    names = chance.sample(FILES, chance.randrange(3))
    parts = tuple(Part("1", (("text/plain",), (name,)), name, "", 1) for name in names)
    seldom = chance.random
    return Findings(
        parts=parts,
        viruses=(Virus("Eicar", "clamd"),) if seldom() < 0.1 else (),
        spam=SpamReport(chance.choice((-1.0, 2.0, 3.5, 6.3, 7.0, 8.5, 12.0))),
        bad_headers=(BadHeader(2, "odd"),) if seldom() < 0.2 else (),
        unchecked=(Unchecked("encrypted", "a.zip"),) if seldom() < 0.1 else (),
        authentication=Authentication(
            dmarc=chance.choice(("pass", "fail")), dmarc_policy="reject", from_domain="x.example"
        ),
    )


SENDERS = (AUTHOR, "friend@list.example", "foe@list.example", "", "boss@example.com")


@pytest.fixture
def week(policy: None) -> list[tuple[str, str, Findings]]:
    """Two hundred messages of all kinds: (sender, recipient, findings), and lists about some."""
    set_fields(key="other.example", values={"spam_kill_level": "8"}, actor="tests")
    add_sender(key=SITE, sender="friend@list.example", action="allow", actor="tests")
    add_sender(key="example.com", sender="foe@list.example", action="block", actor="tests")
    chance, book, mails = random.Random(5), _book(), []
    for _ in range(200):
        sender = chance.choice(SENDERS)
        to = chance.choice(("ann@example.com", "eve@other.example", "x@far.example"))
        findings = _any_findings(chance)
        _judge(book, findings, to, sender=sender)
        mails.append((sender, to, findings))
    return mails


@pytest.mark.parametrize("settings", DRAFTS, ids=lambda settings: ",".join(settings))
def test_a_replay_counts_what_the_filter_would_do(
    week: list[tuple[str, str, Findings]], settings: dict[str, Any]
) -> None:
    """Whatever it does not look at a second time makes no difference: decide() says the same.

    What was judged with the stored policy comes out as it did then.
    """
    stored = _book()
    draft = _drafted(stored, **settings)
    expected = Counter(
        (_fate(stored, *mail), _fate(draft, *mail))
        for mail in week
        if _fate(stored, *mail) != _fate(draft, *mail)
    )

    tally = _replay(stored, draft)

    assert tally.changes == expected
    assert (tally.looked_at, tally.otherwise, tally.unknown) == (200, 0, {})


def test_a_draft_that_is_no_change_changes_nothing(week: list[Any]) -> None:
    stored = _book()

    tally = _replay(stored, stored)

    assert (tally.looked_at, tally.unchanged) == (200, 200)


def _fate(book: PolicyBook, sender: str, to: str, findings: Findings) -> Fate:
    narrow = DatabasePolicySource().load((address(sender), address(AUTHOR)), (address(to),))
    own = {layer.key for layer in narrow.layers}
    layers = tuple(layer for layer in book.layers if layer.key in own)
    verdict = decide(_case(replace(narrow, layers=layers), to, findings, sender), findings)
    if verdict.destiny is Destiny.PASS:
        found = verdict.categories[0] >= Category.SPAMMY
        return Fate.MARKED if found else Fate.DELIVERED
    if verdict.destiny is Destiny.DISCARD:
        return Fate.HELD if verdict.keep else Fate.DISCARDED
    return Fate.REFUSED
