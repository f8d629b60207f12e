"""One message to the first of several next hops that takes it (E-10).

A hop that cannot be reached, or fails before it was given the message, is passed over.  What it
answers to MAIL, RCPT and DATA is an answer.  From the final dot on no other hop is asked: the
message might come twice (O-10).  One that failed a moment ago is tried after the others, so that
not every message waits for it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from smtpfilter.mail.reply import Reply
from smtpfilter.ports.delivery import Handover, Submission

# Postfix waits 1200 s, and whoever has got the final dot may take 600 to answer it (O-11).
LONGEST_SEARCH_SECONDS = 180.0  # then no further hop is tried
LONGEST_GIVING_SECONDS = 240.0  # then the final dot is out, or never will be: a hop may trickle

Replies = dict[int, Reply]  # position of a recipient in the submission -> the reply that settles it


class NotGiven(Exception):
    """The hop has not got the message, another one may have it; `reply` if there is none."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Settled:
    """What one transaction settled; `dsn`: the hop offers DSN."""

    replies: Replies
    dsn: bool


class NextHop(Protocol):
    name: str

    @property
    def ailing(self) -> bool:
        """It failed a moment ago, and has not worked since."""
        ...

    def settle(self, submission: Submission, recipients: Sequence[int], deadline: float) -> Settled:
        """Settle at least one of these recipients, in one transaction (O-6) whose final dot is out
        before `deadline`, on the monotonic clock.  Raises NotGiven.
        """
        ...


class FailOver:
    """ports.Relay over several hops, which belong to the table that made them."""

    def __init__(self, hops: Sequence[NextHop]) -> None:
        self.name = ", ".join(hop.name for hop in hops)
        self._hops = hops

    def send(self, submission: Submission) -> Handover:
        return hand_over(sorted(self._hops, key=lambda hop: hop.ailing), submission)

    def close(self) -> None:
        """Keep nothing: the hops are closed by their table."""


def hand_over(hops: Sequence[NextHop], submission: Submission) -> Handover:
    """Return the reply that settles each recipient, and who gave it: the last that answered.

    DSN is offered where all that answered offer it.
    """
    replies: Replies = {}
    refusals: Replies = {}
    offers: list[bool] = []
    name = hops[-1].name
    began = time.monotonic()
    for hop in hops:
        if refusals and time.monotonic() - began > LONGEST_SEARCH_SECONDS:
            break
        try:
            while left := _unsettled(submission, replies):
                settled = hop.settle(submission, left, began + LONGEST_GIVING_SECONDS)
                replies |= settled.replies
                offers.append(settled.dsn)
                name = hop.name
            break
        except NotGiven as refused:
            refusals = dict.fromkeys(left, refused.reply)
    replies = refusals | replies
    everyone = range(len(submission.recipients))
    return Handover(tuple(replies[i] for i in everyone), name, dsn=bool(offers) and all(offers))


def _unsettled(submission: Submission, replies: Replies) -> list[int]:
    return [i for i in range(len(submission.recipients)) if i not in replies]
