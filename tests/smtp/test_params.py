"""ESMTP parameters, xtext and XFORWARD values (E-3, E-4, E-8, E-9, P10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.envelope import Client
from smtpfilter.smtp.params import (
    BadParameter,
    MailParameters,
    RecipientParameters,
    decode_xtext,
    encode_xtext,
    parse_mail_parameters,
    parse_recipient_parameters,
)
from smtpfilter.smtp.xforward import ATTRIBUTES, BadAttribute, command_lines, update_client


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", MailParameters()),
        (b"size=10 body=8bitmime", MailParameters(size_bytes=10, body="8BITMIME")),
        (b"BODY=7BIT SMTPUTF8", MailParameters(body="7BIT", smtputf8=True)),
        (b"RET=hdrs  ENVID=QQ314+2Bab", MailParameters(ret=b"hdrs", envid=b"QQ314+2Bab")),
        (b"SIZE=18446744073709551615", MailParameters(size_bytes=2**64 - 1)),
    ],
)
def test_parameters_of_mail_are_kept_octet_for_octet(
    octets: bytes, expected: MailParameters
) -> None:
    assert parse_mail_parameters(octets) == expected


@pytest.mark.parametrize(
    "octets",
    [
        *(b"SIZE", b"SIZE=", b"SIZE=abc", b"SIZE=-1", b"SIZE=9e99", b"SIZE=" + b"9" * 21),
        *(b"SIZE=1 SIZE=1", b"SIZE=1 size=2", b"BODY=X", b"BODY", b"BODY=BINARYMIME"),
        *(b"SMTPUTF8=yes", b"SMTPUTF8 SMTPUTF8", b"RET=X", b"RET", b"=", b"=1", b"S\xc3\xa9=1"),
        *(b"ENVID=", b"ENVID=a+2", b"ENVID=a+zz", b"ENVID=a\xe9", b"ENVID=a=b"),
        b"ENVID=" + b"a" * 101,
    ],
)
def test_a_malformed_parameter_of_mail_is_501(octets: bytes) -> None:
    with pytest.raises(BadParameter) as refusal:
        parse_mail_parameters(octets)
    assert str(refusal.value.reply).startswith("501 5.5.4")


@pytest.mark.parametrize("octets", [b"FOO", b"FOO=1", b"NOTIFY=NEVER", b"AUTH=<>", b"SIZE=1 X=1"])
def test_an_unknown_parameter_of_mail_is_555(octets: bytes) -> None:
    with pytest.raises(BadParameter) as refusal:
        parse_mail_parameters(octets)
    assert str(refusal.value.reply).startswith("555 5.5.4")


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"notify=never", RecipientParameters(notify=("NEVER",))),
        (b"NOTIFY=SUCCESS,failure,DELAY", RecipientParameters(("SUCCESS", "FAILURE", "DELAY"))),
        (b"ORCPT=rfc822;a+2Bb@x.org", RecipientParameters(orcpt=b"rfc822;a+2Bb@x.org")),
    ],
)
def test_parameters_of_rcpt_are_kept(octets: bytes, expected: RecipientParameters) -> None:
    assert parse_recipient_parameters(octets) == expected


@pytest.mark.parametrize(
    "octets",
    [
        *(b"NOTIFY", b"NOTIFY=NEVER,SUCCESS", b"NOTIFY=,", b"NOTIFY=SUCCESS,SUCCESS", b"NOTIFY=X"),
        *(b"ORCPT", b"ORCPT=a@x.org", b"ORCPT=;a", b"ORCPT=rfc822;", b"ORCPT=rfc822;a+b@x"),
        *(b"ORCPT=rfc822;\xc3\xa9", b"ORCPT=utf-8;\xc3\xa9@x.org"),
        b"ORCPT=rfc822;" + b"a" * 500,
        b"NOTIFY=NEVER NOTIFY=NEVER",
    ],
)
def test_a_malformed_parameter_of_rcpt_is_501(octets: bytes) -> None:
    with pytest.raises(BadParameter) as refusal:
        parse_recipient_parameters(octets)
    assert str(refusal.value.reply).startswith("501 5.5.4")


def test_an_unknown_parameter_of_rcpt_is_555() -> None:
    with pytest.raises(BadParameter) as refusal:
        parse_recipient_parameters(b"RET=FULL")
    assert refusal.value.reply.code == 555


def test_a_utf8_orcpt_needs_smtputf8() -> None:
    orcpt = "utf-8;é@x.org".encode()
    assert parse_recipient_parameters(b"ORCPT=" + orcpt, smtputf8=True).orcpt == orcpt


@given(st.binary(max_size=50))
def test_xtext_gives_back_what_went_in(octets: bytes) -> None:
    assert decode_xtext(encode_xtext(octets)) == octets


@pytest.mark.parametrize("octets", [b"a b", b"a=b", b"+", b"+4", b"+4G", b"\xe9", b"a\0"])
def test_what_is_no_xtext_is_none(octets: bytes) -> None:
    assert decode_xtext(octets) is None


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"NAME=mx.example.net ADDR=192.0.2.7", Client(name="mx.example.net", address="192.0.2.7")),
        (b"addr=IPV6:2001:DB8::0001", Client(address="2001:db8::1")),
        (b"ADDR=::1 PORT=2525", Client(address="::1", port="2525")),
        (b"NAME=[UNAVAILABLE] ADDR=[unavailable] HELO=[TEMPUNAVAIL]", Client()),
        (b"PROTO=ESMTP SOURCE=local", Client(proto="ESMTP", source="LOCAL")),
        (b"IDENT=4bXyZ HELO=a+20b+2B", Client(ident="4bXyZ", helo="a b+")),
        (b"HELO=+FF", Client(helo="\ufffd")),
        (b"HELO=", Client()),
    ],
)
def test_xforward_says_who_the_client_is(octets: bytes, expected: Client) -> None:
    assert update_client(Client(), octets) == expected


def test_xforward_comes_in_several_commands() -> None:
    client = update_client(Client(), b"NAME=a.example ADDR=192.0.2.7")
    client = update_client(client, b"HELO=b.example IDENT=Q1")
    assert client == Client(name="a.example", address="192.0.2.7", helo="b.example", ident="Q1")


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"NAME", b"FOO=1", b"NAME=a b", b"NAME=a=b", b"NAME=+0", b"NAME=a+0D+0Ab"),
        *(b"HELO=+00", b"HELO=+C2+85", b"ADDR=192.0.2.256", b"ADDR=x", b"ADDR=fe80::1%x"),
        *(b"PORT=65536", b"PORT=x", b"PORT=-1", b"SOURCE=MARS", b"NAME=" + b"a" * 256),
        b"NAME=ok ADDR=bad",
    ],
)
def test_a_bad_xforward_attribute_is_refused(octets: bytes) -> None:
    with pytest.raises(BadAttribute):
        update_client(Client(), octets)


def test_xforward_leaves_as_it_came() -> None:
    octets = (
        b"NAME=mx.example.net ADDR=IPV6:2001:db8::1 PORT=25 "
        b"PROTO=ESMTP HELO=a+2Bb IDENT=4b SOURCE=LOCAL"
    )
    client = update_client(Client(), octets)
    assert list(command_lines(client, ATTRIBUTES)) == [b"XFORWARD " + octets]


def test_only_what_is_known_and_offered_is_told() -> None:
    client = Client(name="a.example", ident="Q1", helo="h")
    assert list(command_lines(client, ["NAME", "ADDR", "IDENT"])) == [
        b"XFORWARD NAME=a.example IDENT=Q1"
    ]
    assert list(command_lines(client, [])) == []


def test_long_attributes_are_told_in_several_commands() -> None:
    client = Client(name="n" * 255, helo="é" * 120, ident="Q1")
    lines = list(command_lines(client, ATTRIBUTES))
    assert len(lines) > 1
    again = Client()
    for line in lines:
        again = update_client(again, line.removeprefix(b"XFORWARD "))
    assert again == client
