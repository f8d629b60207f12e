"""SPF, DKIM and DMARC against a real DNS server that is scripted; signatures are real ones."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpfilter.config import Endpoint
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Client, Envelope
from smtpfilter.mail.findings import Authentication, Findings
from smtpfilter.mail.message import parse
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.scan.authenticity.body import canonical_body
from smtpfilter.scan.authenticity.check import SenderAuthenticator
from tests.doubles.dns import DnsServer
from tests.flows.mails import mail
from tests.signed import key_record, signed

Check = Callable[..., Authentication]

LETTER = mail(From="Ann <ann@example.org>")
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with DnsServer() as dns:
        yield dns


@pytest.fixture
def dns(server: DnsServer) -> DnsServer:
    server.clear()
    return server


@pytest.fixture
def check(dns: DnsServer, envelope: Envelope, spooled: Callable[[bytes], SpooledMail]) -> Check:
    """Return a function that asks about a message; `seconds` is the deadline of all three."""

    def run(
        content: bytes = LETTER,
        *,
        sender: str = "ann@example.org",
        client: str | None = "192.0.2.7",
        helo: str | None = "desk.example.org",
        seconds: float = 9.0,
        sha256: str = "00",
    ) -> Authentication:
        asked = replace(
            envelope,
            mail_from=parse_address(sender.encode()),
            client=Client(address=client, helo=helo),
            received_at=NOW,
        )
        checker = SenderAuthenticator(dns.endpoint, seconds)
        return checker.check(asked, parse(content), replace(spooled(content), sha256=sha256))

    return run


# SPF

SPF_CASES = [
    ("v=spf1 ip4:192.0.2.7 -all", "pass"),
    ("v=spf1 ip4:192.0.2.8 -all", "fail"),
    ("v=spf1 ip4:192.0.2.8 ~all", "softfail"),
    ("v=spf1 ?all", "neutral"),
    ("v=spf1 a -all", "pass"),
    ("v=spf1 mx -all", "pass"),
    ("v=spf1 include:other.example.net -all", "pass"),
    ("v=spf1 redirect=other.example.net", "pass"),
    ("v=spf1 exists:%{i}.%{l}.example.net -all", "pass"),
    ("v=spf1 ptr:example.org -all", "pass"),
    ("v=spf1 nonsense -all", "permerror"),
    ("v=spf1 include:example.org -all", "permerror"),
    ("v=spf1 include:nowhere.example.net -all", "permerror"),
    ("v=spf1 a:x1.test a:x2.test a:x3.test -all", "permerror"),
    ("v=spf1 " + " ".join(f"include:n{n}.example.net" for n in range(11)) + " -all", "permerror"),
    ("v=spf1 a:" + "." + "a" * 600 + "! -all", "permerror"),
    ("v=spf1 " + "ip4:192.0.2.8 " * 400 + "ip4:192.0.2.7 -all", "permerror"),
    ("v=spf1 a:broken.example.net -all", "temperror"),
    ("v=spf1 a:garbage.example.net -all", "temperror"),
    ("v=spf1 a:alias.example.net -all", "pass"),
    ("some other text", "none"),
]


@pytest.mark.parametrize("record, result", SPF_CASES, ids=[f"{c[0][:40]}" for c in SPF_CASES])
def test_spf_says_what_the_record_says(
    check: Check, dns: DnsServer, record: str, result: str
) -> None:
    """Too many lookups, void lookups, overlong and broken records are errors of the record."""
    dns.texts("example.org", record)
    dns.add("example.org", "A", "192.0.2.7")
    dns.add("example.org", "MX", "10 mx.example.org.")
    dns.add("mx.example.org", "A", "192.0.2.7")
    dns.add("7.2.0.192.in-addr.arpa", "PTR", "mx.example.org.")
    dns.add("192.0.2.7.ann.example.net", "A", "127.0.0.2")
    dns.add("alias.example.net", "CNAME", "mx.example.org.")
    dns.texts("other.example.net", "v=spf1 ip4:192.0.2.0/24 -all")
    for number in range(11):
        dns.texts(f"n{number}.example.net", "v=spf1 ?all")
    dns.servfail.add("broken.example.net")
    dns.garbage.add("garbage.example.net")
    found = check(seconds=1.5 if result == "temperror" else 9.0)
    assert (found.spf, found.spf_domain) == (result, "example.org")


def test_spf_asks_for_the_name_in_helo_where_there_is_no_sender(
    check: Check, dns: DnsServer
) -> None:
    """RFC 7208 2.4."""
    dns.texts("desk.example.org", "v=spf1 ip4:192.0.2.7 -all")
    found = check(sender="")
    assert (found.spf, found.spf_domain) == ("pass", "desk.example.org")
    assert found.proven == ("desk.example.org",)


@pytest.mark.parametrize(
    "how",
    [
        {"client": None},
        {"client": "no address"},
        {"sender": "", "helo": None},
        {"sender": "", "helo": "[192.0.2.7]"},
        {"sender": "", "helo": "localhost"},
    ],
    ids=str,
)
def test_spf_proves_nothing_where_client_or_name_is_unknown(
    check: Check, dns: DnsServer, how: dict[str, str | None]
) -> None:
    dns.texts("example.org", "v=spf1 +all")
    dns.texts("localhost", "v=spf1 +all")
    found = check(**how)
    assert found.spf in ("none", "permerror")
    assert found.proven == ()


@pytest.mark.parametrize("client", ["2001:db8::7", "IPv6:2001:db8::7"])
def test_spf_knows_ipv6(check: Check, dns: DnsServer, client: str) -> None:
    dns.texts("example.org", "v=spf1 ip6:2001:db8::/32 -all")
    assert check(client=client).spf == "pass"


def test_an_at_sign_in_the_local_part_does_not_move_the_domain(
    check: Check, dns: DnsServer
) -> None:
    dns.texts("evil.example", "v=spf1 +all")
    dns.texts("example.org", "v=spf1 -all")
    found = check(sender='"a@evil.example"@example.org')
    assert (found.spf, found.proven) == ("fail", ())


# DKIM


def only(found: Authentication) -> tuple[str, str]:
    (signature,) = found.signatures
    return signature.result, signature.reason


@pytest.fixture
def key(dns: DnsServer) -> None:
    dns.texts("s1._domainkey.example.org", key_record())


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("text", [b"simple", b"relaxed"])
def test_a_good_signature_proves_its_domain(
    check: Check, key: None, header: bytes, text: bytes
) -> None:
    """D-2, T-5: what is signed is found good under all canonicalisations, odd bodies too."""
    for body in ("", "Hello", "odd \t  blanks \t\r\n\r\n  \r\n\r\n", "a\nlone\nLF"):
        content = mail(body)
        found = check(signed(content, "example.org", canonicalize=(header, text)))
        assert only(found) == ("pass", "")
        assert found.signatures[0].domain == "example.org"
        assert found.signatures[0].selector == "s1"
        assert found.proven == ("example.org",)


def test_a_changed_mail_fails(check: Check, key: None) -> None:
    content = signed(LETTER, "example.org")
    assert only(check(content + b"P.S.\r\n"))[0] == "fail"
    assert only(check(content.replace(b"A letter", b"Another one")))[0] == "fail"
    assert only(check(b"From: boss@example.org\r\n" + content))[0] == "fail"


def test_a_key_that_is_too_short_proves_nothing(check: Check, dns: DnsServer) -> None:
    """BB-58, D-2: 1024 bits at least (RFC 8301)."""
    for bits, result in ((1024, "pass"), (512, "policy")):
        dns.clear()
        dns.texts("s1._domainkey.example.org", key_record(bits))
        found = check(signed(LETTER, "example.org", bits=bits))
        assert only(found)[0] == result
        assert bool(found.proven) == (result == "pass")


BAD_KEYS = [
    ("v=DKIM1; p=", "permerror", "revoked"),
    ("v=DKIM1; p=!!!", "permerror", ""),
    ("v=DKIM1; p=QUJD", "permerror", ""),
    ("v=DKIM9; p=QUJD", "permerror", "version"),
    ("v=DKIM1; k=rot13; p=QUJD", "permerror", "unknown algorithm"),
    ("nonsense", "permerror", "no list of tags"),
    (key_record(flags="t=y; "), "policy", "testing"),
    (key_record(flags="s=tlsrpt; "), "permerror", "not for mail"),
    (key_record(flags="h=sha1; "), "permerror", "SHA-256"),
]


@pytest.mark.parametrize("record, result, reason", BAD_KEYS, ids=[c[2] or c[0] for c in BAD_KEYS])
def test_a_key_that_is_not_fit_proves_nothing(
    check: Check, dns: DnsServer, record: str, result: str, reason: str
) -> None:
    dns.texts("s1._domainkey.example.org", record)
    found = check(signed(LETTER, "example.org"))
    assert only(found)[0] == result
    assert reason in only(found)[1]
    assert found.proven == ()


def test_huge_keys_do_not_cost_the_filter_its_time(check: Check, dns: DnsServer) -> None:
    dns.texts("s1._domainkey.example.org", _huge_key(modulus_bits=20000, exponent_bits=16))
    assert only(check(signed(LETTER, "example.org")))[0] == "policy"
    dns.clear()
    dns.texts("s1._domainkey.example.org", _huge_key(modulus_bits=2048, exponent_bits=2000))
    assert only(check(signed(LETTER, "example.org")))[0] == "policy"


def test_a_missing_key_is_permanent_and_a_dead_server_is_not(check: Check, dns: DnsServer) -> None:
    """I1."""
    content = signed(LETTER, "example.org")
    assert only(check(content)) == ("permerror", "no key")
    dns.servfail.add("s1._domainkey.example.org")
    assert only(check(content, seconds=1.5))[0] == "temperror"
    dns.servfail.clear()
    dns.silent.add("s1._domainkey.example.org")
    assert only(check(content, seconds=1.5))[0] == "temperror"
    dns.silent.clear()
    dns.texts("s1._domainkey.example.org", key_record(), key_record(1024))
    assert only(check(content)) == ("permerror", "several keys")


SIGNATURES = [  # what of the signature is replaced, by what, result, reason
    (rb"a=rsa-sha256", b"a=rsa-sha1", "policy", "SHA-1"),
    (rb"a=rsa-sha256", b"a=rot13", "permerror", "algorithm"),
    (rb"a=rsa-sha256", b"a=ed25519-sha256", "permerror", "not for this algorithm"),
    (rb"bh=", b"bh=AAAA", "fail", "body"),
    (rb"v=1;", b"v=1; x=1000000000;", "fail", "expired"),
    (rb"h=[^;]*;", b"h=to : subject;", "permerror", "author"),
    (rb"d=example.org", b"d=", "permerror", ""),
    (rb"v=1;", b"v=2;", "permerror", "v="),
    (rb"v=1;", b"", "permerror", "missing"),
    (rb"c=relaxed/relaxed", b"c=strange/odd", "permerror", ""),
    (rb"v=1;", b"v=1; ;", "permerror", "no list"),
    (rb"v=1;", b"v=1; z=" + b"z" * 5000 + b";", "policy", "too long"),
    (rb"i=@example.org", b"i=@example.net", "permerror", "i="),
    (rb"\A", b"X: y\r\n" * 1001, "policy", "too many"),
]


@pytest.mark.parametrize("old, new, result, reason", SIGNATURES)
def test_a_signature_that_says_too_little_proves_nothing(
    check: Check, key: None, old: bytes, new: bytes, result: str, reason: str
) -> None:
    content, count = re.subn(old, new, signed(LETTER, "example.org"), count=1)
    assert count
    found = check(content)
    assert only(found)[0] == result
    assert reason in only(found)[1]
    assert found.proven == ()


# RFC 8463 appendix A
FOOTBALL = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
BRISBANE = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


@pytest.mark.parametrize(
    ("old", "new", "key", "result"),
    [
        (b"", b"", BRISBANE, ("pass", "")),
        (b"dinner", b"lunch", BRISBANE, ("fail", "the signature does not match")),
        (b"hungry", b"angry", BRISBANE, ("fail", "the body was changed")),
        (b"", b"", BRISBANE.replace("11qY", "12qY"), ("fail", "the signature does not match")),
        (b"b=/gCr", b"b=", BRISBANE, ("permerror", "ValueError")),
        (b"", b"", BRISBANE.replace("11qY", ""), ("permerror", "could not parse")),
        (b"", b"", BRISBANE.replace("k=ed25519; ", ""), ("permerror", "could not parse")),
        (b"a=ed25519-", b"a=rsa-", BRISBANE, ("permerror", "the key is not for this algorithm")),
    ],
)
def test_a_signature_by_an_elliptic_curve_counts(
    check: Check, dns: DnsServer, old: bytes, new: bytes, key: str, result: tuple[str, str]
) -> None:
    """RFC 8463, its own example."""
    dns.texts("brisbane._domainkey.football.example.com", key)
    found = check(FOOTBALL.replace(old, new, 1) if old else FOOTBALL)
    assert only(found)[0] == result[0]
    assert only(found)[1].startswith(result[1])
    assert found.proven == (("football.example.com",) if result[0] == "pass" else ())


def test_a_signature_of_the_whole_body_counts_and_of_a_part_does_not(
    check: Check, key: None
) -> None:
    content = signed(LETTER, "example.org", length=True)
    assert only(check(content)) == ("pass", "")
    found = check(content + b"Click here\r\n")
    assert only(found) == ("policy", "only a part of the body is signed")
    assert found.proven == ()


def test_ten_signatures_are_looked_at_the_authors_own_first(check: Check, dns: DnsServer) -> None:
    """D-2: a bound on the signatures; slow ones of others take none of the time of the author's."""
    dns.texts("s1._domainkey.example.org", key_record())
    dns.silent.add("s1._domainkey.evil.example")
    content = signed(LETTER, "example.org")
    for _ in range(11):
        content = signed(content, "evil.example")
    found = check(content, seconds=1.5)
    assert [signature.domain for signature in found.signatures] == ["evil.example"] * 10
    mixed = signed(LETTER, "example.org")
    for number in range(4):
        dns.silent.add(f"s{number}._domainkey.evil.example")
        mixed = signed(mixed, "evil.example", selector=f"s{number}")
    results = [signature.result for signature in check(mixed, seconds=1.5).signatures]
    assert results[-1] == "pass"
    assert set(results[:-1]) <= {"temperror", "neutral"}


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"\n", b"\r", b"x", b"  x "])))
def test_a_body_is_hashed_in_the_forms_of_the_rfc(pieces: list[bytes]) -> None:
    """RFC 6376 3.4: as dkimpy makes them, which takes its time for long ones."""
    octets = b"".join(pieces)
    with_crlf = re.sub(rb"\r?\n", b"\r\n", octets + b"\r\n")
    assert canonical_body(octets, relaxed=False) == Simple.canonicalize_body(with_crlf)
    assert canonical_body(octets, relaxed=True) == Relaxed.canonicalize_body(with_crlf)


