"""Real and hostile mail sent through: one answer each, nothing lost, doubled or changed, no
exception in the log, and everything seen that is known to be in it.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from appliance.stack import delivered, samples
from appliance.stack.claims import claims
from appliance.stack.samples import Sample
from tests.doubles.next_hop import NextHop
from tests.flows.conftest import Manage
from tests.flows.running import RunningFilter

# The whole set is `./postern corpus`.
SCORED = ("ham", "spam", "sa_rules", "mime_fixtures", "smtp_raw")
EVERY_SO_MANY = {"ham": 40, "spam": 40, "sa_rules": 8, "mime_fixtures": 12}
LOOKED_INTO = (
    "archive", "archive_formats", "banned", "encrypted", "mime_evasion", "office", "structure",
    "tnef", "virus",
)  # fmt: skip
AT_ONCE = 8


def mail_of(groups: Sequence[str]) -> list[Sample]:
    """Return the test mail of these classes, thinned out where it is many of a kind, or the small
    set of our own.
    """
    folder = samples.find("", os.environ)
    if folder is None:
        return list(samples.generated())
    found: dict[str, list[Sample]] = {}
    for sample in samples.read(folder):
        found.setdefault(sample.group, []).append(sample)
    return [mail for group in groups for mail in found[group][:: EVERY_SO_MANY.get(group, 1)]]


def send_all(postern: RunningFilter, mails: Sequence[Sample]) -> list[str]:
    """Send each to a recipient of its own, c0@, c1@ ...; return the answers."""

    def send(number: int) -> str:
        (answer,) = postern.send(mails[number].octets, f"c{number}@example.com")
        return answer

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(send, range(len(mails))))


def held_octets(recipient: str) -> bytes | None:
    """Return the octets kept for this recipient, None where there are none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.octets FROM quarantine_body_chunk c"
            " JOIN quarantine_recipient r USING (mail_id) WHERE r.address = %s ORDER BY c.number",
            [recipient],
        )
        pieces = [bytes(row[0]) for row in cursor.fetchall()]
    return b"".join(pieces) if pieces else None


def terminated(octets: bytes) -> bytes:
    """Return the octets as DATA transports them: they end with CRLF, or are none."""
    return octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n"


def assert_transparent(
    postern: RunningFilter, hop: NextHop, mails: Sequence[Sample], answers: Sequence[str]
) -> None:
    arrived: dict[str, list[bytes]] = {}
    for transaction in hop.delivered:
        for address in transaction.accepted:
            arrived.setdefault(address, []).append(transaction.content or b"")
    with connection.cursor() as cursor:
        cursor.execute("SELECT address, outcome FROM quarantine_recipient")
        outcomes = dict(cursor.fetchall())

    answered = zip(mails, answers, strict=True)
    assert not [(m.name, a) for m, a in answered if not a.startswith("2") and m.readable]
    assert "Traceback" not in postern.log
    assert " fault " not in postern.log
    for number, mail in enumerate(mails):
        recipient = f"c{number}@example.com"
        copies, outcome = arrived.get(recipient, []), outcomes.get(recipient)
        if outcome == "delivered":
            (copy,) = copies
            assert delivered.unchanged(terminated(mail.octets), copy), mail.name
        else:
            assert not copies, mail.name
        if outcome == "held":
            assert held_octets(recipient) == terminated(mail.octets), mail.name


def test_all_of_it_is_answered_and_nothing_is_lost_doubled_or_changed(
    postern: RunningFilter, hop: NextHop
) -> None:
    mails = mail_of(SCORED)
    assert_transparent(postern, hop, mails, send_all(postern, mails))


def test_everything_is_seen_that_is_in_it(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """BB-8, BB-12b, BB-16, BB-16b, BB-18, M and Z rows: EICAR wherever a right decoder finds it,
    found or flagged where programs disagree, names and types that policies ban, what is encrypted,
    bombs stopped within their limits; and no fault of ours.
    """
    manage("policy", "set", "@.", "bypass_spam_checks=yes")
    mails = mail_of(LOOKED_INTO)
    try:
        answers = send_all(postern, mails)
    finally:
        manage("policy", "unset", "@.", "bypass_spam_checks")
    found = manage("mails", "list", "--full", "--limit", str(2 * len(mails)))
    entries = {entry["recipients"][0]["address"]: entry for entry in found}

    missed = [
        f"{mail.name}: {claim.kind} {claim.text}"
        for number, mail in enumerate(mails)
        for claim in claims(mail, entries.get(f"c{number}@example.com", {}))
        if not claim.met
    ]
    failed = [
        entry["subject"]
        for entry in found
        for item in entry["findings"]["unchecked"]
        if item["kind"] == "failed"
    ]
    assert not missed, "\n".join(missed)
    assert not failed
    assert_transparent(postern, hop, mails, answers)


@pytest.mark.parametrize("kind", ["body_plain", "zip_deflate", "nest_zip-zip"])
def test_eicar_is_held_and_named(postern: RunningFilter, hop: NextHop, kind: str) -> None:
    found = [m for m in mail_of(("virus",)) if m.name == f"virus/gen_eicar_{kind}.eml"]
    if not found:
        pytest.skip("the test mail is not here (set POSTERN_CORPUS to its folder)")
    (answer,) = postern.send(found[0].octets)
    assert answer.startswith("250 2.7.0 Ok, discarded")
    assert not hop.delivered
