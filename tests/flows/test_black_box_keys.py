"""Under which keys a recipient's settings are found, over real sockets (K-1 to K-6, K-11, P-1 to
P-3, P-7; BB-31, BB-32, BB-63, BB-64).

The subject tag of the copy shows whose setting counted.
"""

import pytest

from tests.flows.black_box import BOB, Box, site_setting
from tests.flows.mails import EICAR, mail

KEYS = (
    "user+ext@sub.example.com",
    "user@sub.example.com",
    "user+ext@",
    "user@",
    "sub.example.com",
    ".sub.example.com",
    ".example.com",
    ".com",
)


def tag_of(box: Box, recipient: str) -> str:
    """Send spam that passes; return the subject tag that it got."""
    box.hop.ledger.clear()
    box.engines.says(score=10)
    assert box.send(mail(), recipient).startswith("250 2.0.0 ")
    (delivery,) = box.hop.delivered
    return box.copy(delivery.accepted[0]).subject.removesuffix("A letter").strip()


@pytest.fixture
def local(box: Box) -> Box:
    """A box with a local domain with all below it, where spam passes."""
    box.manage("domains", "add", ".example.com")
    box.set(".com", "spam_destiny=pass")
    return box


def test_each_key_gives_way_to_the_more_specific_one(local: Box) -> None:
    """BB-31, K-1, P-1: from the whole address down to the top-level domain."""
    for number, key in reversed(list(enumerate(KEYS))):
        local.set(key, f"spam_subject_tag2=[{number}] ")
        assert tag_of(local, "User+Ext@Sub.Example.COM") == f"[{number}]"


def test_a_field_that_is_not_set_falls_through_for_itself(local: Box) -> None:
    """BB-31, P-2: each field is found by itself."""
    for number, key in enumerate(KEYS):
        field = "spam_subject_tag2" if number % 2 else "virus_subject_tag"
        local.set(key, f"{field}=[{number}] ")
    assert tag_of(local, "user+ext@sub.example.com") == "[1]"
    local.manage("policy", "unset", KEYS[1], "spam_subject_tag2")
    assert tag_of(local, "user+ext@sub.example.com") == "[3]"
    local.set(KEYS[0], "spam_subject_tag2=")  # an empty text is a value, not "inherit"
    assert tag_of(local, "user+ext@sub.example.com") == ""


def test_a_priority_overrides_the_order_of_the_keys(local: Box) -> None:
    """BB-31, P-1: rows that came from amavisd's table may have an order of their own."""
    local.set("user@sub.example.com", "spam_subject_tag2=[user] ")
    local.set(".com", "spam_subject_tag2=[com] ")
    assert tag_of(local, "user@sub.example.com") == "[user]"
    local.manage("policy", "priority", ".com", "9")
    assert tag_of(local, "user@sub.example.com") == "[com]"


def test_a_bare_user_is_of_local_domains_only(local: Box) -> None:
    """BB-31, K-2, K-11: and a recipient elsewhere gets no tag at all."""
    local.set("@.", "spam_destiny=pass")
    local.set("user@", "spam_subject_tag2=[bare] ")
    try:
        assert tag_of(local, "user@any.example.com") == "[bare]"
        assert tag_of(local, "user@outside.example") == ""
    finally:
        local.set("@.", "spam_destiny=discard")


@pytest.mark.parametrize(
    ("spelling", "loves"),
    [
        *((word, True) for word in ("yes", "YES", "true", "on", "1")),
        *((word, False) for word in ("no", "No", "false", "off", "0")),
    ],
)
def test_yes_and_no_have_several_spellings(box: Box, spelling: str, loves: bool) -> None:
    """BB-32, P-3."""
    box.set(BOB, f"virus_lover={spelling}")
    box.send(mail(EICAR), BOB)
    assert box.got(BOB) is loves


@pytest.mark.parametrize(
    "assignment",
    ["virus_lover=", "virus_lover=maybe", "virus_lover= ", "spam_kill_level=", "spam_kill_level=x"],
)
def test_what_is_no_value_is_refused_and_changes_nothing(box: Box, assignment: str) -> None:
    """BB-32, P-3: amavisd reads it as some value."""
    with pytest.raises(SystemExit):
        box.set(BOB, assignment)
    assert box.manage("policy", "show", BOB)["settings"] == {}


USER, EXTENDED = "user@sub.example.com", "user+ext@sub.example.com"


@pytest.mark.parametrize(
    ("delimiter", "recipient", "row", "found"),
    [
        ("+", "user+ext@sub.example.com", USER, True),
        ("+", "user-ext@sub.example.com", USER, False),
        ("-", "user-ext@sub.example.com", USER, True),
        ("-", "user+ext@sub.example.com", USER, False),
        ("+-", "user-ext+more@sub.example.com", USER, True),
        ("", "user+ext@sub.example.com", USER, False),
        ("", "user+ext@sub.example.com", EXTENDED, True),
        ("+", "user+ext@sub.example.com", EXTENDED, True),
        ("+", "+user@sub.example.com", USER, False),
        # names that are never split
        ("+", "postmaster+x@sub.example.com", "postmaster@sub.example.com", True),
        ("-", "mailer-daemon@sub.example.com", "mailer@sub.example.com", False),
        ("-", "double-bounce@sub.example.com", "double@sub.example.com", False),
        ("-", "owner-list@sub.example.com", "owner@sub.example.com", False),
        ("-", "list-request@sub.example.com", "list@sub.example.com", False),
        ("+", "owner-list+x@sub.example.com", "owner-list@sub.example.com", True),
    ],
)
def test_what_an_extension_is_says_the_delimiter(
    local: Box, delimiter: str, recipient: str, row: str, found: bool
) -> None:
    """BB-63, K-1."""
    local.set(row, "spam_subject_tag2=[row] ")
    with site_setting("recipient_delimiter", delimiter):
        assert tag_of(local, recipient) == ("[row]" if found else "")


@pytest.mark.parametrize(
    ("row", "recipient"),
    [
        ("user@bücher.example", "user@xn--bcher-kva.example"),
        ("user@xn--bcher-kva.example", "user@bücher.example"),
        ("bücher.example", "USER@BÜCHER.Example"),
        (".BÜCHER.example", "user@sub.xn--BCHER-KVA.example"),
        ("xn--bcher-kva.example", "user@bücher.example."),
        ("[192.0.2.1]", "user@[192.0.2.1]"),
        ("user@[192.0.2.1]", "User@[192.0.2.1]"),
    ],
)
def test_a_domain_is_the_same_in_all_its_spellings(box: Box, row: str, recipient: str) -> None:
    """BB-64, K-1: A-label, U-label, case, trailing dot, address literal."""
    for domain in (".xn--bcher-kva.example", "[192.0.2.1]"):
        box.manage("domains", "add", domain)
    box.set(row, "spam_destiny=pass", "spam_subject_tag2=[row] ")
    box.engines.says(score=10)
    utf8 = "" if recipient.isascii() else " SMTPUTF8"
    *_, reply = box.dialogue(
        f"MAIL FROM:<sender@example.org>{utf8}", f"RCPT TO:<{recipient}>", content=mail()
    )
    assert reply.startswith("250 2.0.0 ")
    assert box.copy(recipient).subject == "[row] A letter"