@pytest.mark.parametrize("piece", [b" ", b" \r\n", b"\n", b"\r\n"])
def test_no_body_costs_the_filter_its_time(check: Check, key: None, piece: bytes) -> None:
    """With dkimpy's own patterns these would take minutes and more."""
    content = signed(mail("x"), "example.org") + piece * 4_000_000 + b"x"
    assert only(check(content)) == ("fail", "the body was changed")


# DMARC

PASSING = "v=spf1 ip4:192.0.2.7 -all"


def dmarc(found: Authentication) -> tuple[str, str]:
    return found.dmarc, found.dmarc_policy


RECORDS = [
    (["v=DMARC1; p=reject"], ("fail", "reject")),
    (["v=DMARC1; p=quarantine"], ("fail", "quarantine")),
    (["v=DMARC1;p=none;"], ("fail", "none")),
    (["v=DMARC1 ; P=Reject ; rua=mailto:x@example.org"], ("fail", "reject")),
    (["v=DMARC1; p=reject; sp=none"], ("fail", "reject")),
    ([], ("none", "none")),
    (["v=spf1 -all"], ("none", "none")),
    (["v=dmarc1; p=reject"], ("none", "none")),
    (["v=DMARC12; p=reject"], ("none", "none")),
    (["v=DMARC1"], ("none", "none")),
    (["v=DMARC1; p=maybe"], ("none", "none")),
    (["v=DMARC1; p=maybe; rua=mailto:x@example.org"], ("fail", "none")),
    (["v=DMARC1; p=reject; sp=maybe"], ("none", "none")),
    (["v=DMARC1; p=reject", "v=DMARC1; p=none"], ("none", "none")),
    (["v=DMARC1; p=reject", "unrelated"], ("fail", "reject")),
    (["v=DMARC1; p=reject; pct=0"], ("fail", "quarantine")),
    (["v=DMARC1; p=quarantine; pct=0"], ("fail", "none")),
    (["v=DMARC1; p=reject; pct=nonsense"], ("fail", "reject")),
    (["v=DMARC1; p=reject; pct=999"], ("fail", "reject")),
    (["v=DMARC1; nonsense; p=reject; p=none"], ("fail", "reject")),
]


