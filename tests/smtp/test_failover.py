"""Next hops that a policy names: tried in turn until one has taken the message (E-10)."""

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import pytest

from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.octets import Content
from smtpfilter.ports.delivery import Handover, Submission
from smtpfilter.smtp import failover
from smtpfilter.smtp.connection import Timeouts
from smtpfilter.smtp.relay import SmtpRelay
from smtpfilter.smtp.routes import RouteTable
from tests.doubles.next_hop import NextHop
from tests.smtp.conftest import eventually

SHORT = Timeouts(connect=0.3, command=0.3, data=0.3, content=0.3, dot=0.3)
CONTENT = Content(b"Subject: x\r\n\r\n", b"hello\r\n", 0)
LARGE = Content(b"Subject: x\r\n\r\n", b"x" * 98 * 30_000, 0)  # more than a socket's buffers


class House:
    """A table of routes; `site` is the site's own next hop, `first` and `second` are others."""

    def __init__(self, site: NextHop, first: NextHop, second: NextHop) -> None:
        self.site, self.first, self.second = site, first, second
        own = SmtpRelay(Endpoint.parse(site.endpoint), "filter.example", SHORT)
        self.table = RouteTable(own, "filter.example", SHORT)

    @property
    def both(self) -> str:
        return f"{named(self.first)}, {named(self.second)}"

    def send(self, forward_method: str, *names: str, content: Content = CONTENT) -> Handover:
        recipients = tuple(
            Recipient(parse_address(f"{name}@x.org".encode())) for name in names or ("a",)
        )
        submission = Submission(parse_address(b"s@example.org"), recipients, content)
        return self.table.relay(forward_method).send(submission)


@pytest.fixture
def house() -> Iterator[House]:
    with ExitStack() as stack:
        house = House(*(stack.enter_context(NextHop()) for _ in range(3)))
        stack.callback(house.table.close)
        yield house


def named(hop: NextHop) -> str:
    return f"smtp:[127.0.0.1]:{hop.address[1]}"


def words(handover: Handover) -> list[str]:
    return [str(reply) for reply in handover.replies]


def test_without_a_name_mail_goes_to_the_sites_own_next_hop(house: House) -> None:
    assert house.send("").hop == named(house.site)
    assert len(house.site.delivered) == 1


def test_the_first_next_hop_that_works_has_the_mail_alone(house: House) -> None:
    handover = house.send(house.both)
    assert words(handover) == ["250 2.0.0 Ok: queued as Q1"]
    assert handover.hop == named(house.first)
    assert handover.dsn
    assert house.second.connections == house.site.connections == 0


def test_a_next_hop_may_be_named_by_its_host_name(house: House) -> None:
    assert words(house.send(f"smtp:localhost:{house.first.address[1]}"))[0].startswith("250")


def test_a_next_hop_may_be_a_unix_socket_that_speaks_lmtp(house: House, tmp_path: Path) -> None:
    with NextHop(path=tmp_path / "lmtp") as hop:
        hop.script.dots = {"b@x.org": "452 4.2.2 over quota"}
        handover = house.send(f"lmtp:{tmp_path}/lmtp", "a", "b")
        assert [reply[:3] for reply in words(handover)] == ["250", "452"]
        assert handover.hop == f"lmtp:{tmp_path}/lmtp"
        assert hop.commands[0].startswith("LHLO ")


def test_where_nobody_listens_the_next_one_is_tried(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    handover = house.send(f"smtp:[127.0.0.1]:{port}, {named(house.second)}")
    assert words(handover) == ["250 2.0.0 Ok: queued as Q1"]
    assert handover.hop == named(house.second)


@pytest.mark.parametrize(
    ("fault", "stage"),
    [
        *product(["lose_at", "hang_at"], ["greeting", "ehlo", "mail", "rcpt", "data"]),
        ("lose_at", "content"),
    ],
)
def test_a_next_hop_that_fails_before_the_dot_is_passed_over(
    fault: str, stage: str, house: House
) -> None:
    setattr(house.first.script, fault, stage)
    handover = house.send(house.both, content=LARGE)
    assert words(handover) == ["250 2.0.0 Ok: queued as Q1"]
    assert handover.hop == named(house.second)
    assert not any(transaction.dotted for transaction in house.first.ledger)


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("greeting", "421 4.3.2 too busy"),
        ("greeting", "450 4.3.0 later"),
        ("greeting", "554 5.7.1 go away"),
        ("ehlo", "421 4.3.2 busy"),
        ("ehlo", "502 5.5.1 what"),
        ("mail", "421 4.3.2 bye"),
        ("recipient", "421 4.3.2 bye"),
        ("data", "421 4.3.2 bye"),
    ],
)
def test_a_next_hop_that_wants_nobody_now_is_passed_over(
    stage: str, reply: str, house: House
) -> None:
    setattr(house.first.script, stage, reply)
    assert house.send(house.both).hop == named(house.second)
    assert len(house.second.delivered) == 1


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        ("mail", "451 4.3.0 later", "451 4.3.0 later"),
        ("recipient", "450 4.2.0 greylisted", "450 4.2.0 greylisted"),
        ("recipient", "550 5.1.1 no such user", "550 5.1.1 no such user"),
        ("dot", "451 4.3.0 later", "451 4.3.0 later"),
        ("dot", "421 4.3.2 bye", "451 4.3.2 bye"),
        ("dot", "554 5.7.1 spam", "554 5.7.1 spam"),
    ],
)
def test_what_a_next_hop_answers_about_the_mail_is_the_answer(
    stage: str, reply: str, expected: str, house: House
) -> None:
    setattr(house.first.script, stage, reply)
    handover = house.send(house.both)
    assert words(handover) == [expected]
    assert handover.hop == named(house.first)
    assert house.second.connections == 0


