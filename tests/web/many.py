"""Much mail of example.com with a daily rhythm, written straight into the journal's tables: for
pictures of charts, and for measuring them.
"""

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from quarantine.models import MailRecord, RecipientRecord
from smtpfilter.mail.envelope import MailId
from smtpfilter.mail.findings import Findings, Rule, SpamReport, Virus

PEOPLE = ("olga", "paul", "mira", "info", "sales", "nora", "jan", "office", "ute", "karl")
FRIENDS = ("partner", "lieferant", "law", "family", "roofers", "garden", "city", "school", "bank")
FOES = ("best-deals", "parcel-track", "winner", "loans4you", "pills", "crypto-now")
GOOD = (("SPF_PASS", -0.001), ("HTML_MESSAGE", 0.001), ("DKIM_VALID", -0.1), ("BAYES_00", -1.9))
BAD = (
    ("BAYES_99", 3.5), ("URIBL_BLACK", 1.7), ("HTML_IMAGE_ONLY_08", 1.651), ("MISSING_DATE", 1.36),
    ("SPF_SOFTFAIL", 0.665), ("RCVD_IN_XBL", 0.375), ("LOTS_OF_MONEY", 0.8), ("FREEMAIL_FROM", 0.2),
)  # fmt: skip
SUBJECTS = ("Re: Tuesday", "Offer for the roof", "Minutes", "Angebot 4711", "Photos", "Timetable")
LURES = ("You have won", "Your parcel waits", "Invoice overdue", "Cheap loans", "Account locked")
KINDS = (  # share in percent, category, outcome
    (70, "clean", "delivered"),
    (6, "spammy", "delivered"),
    (16, "spam", "held"),
    (2, "banned", "held"),
    (2, "virus", "discarded"),
    (1, "unchecked", "held"),
    (2, "oversized", "rejected"),
    (1, "mta", "deferred"),
)
VIRUSES = ("Heuristics.Phishing.Email", "Win.Trojan.Agent-36", "Doc.Macro.Dropper", "Pdf.Phish.7")


def write(*, count: int, ends: datetime, lasts: timedelta, batch: int = 5000) -> None:
    """Write `count` messages, one recipient each, that came in the time before `ends`."""
    chance = random.Random(count)
    moments = sorted(_moments(chance, count, ends, lasts))
    for start in range(0, count, batch):
        made = [
            _one(chance, at, number) for number, at in enumerate(moments[start : start + batch])
        ]
        MailRecord.objects.bulk_create(mail for mail, _ in made)
        RecipientRecord.objects.bulk_create(row for _, row in made)


def _moments(
    chance: random.Random, count: int, ends: datetime, lasts: timedelta
) -> Iterator[datetime]:
    """Yield times, most of them in the afternoon."""
    found = 0
    while found < count:
        at = ends - lasts * chance.random()
        busy = 0.55 - 0.45 * math.cos((at.hour + at.minute / 60 - 2) / 24 * math.tau)
        if chance.random() < busy * (0.5 if at.weekday() > 4 else 1):
            found += 1
            yield at


def _one(chance: random.Random, at: datetime, number: int) -> tuple[MailRecord, RecipientRecord]:
    (kind,) = chance.choices(KINDS, weights=[share for share, _, _ in KINDS])
    _, category, outcome = kind
    bad = category in ("spam", "spammy", "virus", "banned")
    chosen = chance.sample(BAD, 5 if category == "spam" else 3) if bad else chance.sample(GOOD, 3)
    rules = tuple(Rule(name, points) for name, points in chosen)
    score = round(sum(rule.points for rule in rules) + chance.gauss(2.5 if bad else -0.5, 2), 3)
    viruses = (Virus(chance.choice(VIRUSES), "clamd"),) if category == "virus" else ()
    sender = f"mail{chance.randint(1, 3)}@{chance.choice(FOES if bad else FRIENDS)}.example"
    to = f"{chance.choices(PEOPLE, weights=range(len(PEOPLE), 0, -1))[0]}@example.com"
    state = None
    if outcome == "held":
        state = "released" if chance.random() < 0.06 else "held"
    mail = MailRecord(
        id=MailId.make(at, number).number,
        received_at=at,
        peer="127.0.0.1",
        protocol="ESMTP",
        mail_from=sender,
        mail_from_canonical=sender,
        mail_from_path=sender.encode(),
        subject=chance.choice(LURES if bad else SUBJECTS),
        message_id=f"<{number}@{sender}>",
        header_from=sender,
        size_bytes=chance.randint(900, 90_000),
        sha256="",
        score=score,
        findings=Findings(viruses=viruses, spam=SpamReport(score, rules), parts=()).to_json(),
        revision=1,
    )
    row = RecipientRecord(
        mail=mail,
        position=0,
        path=to.encode(),
        address=to,
        canonical=to,
        owner=to,
        domain="example.com",
        category=category,
        destiny="discard" if outcome in ("held", "discarded") else "pass",
        blocked=outcome != "delivered",
        outcome=outcome,
        state=state,
        score=score,
        reasons=["no check found anything"],
    )
    return mail, row