@pytest.mark.parametrize("records, expected", RECORDS, ids=[str(case[0]) for case in RECORDS])
def test_a_record_is_read_as_the_rfc_says(
    check: Check, dns: DnsServer, records: list[str], expected: tuple[str, str]
) -> None:
    """RFC 7489 6.3, 6.6.3."""
    dns.texts("_dmarc.example.org", *records)
    found = check()
    assert dmarc(found) == expected
    assert found.from_domain == "example.org"


def test_a_sub_domain_has_the_policy_of_its_organisation(check: Check, dns: DnsServer) -> None:
    dns.texts("_dmarc.example.org", "v=DMARC1; p=reject; sp=quarantine")
    content = mail(From="a@news.mail.example.org")
    assert dmarc(check(content)) == ("fail", "quarantine")
    dns.texts("_dmarc.news.mail.example.org", "v=DMARC1; p=none")
    assert dmarc(check(content)) == ("fail", "none")


def test_two_organisations_under_one_public_suffix_have_nothing_in_common(
    check: Check, dns: DnsServer
) -> None:
    dns.texts("_dmarc.co.uk", "v=DMARC1; p=reject")
    dns.texts("s1._domainkey.evil.co.uk", key_record())
    dns.texts("_dmarc.bank.co.uk", "v=DMARC1; p=quarantine")
    found = check(signed(mail(From="a@bank.co.uk"), "evil.co.uk"))
    assert dmarc(found) == ("fail", "quarantine")
    assert found.proven == ("evil.co.uk",)
    assert dmarc(check(mail(From="a@none.co.uk"))) == ("none", "none")


