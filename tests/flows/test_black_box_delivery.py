"""How mail leaves, over real sockets: to which address, to which next hop, in what size, and what
the next hop hears of the client (C-6, E-3, E-4, E-7, E-10, O-3; BB-36, BB-37, BB-39).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.next_hop import NextHop
from tests.doubles.upstream import Upstream
from tests.flows.black_box import BOB, CAROL, OSCAR, SENDER, Box, site_setting
from tests.flows.mails import EICAR, body, mail

FILED = ("spam_destiny=pass", "addr_extension_spam=spam", "spam_subject_tag2=[spam] ")


# Address extensions


@pytest.mark.parametrize(
    ("recipient", "score", "rcpt"),
    [
        (BOB, 10, "<bob+spam@example.com> ORCPT=rfc822;bob@example.com"),
        (BOB, 0, "<bob@example.com>"),
        (
            "bob+lists@example.com",
            10,
            "<bob+spam@example.com> ORCPT=rfc822;bob+2Blists@example.com",
        ),
        ("Bob@Example.COM", 10, "<Bob+spam@Example.COM> ORCPT=rfc822;Bob@Example.COM"),
        ("postmaster@example.com", 10, "<postmaster@example.com>"),
        (OSCAR, 10, "<oscar@outside.example>"),
    ],
    ids=["spam", "clean", "extended already", "case kept", "never split", "not local"],
)
def test_delivered_spam_is_filed_under_an_extension(
    box: Box, recipient: str, score: float, rcpt: str
) -> None:
    """BB-36: ORCPT has the address that was first (RFC 3461 5.2.1)."""
    box.set("example.com", *FILED)
    box.set("outside.example", *FILED)
    box.engines.says(score=score)
    assert box.send(mail(), recipient).startswith("250 2.0.0 ")
    assert box.hop.delivered[0].rcpts == [rcpt]
    assert box.row(recipient)["outcome"] == "delivered"


def test_extensions_need_a_delimiter_and_split_no_copy(box: Box) -> None:
    """BB-36, O-3: the two get one copy, each at his address."""
    box.set("example.com", *FILED)
    box.set(CAROL, "addr_extension_spam=junk")
    box.engines.says(score=10)
    box.send(mail(), BOB, CAROL)
    assert box.hop.delivered[0].accepted == ["bob+spam@example.com", "carol+junk@example.com"]
    with site_setting("recipient_delimiter", ""):
        box.send(mail(), BOB, CAROL)
    assert box.hop.delivered[1].accepted == [BOB, CAROL]


def test_the_senders_own_orcpt_and_wishes_go_along(box: Box) -> None:
    """BB-36, N-3."""
    box.set("example.com", *FILED)
    box.engines.says(score=10)
    box.dialogue(
        f"MAIL FROM:<{SENDER}> RET=HDRS ENVID=QQ314159",
        f"RCPT TO:<{BOB}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;robert@example.net",
        content=mail(),
    )
    (delivery,) = box.hop.delivered
    assert delivery.mail == f"<{SENDER}> RET=HDRS ENVID=QQ314159"
    assert delivery.rcpts == [
        "<bob+spam@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;robert@example.net"
    ]
    assert not box.reports()  # the next hop offers DSN, so it is its turn (E-7)


def test_a_next_hop_without_dsn_hears_no_wishes_and_we_fulfil_them(
    box: Box, second: NextHop
) -> None:
    """E-7, N-1.5, RFC 3461 5.2.2."""
    second.script.without("DSN")
    box.set(BOB, *FILED, f"forward_method=smtp:[127.0.0.1]:{second.address[1]}")
    box.engines.says(score=10)
    box.dialogue(
        f"MAIL FROM:<{SENDER}> ENVID=QQ314159",
        f"RCPT TO:<{BOB}> NOTIFY=SUCCESS",
        content=mail(),
    )
    (delivery,) = second.delivered
    assert (delivery.mail, delivery.rcpts) == (f"<{SENDER}>", ["<bob+spam@example.com>"])
    (report,) = box.reports()
    assert "Action: relayed" in str(report)
    assert f"Original-Recipient: rfc822;{BOB}" in str(report) or BOB in str(report)


# Next hops


@pytest.fixture
def second() -> Iterator[NextHop]:
    with NextHop() as hop:
        yield hop


def test_each_recipient_has_the_next_hop_of_his_policy(
    box: Box, second: NextHop, tmp_path: Path
) -> None:
    """E-10: one by SMTP, one by LMTP, one by the site's own; each in a copy of its own."""
    with NextHop(path=tmp_path / "lmtp") as mailboxes:
        box.set(BOB, f"forward_method=smtp:[127.0.0.1]:{second.address[1]}")
        box.set(CAROL, f"forward_method=lmtp:{tmp_path}/lmtp")
        reply = box.send(mail(), BOB, CAROL, OSCAR)
        assert reply.startswith("250 2.0.0 from MTA(smtp:[127.0.0.1]:")
        assert [t.accepted for t in second.delivered] == [[BOB]]
        assert [t.accepted for t in mailboxes.delivered] == [[CAROL]]
        assert [t.accepted for t in box.hop.delivered] == [[OSCAR]]
        assert mailboxes.commands[0] == "LHLO filter.example.com"


