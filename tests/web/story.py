"""A day's mail for example.com, as the filter would have recorded it: for pictures, for flows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.engines.models import Preference, Rendering
from appliance.status.alarms import write_alarm
from quarantine.store import DatabaseJournal
from smtpfilter.mail.findings import Findings, Part, Rule, SpamReport, Unchecked, Virus
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.destiny import Destiny
from smtpfilter.ports.journal import JournalRecipient
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome
from tests.evidence import builders

EICAR = Findings(viruses=(Virus("Eicar-Test-Signature", "clamd"),), parts=())
INVOICE = Findings(
    viruses=(),
    parts=(
        Part("1", (("multipart/mixed",), ("text/plain", ".txt")), "", "text/plain", 412),
        Part(
            "2",
            (
                ("multipart/mixed",),
                ("application/zip", ".zip", "invoice.zip"),
                (".exe", "invoice.pdf.exe"),
            ),
            "invoice.pdf.exe",
            "application/zip",
            48211,
            short_types=(".exe",),
        ),
    ),
)
LOCKED = Findings(viruses=(), unchecked=(Unchecked("encrypted", "contract.zip is encrypted"),))


def spam(*rules: Rule) -> Findings:
    return Findings(
        viruses=(), spam=SpamReport(round(sum(rule.points for rule in rules), 3), rules), parts=()
    )


PILLS = spam(
    Rule("BAYES_99", 3.5, "Bayes spam probability is 99 to 100%"),
    Rule("URIBL_BLACK", 1.7, "Contains an URL listed in the URIBL blacklist"),
    Rule("HTML_IMAGE_ONLY_08", 1.651, "HTML: images with 400-800 bytes of words"),
    Rule("MISSING_DATE", 1.36, "Missing Date: header"),
    Rule("SPF_SOFTFAIL", 0.665, "SPF: sender does not match SPF record (softfail)"),
    Rule("T_REMOTE_IMAGE", 0.01, "Message contains an external image"),
    Rule("RCVD_IN_DNSWL_NONE", -0.0, "Sender listed at DNSWL, no trust"),
)
HAM = spam(
    Rule("SPF_PASS", -0.001, "SPF: sender matches SPF record"),
    Rule("HTML_MESSAGE", 0.001, "HTML included"),
)

TEXT = """From: {header_from}\r
To: {to}\r
Subject: {subject}\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
Dear colleague,\r
\r
please find what we talked about on Monday attached.\r
It is needed before the end of the week.\r
\r
Kind regards\r
"""


def stopped(to: str, category: Category, *reasons: str, **more: Any) -> JournalRecipient:
    return builders.held(
        to,
        categories=(category, Category.CLEAN),
        blocked_by=category,
        reasons=reasons,
        score=more.pop("score", None),
        **more,
    )


def passed(to: str, reply: Reply = builders.OK) -> JournalRecipient:
    row = builders.delivered(to, score=-0.0, reasons=("no check found anything",))
    return JournalRecipient(row.verdict, Outcome.DELIVERED, reply)


def rejected(to: str) -> JournalRecipient:
    reply = Reply(552, "5.3.4", "Message too large for this recipient")
    row = builders.delivered(
        to,
        categories=(Category.OVERSIZED,),
        blocked_by=Category.OVERSIZED,
        destiny=Destiny.REJECT,
        reasons=(
            "28311552 octets are over the limit of 10485760 (message_size_limit from example.com)",
        ),
    )
    return JournalRecipient(row.verdict, Outcome.REJECTED, reply)


KILL = "score 8.886 reaches the kill level 6.3 (spam_kill_level from @.)"
DAY: tuple[tuple[int, str, str, Findings, tuple[JournalRecipient, ...]], ...] = (
    (
        3,
        "Your parcel could not be delivered",
        "service@parcel-track.example",
        EICAR,
        (
            stopped(
                "olga@example.com",
                Category.VIRUS,
                "virus Eicar-Test-Signature found by clamd",
                "virus_destiny discard from @., a copy is kept (virus_quarantine_to from @.)",
            ),
        ),
    ),
    (
        14,
        "Rechnung Nr. 2024-1187 – Zahlungserinnerung",
        "buchhaltung@lieferant.example",
        INVOICE,
        (
            stopped(
                "olga@example.com",
                Category.BANNED,
                "banned file invoice.pdf.exe in invoice.zip (rule set current from @.)",
                banned=(
                    "multipart/mixed | application/zip,.zip,invoice.zip | .exe,invoice.pdf.exe",
                ),
            ),
            stopped(
                "paul@example.com",
                Category.BANNED,
                "banned file invoice.pdf.exe in invoice.zip (rule set current from @.)",
            ),
        ),
    ),
    (
        31,
        "Minutes of Tuesday’s meeting",
        "rosa@partner.example",
        HAM,
        (passed("olga@example.com"), passed("paul@example.com")),
    ),
    (
        47,
        "Save 80% on everything you ever wanted",
        "offers@best-deals.example",
        PILLS,
        (stopped("paul@example.com", Category.SPAM, KILL, score=8.886),),
    ),
    (
        66,
        "Signed contract, password follows by phone",
        "notary@law.example",
        LOCKED,
        (
            stopped(
                "mira@example.com",
                Category.UNCHECKED,
                "contract.zip is encrypted: it could not be looked into",
                "unchecked_encrypted_destiny discard, as unchecked_destiny from @.",
            ),
        ),
    ),
    (
        83,
        "Photos of the whole summer",
        "uncle@family.example",
        HAM,
        (rejected("paul@example.com"),),
    ),
    (125, "Re: offer for the new roof", "info@roofers.example", HAM, (passed("mira@example.com"),)),
    (
        190,
        "You have won!!! Claim your prize",
        "lottery@winner.example",
        PILLS,
        (stopped("olga@example.com", Category.SPAM, KILL, score=8.886),),
    ),
    (260, "Weekly newsletter", "news@garden.example", HAM, (passed("olga@example.com"),)),
)


def tell() -> None:
    """Record the day.  To be called outside a transaction."""
    now = datetime.now(UTC)
    for minutes, subject, sender, findings, recipients in reversed(DAY):
        to = ", ".join(row.verdict.recipient.address.text for row in recipients)
        octets = TEXT.format(header_from=sender, to=to, subject=subject).encode()
        made = builders.entry(
            *recipients,
            octets=octets,
            mail_from=sender,
            findings=findings,
            subject=subject,
            now=now - timedelta(minutes=minutes),
        )
        DatabaseJournal().open(made, octets)


def tell_engines() -> None:
    """What nodes and people have said about the engines."""
    now = datetime.now(UTC)
    made = {"engine": "spamassassin", "digest": "4f0c9a7d21be", "applied_at": now}
    missing = {"dcc": "not installed: build DCC from its source, as its licence demands"}
    Rendering.objects.get_or_create(
        node="mx1.example.com", defaults=made | {"ok": True, "detail": "", "missing": missing}
    )
    Rendering.objects.get_or_create(
        node="mx2.example.com",
        defaults=made
        | {"ok": False, "detail": "config: failed to parse line in local.cf: scor NO_RELAYS 1"},
    )
    write_alarm(
        name="virus scanner fallback",
        text="mail waits for the backup virus scanners, since no primary answers: clamd hangs",
    )
    for preference in ("score HTML_MESSAGE 0.5", "welcomelist_from *@partner.example"):
        key, _, value = preference.partition(" ")
        Preference.objects.get_or_create(username="ann", preference=key, value=value)