def test_a_signature_of_a_public_suffix_proves_nothing(check: Check, dns: DnsServer) -> None:
    for suffix in ("co.uk", "github.io", "uk"):
        dns.texts(f"s1._domainkey.{suffix}", key_record())
        dns.texts(suffix, "v=spf1 +all")
        found = check(signed(mail(From=f"a@victim.{suffix}"), suffix), sender=f"a@{suffix}")
        assert only(found) == ("pass", "")
        assert found.proven == ()


ALIGNMENT = [  # author, signed by, sender, record, result, proven
    ("example.org", "example.org", None, "", "pass", {"example.org"}),
    ("example.org", "mail.example.org", None, "", "pass", {"mail.example.org", "example.org"}),
    ("a.example.org", "example.org", None, "", "pass", {"example.org", "a.example.org"}),
    ("example.org", "mail.example.org", None, "adkim=s", "fail", {"mail.example.org"}),
    ("example.org", "example.org", None, "adkim=s", "pass", {"example.org"}),
    ("example.org", "example.net", None, "", "fail", {"example.net"}),
    ("example.org", None, "example.org", "", "pass", {"example.org"}),
    ("example.org", None, "b.example.org", "", "pass", {"b.example.org", "example.org"}),
    ("example.org", None, "b.example.org", "aspf=s", "fail", {"b.example.org"}),
    ("example.org", None, "example.net", "", "fail", {"example.net"}),
    ("example.org", None, None, "", "fail", set()),
]


