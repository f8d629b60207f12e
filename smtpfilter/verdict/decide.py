"""The decision: what happens to one message for one recipient (L-1 to L-6, C-1 to C-8, F-1 to F-7,
T-1, T-2, W-5).

Daemon, screens, command line and replay all call decide(); there is no second copy that could
drift.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from smtpfilter.errors import MailLoop
from smtpfilter.mail.edits import Edits
from smtpfilter.mail.findings import Findings
from smtpfilter.policy.destiny import Destiny
from smtpfilter.verdict import marks, reasons, telling
from smtpfilter.verdict.answers import answer
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.copies import is_kept
from smtpfilter.verdict.filing import filed_address
from smtpfilter.verdict.remedies import find_remedies, told_remedies
from smtpfilter.verdict.seen import Seen, is_oversized, look
from smtpfilter.verdict.stops import HANDLING, Stop, blocking_stop, find_stops
from smtpfilter.verdict.verdict import Case, Verdict

MOST_HOPS, MOST_HOPS_TO_LOCAL = 100, 110  # Received fields (O-12)


@dataclass(frozen=True, slots=True)
class Choice:
    """What happens, before a word is said about it; Verdict has the same facts."""

    seen: Seen
    stops: tuple[Stop, ...]
    blocking: Stop | None
    keep: bool

    @property
    def destiny(self) -> Destiny:
        return self.blocking.destiny if self.blocking else Destiny.PASS

    @property
    def blocked_by(self) -> Category | None:
        return self.blocking.category if self.blocking else None


def choose(case: Case, findings: Findings) -> Choice:
    """Return what happens to the message for the recipient of `case`."""
    seen = look(case, findings)
    stops = find_stops(case, seen)
    blocking = blocking_stop(stops)
    return Choice(seen, stops, blocking, is_kept(case, seen, blocking, stops))


def decide(case: Case, findings: Findings) -> Verdict:
    """Return what happens to the message for the recipient of `case`, with the reasons."""
    choice = choose(case, findings)
    seen, stops, blocking, keep = choice.seen, choice.stops, choice.blocking, choice.keep
    suppressed = telling.suppressed(case, seen, blocking)
    destiny = choice.destiny
    return Verdict(
        recipient=case.recipient,
        categories=seen.categories,
        blocked_by=choice.blocked_by,
        destiny=destiny,
        keep=keep,
        edits=Edits() if blocking else marks.edits(case, seen, keep=keep),
        reply=answer(case, seen, blocking),
        reasons=_reasons(case, seen, stops, _done(destiny, suppressed, keep=keep)),
        policy=case.policy,
        score=seen.score,
        banned=tuple(ban.path for ban in seen.banned),
        suppressed=suppressed,
        tell_discard=destiny is Destiny.DISCARD and not suppressed,
        forward_as=None if blocking else filed_address(case, seen.categories),
        forward_method="" if blocking else case.policy.settings.forward_method or "",
        listed=case.sender.rules,
        notices=telling.orders(case, seen, blocking),
        let_through=told_remedies(find_remedies(case, seen, stops)),
    )


def could_pass(case: Case, findings: Findings) -> bool:
    """Tell whether nothing of what is known so far stops the mail for this recipient (L-5)."""
    return blocking_stop(find_stops(case, look(case, findings))) is None


def is_too_big(case: Case) -> bool:
    """Tell whether the recipient gets nothing of this size, whatever is in it (Z-19)."""
    return is_oversized(case) and case.policy.settings.oversized_destiny is not Destiny.PASS


def is_looping(case: Case, received_count: int) -> bool:
    """Tell whether a message with so many Received fields goes round in circles (O-12)."""
    return received_count > (MOST_HOPS_TO_LOCAL if case.policy.local else MOST_HOPS)


def loop_verdict(case: Case) -> Verdict:
    """Return the verdict on a message that goes round in circles (O-12)."""
    most = MOST_HOPS_TO_LOCAL if case.policy.local else MOST_HOPS
    return Verdict(
        recipient=case.recipient,
        categories=(Category.MTA, Category.CLEAN),
        blocked_by=Category.MTA,
        destiny=Destiny.REJECT,
        keep=False,
        edits=Edits(),
        reply=MailLoop.reply,
        reasons=(f"More than {most} Received fields: the mail goes round in circles.",),
        policy=case.policy,
        suppressed="bulk mail" if case.bulk else "",
    )


def _done(destiny: Destiny, suppressed: str, *, keep: bool) -> str:
    """Return what is done to mail that is stopped, in a word; a bounce without a notice is a
    discard (F-5).
    """
    match destiny:
        case Destiny.REJECT:
            return "rejected"
        case Destiny.TEMPFAIL:
            return "deferred"
        case Destiny.BOUNCE if not suppressed:
            return "bounced"
    return "held" if keep else "discarded"


def _reasons(case: Case, seen: Seen, stops: Sequence[Stop], done: str) -> tuple[str, ...]:
    """Return all sentences, those about the deciding category first."""
    blocking = blocking_stop(stops)
    first = [blocking.category] if blocking else []
    order = dict.fromkeys([*first, *seen.categories[:-1]])
    told = [blocking.cause.sentence] if blocking and blocking.cause.sentence else []
    for category in order:
        told += reasons.found(category, case, seen)
        if blocking and category is blocking.category:
            told.append(_stopped(case, blocking, done))
        elif category in HANDLING:
            told += _let_through(category, case, stops)
    if not order:
        told += reasons.clean(case, seen)
    told += [*case.sender.why, *reasons.answers(case), *reasons.signs_of_spam(seen)]
    told += [doubt.sentence for doubt in seen.doubts]
    return tuple(dict.fromkeys([*told, *reasons.bypassed(case.policy)]))


def _stopped(case: Case, blocking: Stop, done: str) -> str:
    destiny = (
        f"{blocking.field} is {blocking.destiny} ({reasons.origin(case.policy, blocking.field)})"
    )
    copy = HANDLING[blocking.category].copy
    unseen = copy and done in ("held", "discarded")
    kept = f", {reasons.setting(case.policy, copy)}" if unseen else ""
    return f"{reasons.WHAT[blocking.category]} is {done}: {destiny}{kept}."


def _let_through(category: Category, case: Case, stops: Sequence[Stop]) -> list[str]:
    """Return why a category did not stop the mail: nothing where another had stopped it already."""
    handling, what = HANDLING[category], reasons.WHAT[category]
    met = [stop for stop in stops if stop.category is category]
    if any(stop.loved for stop in met):
        return [f"{what} is wanted: {reasons.setting(case.policy, handling.lover)}."]
    if not met and category is not Category.UNCHECKED:
        return [f"{what} may pass: {reasons.setting(case.policy, handling.destiny)}."]
    return []