def test_a_dead_next_hop_is_passed_over(box: Box, second: NextHop) -> None:
    """E-10."""
    with NextHop() as dead:
        pass
    first, other = (f"smtp:[127.0.0.1]:{hop.address[1]}" for hop in (dead, second))
    box.set(BOB, f"forward_method={first}, {other}")
    assert box.send(mail(), BOB).startswith(f"250 2.0.0 from MTA({other}): 250 2.0.0 Ok: queued")
    box.set(BOB, f"forward_method={first}")
    assert box.send(mail(), BOB).startswith("451 4.4.1 ")
    assert box.row(BOB)["outcome"] == "deferred"


def test_an_lmtp_next_hop_may_take_it_for_some_only(box: Box, tmp_path: Path) -> None:
    """O-7, O-9: the retry goes to who did not have it."""
    queued = {"xforward": "IDENT=4ABC ADDR=192.0.2.1"}
    with NextHop(path=tmp_path / "lmtp") as mailboxes:
        box.set("example.com", f"forward_method=lmtp:{tmp_path}/lmtp")
        mailboxes.script.dots = {CAROL: "452 4.2.2 over quota"}
        assert box.send(mail(), BOB, CAROL, **queued).startswith("452 4.2.2 ")
        mailboxes.script.dots = {}
        assert box.send(mail(), BOB, CAROL, **queued).startswith("250 2.0.0 ")
        assert [t.accepted for t in mailboxes.ledger] == [[BOB, CAROL], [CAROL]]


# Sizes


@pytest.mark.parametrize(
    ("limit", "size", "reply", "outcomes"),
    [
        (100_000, 100_000, "250 2.0.0 ", ("delivered", "delivered")),
        (100_000, 100_001, "250 2.0.0 ", ("rejected", "delivered")),
        (1_000, 65_536, "250 2.0.0 ", ("delivered", "delivered")),  # RFC 5321 4.5.3.1.7
        (1_000, 65_537, "250 2.0.0 ", ("rejected", "delivered")),
        (0, 200_000, "250 2.0.0 ", ("delivered", "delivered")),
    ],
)
def test_a_message_is_too_large_for_some_only(
    box: Box, limit: int, size: int, reply: str, outcomes: tuple[str, str]
) -> None:
    """BB-37, T-2: at the end of DATA, where amavisd may refuse at RCPT."""
    box.set(BOB, f"message_size_limit={limit}")
    content = mail("")
    content += b"x" * (size - len(content) - 2) + b"\r\n"
    replies = box.dialogue(
        f"MAIL FROM:<{SENDER}> SIZE={size}",
        f"RCPT TO:<{BOB}>",
        f"RCPT TO:<{CAROL}>",
        content=content,
    )
    assert [line[:3] for line in replies[:-1]] == ["250"] * 3
    assert replies[-1].startswith(reply)
    assert (box.row(BOB)["outcome"], box.row(CAROL)["outcome"]) == outcomes
    assert len(box.reports()) == (outcomes[0] == "rejected")


