"""Asking SPF, DKIM and DMARC about one message.

Each has a third of the time for itself: who sends mail under another's name must not be able to use
up the time of DMARC by a slow domain of his own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from smtpfilter.config import Endpoint
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Authentication, Signature, visible
from smtpfilter.mail.message import Message
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.scan.authenticity.dkim import check_signatures
from smtpfilter.scan.authenticity.dmarc import POLICIES, Result, check_dmarc
from smtpfilter.scan.authenticity.domains import is_public_suffix
from smtpfilter.scan.authenticity.lookups import Lookups
from smtpfilter.scan.authenticity.spf import check_spf

MOST_AUTHOR_DOMAINS = 5

_GRAVEST_FIRST = ("fail", "temperror", "none", "pass")


@dataclass(frozen=True, slots=True)
class SenderAuthenticator:
    """`server`: the resolver that is asked, None for the system's; `seconds`: for one message."""

    server: Endpoint | None
    seconds: float

    def check(self, envelope: Envelope, message: Message, mail: SpooledMail) -> Authentication:
        """Return what SPF, DKIM and DMARC say.  Raises nothing."""
        spf, spf_domain = check_spf(envelope, self._lookups())
        signatures = check_signatures(message, mail, self._lookups(), envelope.received_at)
        found = Authentication(spf=spf, spf_domain=spf_domain, signatures=signatures)
        authors = tuple(dict.fromkeys(author.domain for author in message.authors))
        if len(authors) > MOST_AUTHOR_DOMAINS:
            return _proven(replace(found, dmarc="permerror"), ())
        lookups = self._lookups()
        results = {
            domain: check_dmarc(
                domain,
                spf=spf,
                spf_domain=spf_domain,
                signatures=signatures,
                share=_share(mail),
                lookups=lookups,
            )
            for domain in authors
        }
        worst = _worst(tuple(results.values()))
        found = replace(
            found,
            from_domain=visible(authors[0], 255) if len(authors) == 1 else "",
            dmarc=worst.dmarc,
            dmarc_policy=worst.policy,
        )
        return _proven(found, [name for name, result in results.items() if result.dmarc == "pass"])

    def _lookups(self) -> Lookups:
        return Lookups(self.server, self.seconds / 3)


def _worst(results: Sequence[Result]) -> Result:
    """Return the result of all authors' domains together: of those that fail the strictest (RFC
    7489 6.6.1), else the least sure one; "none" without an author.
    """
    return min(
        results,
        key=lambda one: (_GRAVEST_FIRST.index(one.dmarc), -POLICIES.index(one.policy)),
        default=Result(),
    )


def _proven(found: Authentication, aligned: Iterable[str]) -> Authentication:
    """Return `found` with the domains that are shown to have sent the mail, none a public suffix.

    `aligned`: authors' domains for which DMARC passes, which knows how much their owners take for a
    proof.
    """
    domains = [one.domain for one in found.signatures if _good(one)]
    domains += [found.spf_domain] if found.spf == "pass" else []
    domains += aligned
    proven = tuple(dict.fromkeys(name for name in domains if not is_public_suffix(name)))
    return replace(found, proven=proven)


def _good(signature: Signature) -> bool:
    return signature.result == "pass"


def _share(mail: SpooledMail) -> int:
    """Return the message's place among 100, by its octets."""
    return int(mail.sha256[:8] or "0", 16) % 100
