"""What a person may write for a setting, and how it is shown (P-3, P-5, BB-32)."""

from dataclasses import fields

import pytest

from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import (
    FIELDS,
    FOLLOWS_UNCHECKED,
    NEVER,
    BadValue,
    PolicySettings,
    field_group,
    field_help,
    format_value,
    parse_value,
)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("virus_lover", "yes", True),
        ("virus_lover", "NO", False),
        ("virus_lover", "1", True),
        ("virus_lover", "True", True),
        ("virus_lover", "ON", True),
        ("virus_lover", "off", False),
        ("virus_lover", "False", False),
        ("virus_lover", "0", False),
        ("spam_kill_level", "8", 8.0),
        ("spam_kill_level", "-0.5", -0.5),
        ("spam_kill_level", "Never", NEVER),
        ("virus_destiny", "Reject", Destiny.REJECT),
        ("spam_subject_tag2", "***SPAM*** ", "***SPAM*** "),
        ("spam_quarantine_to", "", ""),
        ("message_size_limit", "65536", 65536),
        ("sa_username", "Ann+x_1.-@example.com", "Ann+x_1.-@example.com"),
        ("sa_username", "a" * 100, "a" * 100),
        ("sa_username", "", ""),
        ("sa_userconf", "SQL:", "sql:"),
        ("sa_userconf", "", ""),
        ("message_size_limit", str(1 << 40), 1 << 40),
        ("spoofed_points", "-2.5", -2.5),
        ("spoofed_points", "-10000", -10000.0),
        ("spoofed_points", "10000", 10000.0),
        ("spam_subject_tag3", "x" * 200, "x" * 200),
        ("addr_extension_spam", "x" * 60, "x" * 60),
        ("spam_quarantine_to", " Quarantine ", "quarantine"),
        ("clean_quarantine_to", "quarantine", "quarantine"),
        ("addr_extension_spam", "spam", "spam"),
        ("addr_extension_spam", " +spam ", "spam"),
        ("addr_extension_virus", "-in.fected_1", "in.fected_1"),
        ("addr_extension_banned", "", ""),
        ("virus_admin", "", ""),
        (
            "virus_admin",
            " admin@example.com, O'Hara@exämple.org ",
            "admin@example.com, O'Hara@exämple.org",
        ),
        ("spam_admin", "root@[192.0.2.1]", "root@[192.0.2.1]"),
        ("forward_method", "", ""),
        (
            "forward_method",
            "smtp:[10.0.0.1]:25, lmtp:/run/lmtp",
            "smtp:[10.0.0.1]:25, lmtp:/run/lmtp",
        ),
        ("allowed_added_header_fields", "ALL", "all"),
        ("allowed_added_header_fields", "", ""),
        ("allowed_added_header_fields", "X-Spam-Flag, Received", "X-Spam-Flag, Received"),
        ("viruses_that_fake_sender", "All", "all"),
        ("viruses_that_fake_sender", "ARTICLE", "article"),
        ("viruses_that_fake_sender", "Klez, Bagle", "Klez, Bagle"),
        ("viruses_that_fake_sender", "", ""),
        ("notice_language", "DE", "de"),
        ("notice_language", "pt_br", "pt-BR"),
        ("virus_subject_tag", " *** ", " *** "),
        ("banned_rulenames", "", ""),
        ("banned_rulenames", " article, current ", "article, current"),
        ("banned_rulenames", "+own", "+own"),
        ("banned_rulenames", "+", "+"),
    ],
)
def test_values_are_read(name: str, text: str, value: object) -> None:
    """P-3, BB-32: "" is a text, and no number, flag or destiny."""
    assert parse_value(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("virus_lover", "maybe"),
        ("virus_lover", ""),
        ("spam_kill_level", "high"),
        ("spam_kill_level", "nan"),
        ("spam_kill_level", "inf"),
        ("spam_kill_level", "10001"),
        ("spam_kill_level", "-10000.5"),
        ("virus_destiny", "hold"),
        ("spam_subject_tag", "a\r\nX-Evil: 1"),
        ("spam_subject_tag", "a\x00"),
        ("message_size_limit", "-1"),
        ("message_size_limit", "1e6"),
        ("message_size_limit", "²"),
        ("message_size_limit", str((1 << 40) + 1)),
        ("message_size_limit", ""),
        ("spam_kill_level", ""),
        ("virus_destiny", ""),
        ("spoofed_points", "never"),
        ("spam_subject_tag3", "x" * 201),
        ("spam_quarantine_to", "spam@example.com"),
        ("archive_quarantine_to", "/var/quarantine"),
        ("addr_extension_spam", "sp am"),
        ("addr_extension_spam", "a@b"),
        ("addr_extension_spam", "+"),
        ("addr_extension_spam", "a..b"),
        ("addr_extension_spam", "x" * 61),
        ("virus_admin", "admin"),
        ("virus_admin", "admin@"),
        ("virus_admin", "@example.com"),
        ("virus_admin", "@."),
        ("virus_admin", "<>"),
        ("virus_admin", "a@example.com,,b@example.com"),
        ("virus_admin", "a@example.com b@example.com"),
        ("virus_admin", '"a b"@example.com'),
        ("virus_admin", "Admin <a@example.com>"),
        ("virus_admin", "a@exam ple.com"),
        ("virus_admin", "a@example.com\nb@example.com"),
        ("forward_method", "10.0.0.1"),
        ("forward_method", "smtp:[10.0.0.1]:25,pipe:/bin/sh"),
        ("allowed_added_header_fields", "X-Spam-Flag,,Received"),
        ("allowed_added_header_fields", "X-Spam-Flag: yes"),
        ("viruses_that_fake_sender", "Klez,,Bagle"),
        ("viruses_that_fake_sender", "Klez\x00"),
        ("notice_language", ""),
        ("notice_language", "english"),
        ("notice_language", "../en"),
        ("banned_rulenames", "a,,b"),
        ("banned_rulenames", "a,+b"),
        ("banned_rulenames", "++a"),
        ("banned_rulenames", "a\nb"),
        ("sa_username", "-x"),
        ("sa_username", "a b"),
        ("sa_username", "a" * 101),
        ("sa_username", "a\n"),
        ("sa_userconf", "/etc/passwd"),
    ],
)
def test_what_is_no_value_is_refused_with_words(name: str, text: str) -> None:
    """P-3."""
    with pytest.raises(BadValue, match=r"\w"):
        parse_value(name, text)


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("virus_lover", "maybe", "yes or no"),
        ("spam_kill_level", "high", "a number, or never"),
        ("spam_kill_level", "1e9", "a number between -10000 and 10000, or never"),
        ("spoofed_points", "high", "a number"),
        ("virus_destiny", "hold", "one of pass, discard, bounce, reject, tempfail"),
        ("message_size_limit", "1M", "a whole number of octets, 0 for no limit"),
        ("virus_subject_tag", "\n", "text without control characters"),
        ("virus_subject_tag", "x" * 201, "a text of at most 200 characters"),
        ("spam_quarantine_to", "x", "`quarantine`, or empty to keep nothing"),
        (
            "addr_extension_spam",
            "a b",
            "an address extension such as spam: letters and digits, no @, no spaces",
        ),
        (
            "spam_admin",
            "x",
            "one or several addresses by comma, such as admin@example.com, or empty",
        ),
        (
            "forward_method",
            "x",
            "next hops by comma, such as smtp:[10.0.0.1]:25 or lmtp:/path/of/socket, or empty",
        ),
        (
            "allowed_added_header_fields",
            "a b",
            "`all`, names of header fields by comma such as X-Spam-Flag, or empty",
        ),
        (
            "viruses_that_fake_sender",
            ",",
            "`all`, `article`, names of viruses by comma, or empty for none",
        ),
        ("notice_language", "x", "a language of two letters, such as en, de or pt-BR"),
        (
            "banned_rulenames",
            ",",
            "names of ban rule sets by comma, with + before the first at most, or empty",
        ),
        ("sa_username", "a b", "a name of letters, digits and . _ @ + -, or empty"),
        (
            "sa_userconf",
            "x",
            "sql: or empty: SpamAssassin reads preferences from the database",
        ),
    ],
)
def test_the_refusal_says_what_is_right(name: str, text: str, right: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_value(name, text)

    assert str(caught.value) == right


def test_an_unknown_field_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parse_value("nosuch", "1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(NEVER, "never"), (6.3, 6.3), (Destiny.PASS, "pass"), (True, True), ("", ""), (None, None)],
)
def test_values_are_shown_as_json_can_hold_them(value: object, shown: object) -> None:
    assert format_value(value) == shown  # type: ignore[arg-type]
    assert type(format_value(value)) is type(shown)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FIELDS)
