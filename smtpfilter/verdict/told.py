"""One recipient of whom the sender is told, and what the words of RFC 3464 are for how it ended."""

from dataclasses import dataclass

from smtpfilter.mail.envelope import MailId, Recipient
from smtpfilter.mail.reply import Reply, reply
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome, Settlement
from smtpfilter.verdict.verdict import Verdict

_KINDS = {
    Category.VIRUS: "virus",
    Category.BANNED: "banned",
    Category.UNCHECKED: "unchecked",
    Category.SPAM: "spam",
    Category.BAD_HEADER: "bad_header",
    Category.OVERSIZED: "oversized",
}
_DONE = {Outcome.BOUNCED: "Bounced", Outcome.HELD: "Held", Outcome.DISCARDED: "Discarded"}
_WHY = {
    Category.VIRUS: "INFECTED",
    Category.BANNED: "BANNED",
    Category.UNCHECKED: "UNCHECKED",
    Category.SPAM: "spam",
    Category.BAD_HEADER: "BAD HEADER SECTION",
    Category.OVERSIZED: "Message size exceeds recipient's size limit",
}


@dataclass(frozen=True, slots=True)
class Told:
    """`verdict` and `settlement`: what was decided for the recipient and how it ended."""

    verdict: Verdict
    settlement: Settlement

    @property
    def recipient(self) -> Recipient:
        return self.verdict.recipient

    @property
    def kind(self) -> str:
        """The kind of notice that this recipient alone would make: the name of its template."""
        match self.settlement.outcome:
            case Outcome.DELIVERED:
                return "success"
            case Outcome.HELD:
                return "held"
            case Outcome.DISCARDED:
                return "discarded"
        blocked_by = self.verdict.blocked_by
        return _KINDS.get(blocked_by, "failure") if blocked_by else "failure"

    @property
    def action(self) -> str:
        """The value of Action (RFC 3464 2.3.3).

        Held mail has failed: nothing but a person's release will deliver it.  An LMTP next hop is
        the final one (RFC 2033), any other has relayed.
        """
        match self.settlement.outcome:
            case Outcome.DELIVERED:
                return "delivered" if self.settlement.hop.startswith("lmtp:") else "relayed"
            case Outcome.DEFERRED | Outcome.PENDING:
                return "delayed"
        return "failed"

    def diagnosis(self, mail_id: MailId) -> Reply:
        """Return the reply that settled it; where the sender's MTA heard a 2xx of ours although the
        recipient gets nothing, the refusal that it would have heard.
        """
        end = self.settlement
        if end.outcome not in _DONE or end.reply.permanent:
            return end.reply
        if self.verdict.reply.permanent:
            return self.verdict.reply
        why = _WHY.get(self.verdict.category, "blocked")
        return reply(554, "5.7.1", f"{_DONE[end.outcome]}, id={mail_id} - {why}")

    def status(self, mail_id: MailId) -> str:
        """Return the value of Status: the reply's enhanced code, else the bare class."""
        diagnosis = self.diagnosis(mail_id)
        return diagnosis.enhanced or f"{str(diagnosis.code)[:1]}.0.0"


def kind_of_notice(told: tuple[Told, ...]) -> str:
    """Return the kind of one notice about all of `told`: "mixed" where they would make several."""
    kinds = {one.kind for one in told}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def language_of_notice(told: tuple[Told, ...]) -> str:
    """Return the language that the first recipient's policy asks for."""
    return told[0].verdict.policy.settings.notice_language or "en"