@pytest.mark.parametrize("author, signer, sender, tags, result, proven", ALIGNMENT)
def test_who_is_aligned_passes(
    check: Check,
    dns: DnsServer,
    author: str,
    signer: str | None,
    sender: str | None,
    tags: str,
    result: str,
    proven: set[str],
) -> None:
    """RFC 7489 3.1; W-8: what is proven is the signer, the sender, and an author whose own DMARC
    record takes them for him.
    """
    dns.texts("_dmarc.example.org", f"v=DMARC1; p=reject; {tags}")
    content = mail(From=f"ann@{author}")
    if signer:
        dns.texts(f"s1._domainkey.{signer}", key_record())
        content = signed(content, signer)
    if sender:
        dns.texts(sender, PASSING)
    found = check(content, sender=f"ann@{sender or 'elsewhere.example'}")
    assert found.dmarc == result
    assert set(found.proven) == proven


def test_the_share_hits_a_message_always_or_never(check: Check, dns: DnsServer) -> None:
    """RFC 7489 6.6.4: the same octets have the same fate in every try."""
    dns.texts("_dmarc.example.org", "v=DMARC1; p=reject; pct=40")
    policies = [check(sha256=f"{number:08x}" + "0" * 56).dmarc_policy for number in range(100)]
    assert policies == ["reject"] * 40 + ["quarantine"] * 60


