"""Real and hostile mail sent through: one answer each, nothing lost, doubled or changed, no
exception in the log.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import connection

from appliance.stack import delivered, samples
from appliance.stack.samples import Sample
from tests.doubles.next_hop import NextHop
from tests.flows.running import RunningFilter

GROUPS = ("ham", "spam", "sa_rules", "virus", "mime_fixtures", "structure", "smtp_raw")
EVERY_SO_MANY = {"ham": 8, "spam": 8, "mime_fixtures": 3}  # the whole set is `./postern corpus`
AT_ONCE = 8
PLAIN = {f"virus/gen_eicar_{kind}.eml" for kind in ("body_plain", "zip_deflate", "nest_zip-zip")}


@dataclass(frozen=True, slots=True)
class Sent:
    mail: Sample
    recipient: str
    answer: str


def chosen_mail() -> list[Sample]:
    """Return the test mail, thinned out where it is many of a kind, or the small set of our own."""
    folder = samples.find("", os.environ)
    if folder is None:
        return list(samples.generated())
    groups: dict[str, list[Sample]] = {}
    for sample in samples.read(folder):
        groups.setdefault(sample.group, []).append(sample)
    return [mail for group in GROUPS for mail in groups[group][:: EVERY_SO_MANY.get(group, 1)]]


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


def test_all_of_it_is_answered_and_nothing_is_lost_doubled_or_changed(
    postern: RunningFilter, hop: NextHop
) -> None:
    mails = chosen_mail()

    def send(number: int) -> Sent:
        recipient = f"c{number}@example.com"
        (answer,) = postern.send(mails[number].octets, recipient)
        return Sent(mails[number], recipient, answer)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        everything = list(pool.map(send, range(len(mails))))
    arrived: dict[str, list[bytes]] = {}
    for transaction in hop.delivered:
        for address in transaction.accepted:
            arrived.setdefault(address, []).append(transaction.content or b"")
    with connection.cursor() as cursor:
        cursor.execute("SELECT address, outcome FROM quarantine_recipient")
        outcomes = dict(cursor.fetchall())

    unanswered = [
        s.mail.name for s in everything if not s.answer.startswith("2") and s.mail.readable
    ]
    assert not unanswered
    assert "Traceback" not in postern.log
    assert " fault " not in postern.log
    for sent in everything:
        copies, outcome = arrived.get(sent.recipient, []), outcomes[sent.recipient]
        if outcome == "delivered":
            (copy,) = copies
            assert delivered.unchanged(terminated(sent.mail.octets), copy), sent.mail.name
        else:
            assert not copies, sent.mail.name
        if outcome == "held":
            assert held_octets(sent.recipient) == terminated(sent.mail.octets), sent.mail.name


def test_plain_and_zipped_eicar_are_held(postern: RunningFilter, hop: NextHop) -> None:
    folder = samples.find("", os.environ)
    if folder is None:
        pytest.skip("the test mail is not here (set POSTERN_CORPUS to its folder)")
    plain = [s for s in samples.read(folder) if s.name in PLAIN]
    assert len(plain) == len(PLAIN)
    for sample in plain:
        (answer,) = postern.send(sample.octets)
        assert answer.startswith("250 2.7.0 Ok, discarded"), sample.name
    assert not hop.delivered
