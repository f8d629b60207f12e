"""Short ways to build the values that the core's tests are about, with a fixed cast.

Ann, Bob and Carol are recipients at example.com, which is local; Oscar is somebody outside.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from smtpfilter.mail.address import Address, parse_address
from smtpfilter.mail.envelope import Envelope, MailId, Recipient
from smtpfilter.mail.findings import BadHeader, Findings, Part, Rule, SpamReport, Unchecked, Virus
from smtpfilter.policy.banning import rules_for
from smtpfilter.policy.layers import (
    EffectivePolicy,
    Layer,
    Origin,
    PolicyBook,
    SenderMatch,
    SenderRule,
)
from smtpfilter.policy.resolve import resolve
from smtpfilter.policy.settings import PolicySettings
from smtpfilter.verdict.verdict import Case

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MAIL_ID = MailId(1 << 60)
HOST = "filter.example.com"

ANN, BOB, CAROL = "ann@example.com", "bob@example.com", "carol@example.com"
OSCAR = "oscar@outside.example"
SENDER = "sender@remote.example"
INBOUND, OURS = Origin(), Origin(originating=True)


def address(text: str) -> Address:
    return parse_address(text.encode())


def recipient(text: str = ANN, **parameters: Any) -> Recipient:
    return Recipient(address(text), **parameters)


def layer(key: str, **settings: Any) -> Layer:
    return Layer(key, PolicySettings(**settings))


def book(*layers: Layer, senders: tuple[SenderRule, ...] = (), **rest: Any) -> PolicyBook:
    return PolicyBook(layers, frozenset({"example.com"}), senders, **rest)


def policy(text: str = ANN, **settings: Any) -> EffectivePolicy:
    """Return the policy of `text` where its own layer has `settings` and the rest is default."""
    return resolve(book(layer(address(text).canonical, **settings)), address(text))


def case(
    text: str = ANN,
    *,
    sender: SenderMatch | None = None,
    bulk: bool = False,
    size_bytes: int = 1000,
    mail_from: str = SENDER,
    notify: tuple[str, ...] = (),
    origin: Origin = INBOUND,
    sender_local: bool = False,
    **settings: Any,
) -> Case:
    effective = policy(text, **settings)
    return Case(
        mail_id=MAIL_ID,
        recipient=recipient(text, notify=notify),
        policy=effective,
        sender=sender or SenderMatch(),
        ban_rules=rules_for(book(), effective.settings.banned_rulenames or ""),
        size_bytes=size_bytes,
        bulk=bulk,
        now=NOW,
        hostname=HOST,
        origin=origin,
        mail_from=address(mail_from),
        sender_local=sender_local,
        recipient_delimiter="+",
    )


def envelope(*recipients: str, mail_from: str = SENDER, **rest: Any) -> Envelope:
    made = Envelope(
        mail_id=MAIL_ID,
        received_at=NOW,
        peer="127.0.0.1",
        protocol="ESMTP",
        mail_from=address(mail_from),
        recipients=tuple(map(recipient, recipients or (ANN,))),
    )
    return replace(made, **rest)


CLEAN = Findings(parts=(), viruses=(), spam=SpamReport(-1.0), bad_headers=())
EICAR = replace(CLEAN, viruses=(Virus("Eicar-Signature", "clamd"),), spam=None)
BAD_HEADER = replace(CLEAN, bad_headers=(BadHeader(7, "Missing required header field: Date"),))


def scored(score: float, *rules: tuple[str, float], autolearn: str = "no") -> Findings:
    report = SpamReport(score, tuple(Rule(*rule) for rule in rules), autolearn)
    return replace(CLEAN, spam=report)


def part(*nodes: tuple[str, ...]) -> Part:
    return Part("1", nodes, nodes[-1][-1], nodes[-1][0], 10)


PROGRAM = replace(
    CLEAN, parts=(part(("multipart/mixed",), ("application/pdf", ".exe-ms", "a.exe")),)
)


def unchecked(kind: Any, text: str = "a.zip") -> Findings:
    return replace(CLEAN, unchecked=(Unchecked(kind, text),))