def test_the_strictest_of_several_authors_decides(check: Check, dns: DnsServer) -> None:
    """RFC 7489 6.6.1: a second author is no way around the first one's policy."""
    dns.texts("_dmarc.example.org", "v=DMARC1; p=reject")
    dns.texts("_dmarc.evil.example", "v=DMARC1; p=none")
    dns.texts("evil.example", PASSING)
    content = mail(From="boss@example.org, x@evil.example")
    found = check(content, sender="x@evil.example")
    assert (found.from_domain, *dmarc(found)) == ("", "fail", "reject")
    assert found.proven == ("evil.example",)
    same = check(mail(From="a@evil.example, b@evil.example"), sender="x@evil.example")
    assert (same.from_domain, *dmarc(same)) == ("evil.example", "pass", "none")


def test_no_author_has_no_policy_and_a_crowd_is_an_error(check: Check) -> None:
    assert dmarc(check(mail(From="nobody at all"))) == ("none", "none")
    crowd = ", ".join(f"a@d{number}.example" for number in range(6))
    assert dmarc(check(mail(From=crowd))) == ("permerror", "none")


@pytest.mark.parametrize("broken", ["_dmarc.example.org", "example.org"])
def test_what_dns_does_not_tell_is_no_failure(check: Check, dns: DnsServer, broken: str) -> None:
    """I1: never refuse on it."""
    dns.texts("_dmarc.example.org", "v=DMARC1; p=reject")
    dns.texts("example.org", PASSING)
    dns.servfail.add(broken)
    assert dmarc(check(seconds=1.5)) == ("temperror", "none")


def test_a_slow_domain_of_the_sender_does_not_hide_that_dmarc_fails(
    check: Check, dns: DnsServer
) -> None:
    dns.texts("_dmarc.example.org", "v=DMARC1; p=reject")
    dns.silent.update({"evil.example", "s1._domainkey.evil.example"})
    found = check(signed(LETTER, "evil.example"), sender="x@evil.example", seconds=1.5)
    assert (found.spf, found.signatures[0].result) == ("temperror", "temperror")
    assert dmarc(found) == ("fail", "reject")


# All of it


def test_it_is_kept_in_findings_and_comes_back(check: Check, dns: DnsServer) -> None:
    dns.texts("s1._domainkey.example.org", key_record())
    dns.texts("_dmarc.example.org", "v=DMARC1; p=reject")
    found = Findings(authentication=check(signed(LETTER, "example.org")))
    assert found.authentication and found.authentication.dmarc == "pass"
    assert Findings.from_json(found.to_json()) == found


def test_no_dns_at_all_is_survived(
    envelope: Envelope, spooled: Callable[[bytes], SpooledMail]
) -> None:
    content = signed(LETTER, "example.org")
    checker = SenderAuthenticator(Endpoint(host="127.0.0.1", port=9), 0.9)
    asked = replace(envelope, client=Client(address="192.0.2.7"))
    found = checker.check(asked, parse(content), spooled(content))
    assert (found.spf, found.dmarc) == ("temperror", "temperror")
    assert [signature.result for signature in found.signatures] == ["temperror"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    head=st.binary(max_size=200),
    record=st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'))
    | st.sampled_from(
        ["v=spf1 a:%{", "v=spf1 include:%{l}.x", "v=spf1 redirect=.", "v=spf1 exp=%"]
    ),
    domain=st.text(max_size=80) | st.sampled_from(["a..b", "x" * 70 + ".org", "ü.example", "."]),
)
def test_nothing_that_anybody_writes_raises(
    check: Check, dns: DnsServer, head: bytes, record: str, domain: str
) -> None:
    """P6: header, envelope and DNS are hostile."""
    dns.clear()
    dns.texts("example.org", record, "v=spf1 " + record)
    dns.texts("_dmarc.example.org", record, "v=DMARC1; " + record)
    dns.texts("s1._domainkey.example.org", record)
    name = domain.encode("utf-8", "replace")
    content = b"DKIM-Signature: v=1; d=" + name + b"; " + head + b"\r\n" + LETTER
    for octets in (content, b"From: a@" + name + b"\r\n" + signed(LETTER, "example.org"), head):
        found = check(octets, helo=domain, sender="ann@example.org", seconds=3.0)
        assert Findings.from_json(Findings(authentication=found).to_json())


def _huge_key(modulus_bits: int, exponent_bits: int) -> str:
    numbers = (b"\x00" + b"\xff" * (bits // 8) for bits in (modulus_bits, exponent_bits))
    der = _der(0x30, b"".join(_der(0x02, number) for number in numbers))  # RFC 8017 A.1.1
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


def _der(kind: int, content: bytes) -> bytes:
    return bytes([kind, 0x82]) + len(content).to_bytes(2, "big") + content
