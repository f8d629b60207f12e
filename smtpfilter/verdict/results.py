"""Authentication-Results: what SPF, DKIM and DMARC said, for programs further on (RFC 8601)."""

import re

from authres import (
    AuthenticationResultsHeader,
    DKIMAuthenticationResult,
    SPFAuthenticationResult,
)
from authres.core import BaseAuthenticationResult
from authres.dmarc import DMARCAuthenticationResult

from smtpfilter.mail.edits import header_value
from smtpfilter.mail.findings import Authentication, Signature

MOST_SIGNATURES = 20
LONGEST_REASON = 100  # characters

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")


def authentication_results(hostname: str, found: Authentication, *, null_sender: bool) -> str:
    """Return the field's value; `hostname` is the authserv-id.  With the null sender SPF was asked
    for HELO.

    Domains and selectors are the sender's words: nothing of them gets out of its place.
    """
    results: list[BaseAuthenticationResult] = [_spf(found, null_sender=null_sender)]
    results += [_dkim(signature) for signature in found.signatures[:MOST_SIGNATURES]]
    if not found.signatures:
        results.append(DKIMAuthenticationResult(result="none"))
    results.append(_dmarc(found))
    header = AuthenticationResultsHeader(authserv_id=_name(hostname), results=results)
    return " ".join(str(header.header_value()).split())


def _spf(found: Authentication, *, null_sender: bool) -> SPFAuthenticationResult:
    domain = _name(found.spf_domain)
    if null_sender:
        return SPFAuthenticationResult(result=found.spf, smtp_helo=domain)
    return SPFAuthenticationResult(result=found.spf, smtp_mailfrom=domain)


def _dkim(signature: Signature) -> DKIMAuthenticationResult:
    return DKIMAuthenticationResult(
        result=signature.result,
        # authres puts no quotes around what has an @ in it.
        reason=header_value(signature.reason.replace("@", "?"), LONGEST_REASON),
        header_d=_name(signature.domain),
        header_s=_name(signature.selector),
    )


def _dmarc(found: Authentication) -> DMARCAuthenticationResult:
    """Return DMARC's result; the domain's wish is told where it matters."""
    return DMARCAuthenticationResult(
        result=found.dmarc,
        header_from=_name(found.from_domain),
        policy=found.dmarc_policy if found.dmarc == "fail" else None,
    )


def _name(text: str) -> str:
    """Return a host name, domain or selector in characters that need no quotes."""
    return _NO_NAME.sub("_", text)[:253]