def test_a_message_that_is_too_large_for_all_is_refused(box: Box) -> None:
    """BB-37, F-1."""
    box.set("example.com", "message_size_limit=65536")
    reply = box.send(mail("x" * 70_000), BOB, CAROL)
    assert reply.startswith("552 5.3.4 Reject, id=")
    assert reply.endswith(" - Message size exceeds recipient's size limit")
    assert box.engines.scans == {"clamd": 0, "spamd": 0}
    box.set("example.com", "oversized_destiny=tempfail")
    assert box.send(mail("x" * 70_000), BOB, CAROL).startswith("450 4.7.0 ")
    box.set("example.com", "oversized_destiny=pass")
    assert box.send(mail("x" * 70_000), BOB, CAROL).startswith("250 2.0.0 ")


def test_a_size_over_the_limit_for_all_is_refused_at_mail(box: Box) -> None:
    """BB-37, E-3."""
    with Upstream(box.filter.address) as client:
        client.say("EHLO mx.example.com")
        assert client.say(f"MAIL FROM:<{SENDER}> SIZE=67108865").startswith("552 5.3.4 ")
        assert client.say(f"MAIL FROM:<{SENDER}> SIZE=67108864").startswith("250 ")


# The client


@pytest.mark.parametrize(
    ("xforward", "passed_on"),
    [
        (
            "NAME=desk.example.org ADDR=192.0.2.7 PORT=4711 PROTO=ESMTP HELO=desk IDENT=4ABC"
            " SOURCE=REMOTE",
            "NAME=desk.example.org ADDR=192.0.2.7 PORT=4711 PROTO=ESMTP HELO=desk IDENT=4ABC"
            " SOURCE=REMOTE",
        ),
        ("ADDR=IPV6:2001:db8::1 IDENT=4ABC", "ADDR=IPV6:2001:db8::1 IDENT=4ABC"),
        ("NAME=[UNAVAILABLE] ADDR=192.0.2.7 IDENT=4ABC", "ADDR=192.0.2.7 IDENT=4ABC"),
        ("HELO=a+20b+2Bc IDENT=4ABC", "HELO=a+20b+2Bc IDENT=4ABC"),
    ],
    ids=["complete", "IPv6, partial", "unavailable", "xtext"],
)
def test_the_next_hop_hears_who_the_client_was(box: Box, xforward: str, passed_on: str) -> None:
    """BB-39, E-4."""
    assert box.send(mail(), BOB, xforward=xforward).startswith("250 2.0.0 ")
    told = box.hop.delivered[0].xforward
    assert {name: value for name, value in told.items() if value != "[UNAVAILABLE]"} == dict(
        word.split("=", 1) for word in passed_on.split()
    )


def test_mail_of_an_own_network_is_told_of_and_has_its_own_rules(box: Box) -> None:
    """BB-39, E-5: who sends from an own network hears of what was held (N-1.7),
    but of a virus not under a foreign name (N-1.8).
    """
    box.manage("networks", "add", "198.51.100.0/24")
    try:
        box.engines.says(score=10)
        box.send(mail(), BOB, xforward="ADDR=198.51.100.7 IDENT=4ABC")
        assert len(box.reports()) == 1
        box.send(mail(EICAR), BOB, xforward="ADDR=198.51.100.7 IDENT=4CDE")
        box.send(mail(), BOB, xforward="ADDR=192.0.2.7 IDENT=4DEF")
        assert len(box.reports()) == 1
    finally:
        box.manage("networks", "remove", "198.51.100.0/24")


def test_an_attribute_that_is_too_long_is_refused_and_the_mail_goes_on(box: Box) -> None:
    """BB-39, E-4."""
    xforward, *_, reply = box.dialogue(
        f"XFORWARD HELO={'a' * 256}", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{BOB}>", content=mail()
    )
    assert xforward.startswith("501 5.5.4 ")
    assert reply.startswith("250 2.0.0 ")
    assert body(box.hop.delivered[0].content or b"") == body(mail())
