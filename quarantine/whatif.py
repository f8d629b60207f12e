"""What would change, piece by piece: a replay that stops after a while and says where it stands.

Where it stands travels with the page, signed, so that the next request goes on from there; nothing
is kept here.
"""

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.core import signing
from django.db.models import Q

from quarantine.models import RecipientRecord
from quarantine.recorded import recorded, under
from quarantine.replay import Fate, Missing, Outcome, Replay, Tally
from smtpfilter.mail.envelope import MailId
from smtpfilter.policy.layers import PolicyBook

DAYS = 7
SECONDS = 2.0  # of one request; then the page shows what is known and asks for more
_SALT = "postern.whatif"


@dataclass(slots=True)
class Progress:
    """`since`, `before`: numbers of messages, what lies between them was not looked at yet.
    `recipients`: how many there are in all.  `of`: a mark of the draft and of who asks.
    """

    of: str
    since: int
    before: int
    recipients: int
    tally: Tally = field(default_factory=Tally)

    @property
    def done(self) -> bool:
        return self.before <= self.since

    def sealed(self) -> str:
        tally = self.tally
        examples = [[*_written(what), found] for what, found in tally.examples.items()]
        document = {
            **{name: getattr(self, name) for name in ("of", "since", "before", "recipients")},
            "looked_at": tally.looked_at,
            "otherwise": tally.otherwise,
            "changes": [[*_written(change), n] for change, n in tally.changes.items()],
            "unknown": [[str(missing), n] for missing, n in tally.unknown.items()],
            "examples": examples,
        }
        return signing.dumps(document, salt=_SALT, compress=True)


def begun(who: Q, key: str, now: datetime, of: str) -> Progress:
    """Return a replay of the last days for which nothing was looked at yet."""
    since = MailId.make(now - timedelta(days=DAYS), 0).number
    before = MailId.make(now, 0).number
    there = RecipientRecord.objects.filter(who, under(key), mail_id__gte=since, mail_id__lt=before)
    return Progress(of, since, before, there.exclude(category="mta").count())


def unsealed(text: str, of: str) -> Progress | None:
    """Return where a replay of the same draft for the same person stands, None for what is none."""
    try:
        document = signing.loads(text, salt=_SALT, max_age=timedelta(hours=1))
    except signing.BadSignature:
        return None
    if document["of"] != of:
        return None
    tally = Tally(
        looked_at=document["looked_at"],
        otherwise=document["otherwise"],
        changes=Counter({(Fate(a), Fate(b)): n for a, b, n in document["changes"]}),
        unknown=Counter({Missing(name): n for name, n in document["unknown"]}),
        examples={_read(words): found for *words, found in document["examples"]},
    )
    named = {name: document[name] for name in ("since", "before", "recipients")}
    return Progress(of=of, tally=tally, **named)


def go_on(
    progress: Progress, who: Q, key: str, stored: PolicyBook, draft: PolicyBook, now: datetime
) -> None:
    """Look at further messages, the newest first, until the time is over or all are seen."""
    replay = Replay(stored, draft, now, progress.tally)
    ends = time.monotonic() + SECONDS
    rows = recorded(
        who, key, since=progress.since, before=progress.before, profiles=bool(stored.profiles)
    )
    with closing(rows):
        for number, recipients in groupby(rows, attrgetter("number")):
            replay.take(recipients)
            progress.before = number
            if time.monotonic() > ends:
                return
    progress.before = progress.since


def _written(outcome: Outcome) -> list[str]:
    return [str(outcome)] if isinstance(outcome, Missing) else [str(one) for one in outcome]


def _read(words: list[Any]) -> Outcome:
    return Missing(words[0]) if len(words) == 1 else (Fate(words[0]), Fate(words[1]))
