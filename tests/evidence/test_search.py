"""Finding mail: scope first, newest first, pages by key."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q

from quarantine.models import RecipientRecord
from quarantine.search import Filters, find_mails, find_recipients
from quarantine.store import DatabaseJournal
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome
from tests.evidence.builders import OCTETS, OK, delivered, entry, held, settled

ANN, EVERYONE = Q(owner="ann@example.com"), Q()


def addresses(who: Q, filters: Filters = Filters(), **more: object) -> list[str]:  # noqa: B008 - frozen
    page = find_recipients(who, filters, limit=100, **more)  # type: ignore[arg-type]
    return [row.address for row in page.rows]


def test_what_is_outside_of_the_scope_is_not_there(journal: DatabaseJournal) -> None:
    shared = entry(held("ann+x@example.com"), held("eve@example.com"))
    journal.open(shared, OCTETS)
    journal.open(entry(held("eve@example.com")), OCTETS)
    (mail,) = find_mails(ANN, Filters(), limit=10).rows
    assert [row.address for row in mail.recipients.all()] == ["ann+x@example.com"]
    assert addresses(ANN) == ["ann+x@example.com"]
    number = str(shared.envelope.mail_id)
    assert addresses(ANN, Filters(recipient="eve@example.com", mail_id=number)) == []
    assert not find_mails(Q(pk__in=[]), Filters(), limit=10).rows


def test_pages_hold_every_row_once_while_mail_comes_in(journal: DatabaseJournal) -> None:
    for number in range(4):
        rows = [held(f"{name}{number}@example.com") for name in "abc"]
        journal.open(entry(*rows), OCTETS)
    expected = addresses(EVERYONE)
    assert expected[:4] == ["a3@example.com", "b3@example.com", "c3@example.com", "a2@example.com"]
    seen: list[str] = []
    after = ""
    while True:
        page = find_recipients(EVERYONE, Filters(), limit=5, after=after)
        seen += [row.address for row in page.rows]
        journal.open(entry(held("late@example.com")), OCTETS)
        if not page.following:
            break
        after = page.following
    assert seen == expected


def test_pages_of_messages_hold_every_message_once(journal: DatabaseJournal) -> None:
    made = [entry(delivered()) for _ in range(5)]
    for one in made:
        journal.open(one, OCTETS)
    seen: list[str] = []
    after = ""
    for size in (2, 2, 1):
        page = find_mails(EVERYONE, Filters(), limit=2, after=after)
        assert len(page.rows) == size
        seen += [mail.mail_id for mail in page.rows]
        after = page.following
    assert after == ""
    assert seen == [str(one.envelope.mail_id) for one in reversed(made)]


@pytest.mark.parametrize("after", ["x", "-", "9" * 40, "1-1-1", "\x00", "-5", "²"])
def test_a_page_key_that_is_none_does_no_harm(journal: DatabaseJournal, after: str) -> None:
    journal.open(entry(held()), OCTETS)
    find_recipients(EVERYONE, Filters(), limit=5, after=after)
    find_mails(EVERYONE, Filters(), limit=5, after=after)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(state="held"), ["b@example.com"]),
        (Filters(outcome="delivered"), ["a@example.com"]),
        (Filters(category="spam"), ["b@example.com"]),
        (Filters(domain="other.example"), ["c@other.example"]),
        (Filters(owner="b@example.com"), ["b@example.com"]),
        (Filters(text="HELLO"), ["c@other.example"]),
        (Filters(text="100%"), []),
        (Filters(text="a_b"), []),
        (Filters(text="\x00\ud800"), []),
        (Filters(sender="\ud800@x"), []),
        (Filters(mail_id="'; --"), []),
        (Filters(recipient="<A@Example.com>"), ["a@example.com"]),
    ],
)
def test_filters_narrow(journal: DatabaseJournal, filters: Filters, expected: list[str]) -> None:
    made = entry(delivered("a@example.com"), held("b@example.com"), subject="axb 1000")
    journal.open(made, OCTETS)
    journal.close(made.envelope, settled(Outcome.DELIVERED, OK, "a@example.com"), datetime.now(UTC))
    journal.open(entry(delivered("c@other.example"), subject="say Hello"), OCTETS)
    assert addresses(EVERYONE, filters) == expected
    in_mails = [
        row.address
        for mail in find_mails(EVERYONE, filters, limit=10).rows
        for row in mail.recipients.all()
        if row.address in expected
    ]
    assert in_mails == expected


def test_held_copies_are_those_with_a_state(journal: DatabaseJournal) -> None:
    journal.open(
        entry(delivered("a@example.com"), held("b@example.com", categories=(Category.SPAM,))),
        OCTETS,
    )
    assert addresses(EVERYONE, held=True) == ["b@example.com"]


def test_a_row_that_is_pending_for_long_is_shown_as_unknown(journal: DatabaseJournal) -> None:
    now = datetime.now(UTC)
    journal.open(entry(delivered("a@example.com"), now=now - timedelta(minutes=21)), OCTETS)
    journal.open(entry(delivered("b@example.com"), now=now - timedelta(minutes=5)), OCTETS)
    journal.open(entry(held("c@example.com"), now=now - timedelta(minutes=21)), OCTETS)
    shown = {
        row.address: row.shown_outcome for row in RecipientRecord.objects.select_related("mail")
    }
    assert shown == {
        "a@example.com": "unknown",
        "b@example.com": "pending",
        "c@example.com": "held",
    }
    assert addresses(EVERYONE, Filters(outcome="unknown")) == ["a@example.com"]
