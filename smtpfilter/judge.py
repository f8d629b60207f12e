"""Judging: policy is read, the message looked into, each recipient decided, a plan made.

Nothing is changed anywhere.  Milter and pipe front ends, the command `explain` and the screens use
this without what follows it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from smtpfilter.examine import Examiner, Wanted
from smtpfilter.log import Story
from smtpfilter.mail.edits import edited_header
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Authentication, Findings, Unchecked
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.trace import received
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import EffectivePolicy, PolicyBook
from smtpfilter.policy.lookup import lookup_keys
from smtpfilter.policy.profiles import origin_of
from smtpfilter.ports.engines import Authenticator
from smtpfilter.ports.journal import PenPals
from smtpfilter.ports.policy import PolicySource
from smtpfilter.settle import Judgement, unique
from smtpfilter.verdict.case import make_case
from smtpfilter.verdict.decide import MOST_HOPS_TO_LOCAL, decide, is_looping, loop_verdict
from smtpfilter.verdict.penpals import may_profit, oldest, with_pen_pal
from smtpfilter.verdict.plan import make_plan
from smtpfilter.verdict.verdict import Case, Verdict


@dataclass(frozen=True, slots=True)
class Judge:
    """`clock` gives the time that decisions are made at; `hostname` names us in headers and
    replies.  `authenticator`: who asks SPF, DKIM and DMARC where the site wants that.
    `pen_pals`: who knows what recipients wrote.
    """

    hostname: str
    source: PolicySource
    examiner: Examiner
    clock: Callable[[], datetime]
    authenticator: Authenticator | None = None
    pen_pals: PenPals | None = None

    def judge(
        self, envelope: Envelope, message: Message, mail: SpooledMail, story: Story
    ) -> Judgement:
        """Decide for every recipient.  Raises PolicyUnavailable, JournalUnavailable, Overloaded."""
        book = self._load(envelope, message, story)
        found = self._authenticate(book, envelope, message, mail, story)
        cases = self._cases(book, envelope, message, mail, found)
        hops = message.received_count
        going = [case for case in cases if not is_looping(case, hops)]
        findings = (
            self.examiner.examine(envelope, message, mail, Wanted.by(going), book.site, story)
            if going
            else Findings()
        )
        findings = replace(findings, authentication=found)
        verdicts = [
            loop_verdict(case) if is_looping(case, hops) else decide(case, findings)
            for case in self._with_pen_pals(book, message, cases, findings, story)
        ]
        return self._judgement(book, envelope, message, mail, findings, verdicts, story)

    def hold(
        self, envelope: Envelope, message: Message, mail: SpooledMail, story: Story, why: str
    ) -> Judgement:
        """Return the judgement on a message that we cannot judge: it is held as unchecked, for
        everybody; `why` is told.
        """
        book = self._load(envelope, message, story)
        findings = Findings(unchecked=(Unchecked("failed", why),))
        cases = self._cases(book, envelope, message, mail)
        held = [
            decide(replace(case, policy=_hold_unchecked(case.policy)), findings) for case in cases
        ]
        return self._judgement(book, envelope, message, mail, findings, held, story)

    def _load(self, envelope: Envelope, message: Message, story: Story) -> PolicyBook:
        senders = (envelope.mail_from, *message.authors)
        book = self.source.load(senders, [recipient.address for recipient in envelope.recipients])
        sender_keys = lookup_keys(envelope.mail_from, book.recipient_delimiter)
        story.tell(not book.traced.isdisjoint(sender_keys))
        story.step("policy", revision=book.revision, layers=[layer.key for layer in book.layers])
        return book

    def _authenticate(
        self,
        book: PolicyBook,
        envelope: Envelope,
        message: Message,
        mail: SpooledMail,
        story: Story,
    ) -> Authentication | None:
        """Return what is known about the sender: nothing of our own senders, nor of mail that goes
        in circles.
        """
        credible = origin_of(book, envelope.client, envelope.port).credible
        looping = message.received_count > MOST_HOPS_TO_LOCAL
        if self.authenticator is None or not book.sender_authentication or credible or looping:
            return None
        found = self.authenticator.check(envelope, message, mail)
        story.step(
            "authenticated",
            spf=found.spf,
            dkim=[signature.result for signature in found.signatures],
            dmarc=found.dmarc,
            proven=list(found.proven),
        )
        return found

    def _cases(
        self,
        book: PolicyBook,
        envelope: Envelope,
        message: Message,
        mail: SpooledMail,
        found: Authentication | None = None,
    ) -> tuple[Case, ...]:
        now = self.clock()
        bulk = message.is_bulk(envelope.mail_from)
        origin = origin_of(book, envelope.client, envelope.port)
        return tuple(
            make_case(
                book,
                recipient,
                mail_id=envelope.mail_id,
                identities=(envelope.mail_from, *message.authors),
                size_bytes=mail.size_bytes,
                bulk=bulk,
                now=now,
                hostname=self.hostname,
                origin=origin,
                authentication=found,
            )
            for recipient in unique(envelope.recipients)
        )

    def _with_pen_pals(
        self,
        book: PolicyBook,
        message: Message,
        cases: Sequence[Case],
        findings: Findings,
        story: Story,
    ) -> Sequence[Case]:
        """Return the cases with what it is worth that the mail answers mail of ours (PP-1)."""
        terms = book.site.pen_pals
        asking = may_profit(terms, cases, findings) if self.pen_pals else ()
        if self.pen_pals is None or not asking:
            return cases
        first = asking[0]
        written = self.pen_pals.last_written(
            first.mail_from,
            [case.recipient.address for case in asking],
            message.answered_ids,
            book.recipient_delimiter,
            oldest(terms, first.now),
        )
        story.step("pen pals", asked=len(asking), found=len(written))
        return [
            with_pen_pal(case, written.get(case.recipient.address.octets), terms) for case in cases
        ]

    def _judgement(
        self,
        book: PolicyBook,
        envelope: Envelope,
        message: Message,
        mail: SpooledMail,
        findings: Findings,
        verdicts: Iterable[Verdict],
        story: Story,
    ) -> Judgement:
        """Return it with the headers ready: whatever fails on this content fails before anything is
        done.
        """
        plan = make_plan(tuple(verdicts))
        now = self.clock()
        for verdict in plan.verdicts:
            story.verdict(verdict)
        return Judgement(
            envelope=envelope,
            message=message,
            mail=mail,
            findings=findings,
            plan=plan,
            headers=tuple(
                edited_header(
                    message,
                    delivery.edits,
                    received(envelope, delivery.recipients, self.hostname, now),
                )
                for delivery in plan.deliveries
            ),
            originating=origin_of(book, envelope.client, envelope.port).originating,
            revision=book.revision,
        )


def _hold_unchecked(policy: EffectivePolicy) -> EffectivePolicy:
    """Return the policy that holds what could not be looked into, whatever the recipient's own
    says.
    """
    settings = replace(
        policy.settings,
        unchecked_destiny=Destiny.DISCARD,
        unchecked_lover=False,
        unchecked_quarantine_to="quarantine",
        bypass_virus_checks=False,
    )
    return replace(policy, settings=settings)