@pytest.mark.parametrize("fault", ["lose_at", "hang_at"])
def test_after_the_dot_nobody_else_is_asked(fault: str, house: House) -> None:
    """O-10: the message may have been taken."""
    setattr(house.first.script, fault, "dot")
    assert words(house.send(house.both)) == [
        "451 4.4.2 Connection to next hop lost, outcome unknown"
    ]
    assert house.second.connections == 0


def test_where_none_works_the_mail_stays_with_the_sender(house: House) -> None:
    house.first.script.greeting = "554 5.7.1 go away"
    house.second.script.greeting = "421 4.3.2 too busy"
    handover = house.send(house.both, "a", "b")
    assert words(handover) == ["451 4.3.2 too busy"] * 2
    assert handover.dsn is False


def test_the_search_ends_before_the_sender_gives_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O-11: Postfix waits 1200 s for the answer to the final dot."""
    config = FilterConfig()
    assert failover.LONGEST_SEARCH_SECONDS < failover.LONGEST_GIVING_SECONDS
    longest = failover.LONGEST_GIVING_SECONDS + Timeouts().dot
    assert config.scan_timeout_seconds + longest <= 1200
    monkeypatch.setattr(failover, "LONGEST_SEARCH_SECONDS", 0)
    house.first.script.greeting = "421 4.3.2 too busy"
    assert words(house.send(house.both)) == ["451 4.3.2 too busy"]
    assert house.second.connections == 0


def test_a_next_hop_that_trickles_is_given_up_before_the_dot(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O-11: each of its replies comes in time, all of them together do not."""
    monkeypatch.setattr(failover, "LONGEST_GIVING_SECONDS", 0.5)
    house.first.script.without("PIPELINING")
    house.first.script.delay_seconds = {"rcpt": 0.1}
    handover = house.send(named(house.first), *(f"r{n}" for n in range(20)))
    assert set(words(handover)) == {"451 4.4.2 Connection to next hop lost"}
    assert not any(transaction.dotted for transaction in house.first.ledger)


def test_a_next_hop_that_failed_a_moment_ago_is_tried_after_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E-10: not every message waits for it; where no other works it is tried all the same."""
    house.first.script.greeting = "421 4.3.2 too busy"
    for _ in range(3):
        assert house.send(house.both).hop == named(house.second)
    assert house.first.connections == 1

    house.second.script.lose_at = "mail"
    house.first.script.greeting = "220 back"
    assert house.send(house.both).hop == named(house.first)
    house.second.script.lose_at = ""
    assert house.send(house.both).hop == named(house.first)

    house.first.script.lose_at = "mail"
    assert house.send(house.both).hop == named(house.second)
    house.first.script.lose_at = ""
    monkeypatch.setattr("smtpfilter.smtp.relay.AILING_SECONDS", 0)
    assert house.send(house.both).hop == named(house.first)


def test_only_who_is_left_goes_to_the_next_one(house: House) -> None:
    """O-6: the first took two recipients, and was gone when the third came."""
    house.first.script.most_recipients = 2
    house.first.script.mail = ["250 2.1.0 Ok", "421 4.3.2 bye"]
    house.second.script.without("DSN")
    handover = house.send(house.both, "a", "b", "c")
    assert [reply[:3] for reply in words(handover)] == ["250", "250", "250"]
    assert [t.accepted for t in house.first.delivered] == [["a@x.org", "b@x.org"]]
    assert [t.accepted for t in house.second.delivered] == [["c@x.org"]]
    assert handover.dsn is False


def test_connections_are_kept_for_each_next_hop_and_closed_with_the_table(house: House) -> None:
    for forward_method in ("", named(house.first), house.both, f"{named(house.first)}, smtp:x:1"):
        house.send(forward_method)
    assert (house.site.connections, house.first.connections) == (1, 1)
    house.table.close()
    eventually(lambda: house.site.commands[-1] == house.first.commands[-1] == "QUIT")


def test_a_name_that_cannot_be_read_is_an_alarm_and_bounces_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    handover = house.send("pipe:/bin/sh", "a", "b")
    assert words(handover) == ["451 4.3.5 The way to the next hop is not set up"] * 2
    (alarm,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "'pipe:/bin/sh' is no next hop" in alarm.getMessage()