def test_every_value_of_the_starting_policy_can_be_written(name: str) -> None:
    """T-4, P-5."""
    value = getattr(DEFAULTS, name)
    if value is None:
        assert name in FOLLOWS_UNCHECKED
        return
    shown = format_value(value)
    text = ("yes" if shown else "no") if isinstance(shown, bool) else str(shown)

    assert parse_value(name, text) == value
    assert type(parse_value(name, text)) is type(value)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_explains_itself(name: str) -> None:
    assert field_help(name).endswith(".")
    assert field_group(name) in {
        "checks", "levels", "destinies", "copies", "authenticity", "subject", "filing", "notices",
        "engine", "files",
    }  # fmt: skip
    assert {field.default for field in fields(PolicySettings)} == {None}


AMAVIS = """
    virus_lover spam_lover unchecked_lover banned_files_lover bad_header_lover
    bypass_virus_checks bypass_spam_checks bypass_banned_checks bypass_header_checks
    virus_quarantine_to spam_quarantine_to banned_quarantine_to unchecked_quarantine_to
    bad_header_quarantine_to clean_quarantine_to archive_quarantine_to
    spam_tag_level spam_tag2_level spam_tag3_level spam_kill_level
    spam_dsn_cutoff_level spam_quarantine_cutoff_level
    addr_extension_virus addr_extension_spam addr_extension_banned addr_extension_bad_header
    warnvirusrecip warnbannedrecip warnbadhrecip
    newvirus_admin virus_admin banned_admin bad_header_admin spam_admin
    spam_subject_tag spam_subject_tag2 spam_subject_tag3
    message_size_limit banned_rulenames forward_method sa_username sa_userconf
"""


@pytest.mark.parametrize("name", AMAVIS.split())
def test_the_columns_of_amavisd_s_policy_table_keep_their_names(name: str) -> None:
    """P-5; disclaimer_options, sa_userconf and sa_username are deliberate differences."""
    assert name in FIELDS
