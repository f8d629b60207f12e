"""What would happen to a message, and why: the daemon's own resolve() and decide()."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from django.conf import settings

from appliance.errors import Refused
from appliance.policies.source import DatabasePolicySource
from smtpfilter.mail.address import Address, BadPath, parse_address
from smtpfilter.mail.envelope import Client, MailId, Recipient
from smtpfilter.mail.findings import Findings, Part, SpamReport, Virus
from smtpfilter.policy.profiles import origin_of
from smtpfilter.policy.settings import FIELDS, format_value
from smtpfilter.policy.site import NamePoints
from smtpfilter.policy.virus_names import rated
from smtpfilter.verdict.case import make_case
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.verdict import Case, Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict; all that it was made from stands in it."""

    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """Return the answer of the command `explain` (design section 6)."""
        policy = self.verdict.policy
        return {
            "destiny": str(self.verdict.destiny),
            "category": str(self.verdict.category),
            "reasons": list(self.verdict.reasons),
            "let_through": list(self.verdict.let_through),
            "settings": {
                name: {
                    "value": format_value(getattr(policy.settings, name)),
                    "origin": policy.origins[name],
                }
                for name in FIELDS
            },
        }


def explain(
    *,
    recipient: str,
    sender: str = "",
    authors: Sequence[Address] = (),
    findings: Findings | None = None,
    client: Client = Client(),  # noqa: B008 - a frozen value
    port: int = 0,
    size_bytes: int = 0,
    bulk: bool = False,
    now: datetime | None = None,
) -> Explanation:
    """Return what happens to a message from `sender` with `findings` (default: a clean one).

    `authors`: addresses of the From field.  `client`, `port`: who gave the mail to us, and by which
    listening port, 0 for none of those that profiles name.  Raises Refused for what is no address;
    PolicyUnavailable.
    """
    to, mail_from = address(recipient), address(sender)
    if not to.octets:
        raise Refused("the null sender is no recipient")
    identities = (mail_from, *authors)
    book = DatabasePolicySource().load(identities, (to,))
    now = now or datetime.now(UTC)
    case = make_case(
        book,
        Recipient(to),
        mail_id=MailId.make(now, 0),
        identities=identities,
        size_bytes=size_bytes,
        bulk=bulk,
        now=now,
        hostname=settings.APPLIANCE_HOSTNAME,
        origin=origin_of(book, client, port),
    )
    found = _as_scanned(findings or supposed(), case, book.site.name_points)
    return Explanation(decide(case, found))


def supposed(
    *, score: float | None = None, viruses: Sequence[str] = (), banned: Sequence[str] = ()
) -> Findings:
    """Return findings as a person supposes them: a score, names of viruses, names of files."""
    parts = tuple(
        Part(path=str(number), nodes=((name,),), name=name, mime_type="", size_bytes=0)
        for number, name in enumerate(banned, start=1)
    )
    return Findings(
        parts=parts,
        viruses=tuple(Virus(name, "supposed") for name in viruses),
        spam=SpamReport(score or 0.0),
        bad_headers=(),
    )


def _as_scanned(findings: Findings, case: Case, name_points: Sequence[NamePoints]) -> Findings:
    """Return supposed findings as scanners would give them: names worth what the site says (V-4),
    the score by the recipient's own preferences (S-1).
    """
    own = case.policy.settings.preferences
    return replace(
        findings,
        viruses=findings.viruses and rated(findings.viruses, name_points),
        spam=findings.spam and replace(findings.spam, preferences=own),
    )


def client(address: str = "", *, authenticated: bool = False) -> Client:
    """Return a client as a person supposes it.  Raises Refused where `address` is no IP address."""
    try:
        return Client(
            address=str(ip_address(address)) if address else None, authenticated=authenticated
        )
    except ValueError:
        raise Refused(f"{address!r} is no IP address") from None


def address(text: str) -> Address:
    """Return the address that a person wrote, the null sender for "" or "<>".  Raises Refused."""
    try:
        parsed = parse_address(text.strip().removeprefix("<").removesuffix(">").encode())
    except (BadPath, UnicodeEncodeError) as error:
        raise Refused(f"{text!r} is no address: {error}") from None
    if parsed.octets and not parsed.local:
        raise Refused(f"{text!r} is no address: write user@example.com")
    return parsed
