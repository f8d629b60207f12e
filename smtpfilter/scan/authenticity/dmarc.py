"""What does the author's domain say about a message that nobody proves?  (RFC 7489)"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from smtpfilter.mail.findings import Signature
from smtpfilter.scan.authenticity.domains import organisation
from smtpfilter.scan.authenticity.lookups import DnsFailed, Lookups

POLICIES = ("none", "quarantine", "reject")  # the mildest first

_VERSION = re.compile(rb"\s*v\s*=\s*DMARC1\s*(;|\Z)")
_REPORT = re.compile(r"(?i)[a-z][a-z0-9+.-]*:[^\s,]+")


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain publishes (6.3).  `percent`: share of failing mail that the policy is for."""

    policy: str
    subdomain_policy: str
    strict_dkim: bool = False
    strict_spf: bool = False
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Result:
    """`dmarc`: pass, fail, none, temperror; `policy`: what is asked for where it fails."""

    dmarc: str = "none"
    policy: str = "none"


def parse_record(octets: bytes) -> Record | None:
    """Return the record in a TXT record that begins with v=DMARC1, None where it says nothing
    (6.6.3, step 6).
    """
    tags: dict[str, str] = {}
    for part in octets.decode("utf-8", "replace").split(";")[1:]:
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
    policy = tags.get("p", "").lower()
    subdomain_policy = tags.get("sp", policy).lower()
    if policy not in POLICIES or subdomain_policy not in POLICIES:
        if not _REPORT.match(tags.get("rua", "")):
            return None
        policy = subdomain_policy = "none"
    return Record(
        policy=policy,
        subdomain_policy=subdomain_policy,
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        percent=_percent(tags.get("pct", "100")),
    )


def check_dmarc(
    domain: str,
    *,
    spf: str,
    spf_domain: str,
    signatures: Iterable[Signature],
    share: int,
    lookups: Lookups,
) -> Result:
    """Return what DMARC says about mail whose author is at `domain` (an A-label).

    `share`: 0 to 99, the same for every try of this message; the domain's percentage is compared
    with it.
    """
    try:
        record, inherited = _find(domain, lookups)
    except DnsFailed:
        return Result("temperror")
    if record is None:
        return Result()
    words = [
        signature.result
        for signature in signatures
        if _aligned(signature.domain, domain, record.strict_dkim)
    ]
    if _aligned(spf_domain, domain, record.strict_spf):
        words.append(spf)
    if "pass" in words:
        return Result("pass")
    if "temperror" in words:
        return Result("temperror")  # it might have passed
    asked = POLICIES.index(record.subdomain_policy if inherited else record.policy)
    if share >= record.percent:
        asked = max(0, asked - 1)  # 6.6.4: the next milder policy
    return Result("fail", POLICIES[asked])


def _find(domain: str, lookups: Lookups) -> tuple[Record | None, bool]:
    """Return the record that counts for `domain`, and whether it is the organisation's (6.6.3).
    Raises DnsFailed.
    """
    found, inherited = _published(domain, lookups), False
    above = organisation(domain)
    if not found and above != domain:
        found, inherited = _published(above, lookups), True
    return (parse_record(found[0]) if len(found) == 1 else None), inherited


def _published(domain: str, lookups: Lookups) -> list[bytes]:
    return [text for text in lookups.texts(f"_dmarc.{domain}") if _VERSION.match(text)]


def _aligned(proven: str, author: str, strict: bool) -> bool:
    if strict or not proven:
        return proven == author
    return organisation(proven) == organisation(author)


def _percent(text: str) -> int:
    return min(100, int(text)) if text.isascii() and text.isdigit() and len(text) < 4 else 100
