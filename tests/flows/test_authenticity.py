"""SPF, DKIM and DMARC decide: a real filter asks a scripted DNS server about real signatures."""

from collections.abc import Iterator

import pytest

from appliance.domains.models import Network
from appliance.policies.models import Profile
from appliance.status.edit import set_setting
from smtpfilter.policy.destiny import Destiny
from tests.doubles.dns import DnsServer
from tests.doubles.next_hop import NextHop
from tests.flows.conftest import Manage
from tests.flows.mails import GTUBE, mail
from tests.flows.running import RunningFilter, running_filter
from tests.signed import key_record, signed

CLIENT = "ADDR=192.0.2.7 NAME=desk.example.org HELO=desk.example.org"
FORWARDER = "ADDR=198.51.100.9 NAME=lists.example.net HELO=lists.example.net"

LETTER = mail(From="Ann <ann@example.org>")


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with DnsServer() as dns:
        yield dns


@pytest.fixture(scope="module")
def asking_filter(
    database: None, server: DnsServer, next_hop: NextHop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFilter]:
    folder = tmp_path_factory.mktemp("asking")
    with running_filter(folder, next_hop, FILTER_DNS=str(server.endpoint)) as running:
        yield running


@pytest.fixture
def dns(server: DnsServer) -> DnsServer:
    """The domain example.org signs, names its client and asks to reject what it did not send."""
    server.clear()
    server.texts("example.org", "v=spf1 ip4:192.0.2.7 -all")
    server.texts("s1._domainkey.example.org", key_record())
    server.texts("_dmarc.example.org", "v=DMARC1; p=reject")
    return server


@pytest.fixture
def postern(asking_filter: RunningFilter, hop: NextHop, dns: DnsServer) -> Iterator[RunningFilter]:
    """The filter, which asks about senders; mail that fails DMARC is held where the domain asks
    to reject it.
    """
    set_setting(name="sender_authentication", value=True, actor="test")
    yield asking_filter
    set_setting(name="sender_authentication", value=False, actor="test")


def send(
    postern: RunningFilter, content: bytes, *, sender: str = "x@evil.example", via: str = CLIENT
) -> str:
    (reply,) = postern.send(content, sender=sender, xforward=via)
    return reply[:10]


@pytest.fixture
def hold_forgeries(manage: Manage) -> None:
    manage("policy", "set", "example.com", "dmarc_reject_destiny=discard")


def test_forged_mail_is_held_and_says_why(
    postern: RunningFilter, hop: NextHop, manage: Manage, hold_forgeries: None
) -> None:
    assert send(postern, LETTER) == "250 2.7.0 "
    (entry,) = manage("mails", "list")
    (recipient,) = entry["recipients"]
    assert (recipient["outcome"], recipient["category"]) == ("held", "spam")
    assert "DMARC" in recipient["reasons"][0]
    assert not hop.deliveries_to("bob@example.com")


def test_genuine_mail_is_delivered_with_what_was_found(
    postern: RunningFilter, hop: NextHop, hold_forgeries: None
) -> None:
    """BB-58, T-5: verified, and written as Authentication-Results; a forged one of ours goes."""
    forged = b"Authentication-Results: filter.example.com; dmarc=pass\r\n"
    content = forged + signed(LETTER, "example.org")
    assert send(postern, content, sender="ann@example.org") == "250 2.0.0 "
    (delivered,) = hop.deliveries_to("bob@example.com")
    head = b" ".join(delivered.content.partition(b"\r\n\r\n")[0].split())
    assert head.count(b"Authentication-Results:") == 1
    for words in (b"filter.example.com;", b"spf=pass", b"dkim=pass", b"dmarc=pass"):
        assert words in head
    assert delivered.content.endswith(content.removeprefix(forged))


def test_a_known_forwarder_is_excepted_by_its_profile(
    postern: RunningFilter, hop: NextHop, hold_forgeries: None
) -> None:
    profile = Profile.objects.create(name="forwarders", dmarc_reject_destiny=Destiny.PASS)
    network = Network.objects.create(cidr="198.51.100.0/24", profile="forwarders")
    try:
        assert send(postern, LETTER, via=FORWARDER) == "250 2.0.0 "
        assert send(postern, LETTER, via=CLIENT) == "250 2.7.0 "
    finally:
        network.delete()
        profile.delete()
    assert len(hop.deliveries_to("bob@example.com")) == 1


def test_an_allow_entry_for_proven_senders_is_of_no_use_to_a_forger(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """W-8."""
    spam = mail(GTUBE, From="Ann <ann@example.org>")
    manage("senders", "add", "example.com", "ann@example.org", "allow", "--authenticated")
    assert send(postern, spam) == "250 2.7.0 "
    assert send(postern, spam, sender="ann@example.org", via=FORWARDER) == "250 2.7.0 "
    assert send(postern, signed(spam, "example.org")) == "250 2.0.0 "
    assert send(postern, spam, sender="ann@example.org") == "250 2.0.0 "
    assert len(hop.deliveries_to("bob@example.com")) == 2


def test_dead_dns_refuses_nothing(
    postern: RunningFilter, dns: DnsServer, hop: NextHop, hold_forgeries: None
) -> None:
    """I1."""
    dns.servfail.update({"example.org", "_dmarc.example.org", "s1._domainkey.example.org"})
    assert send(postern, signed(LETTER, "example.org"), sender="ann@example.org") == "250 2.0.0 "


def test_nobody_is_asked_while_the_setting_is_off(
    postern: RunningFilter, dns: DnsServer, hold_forgeries: None
) -> None:
    set_setting(name="sender_authentication", value=False, actor="test")
    assert send(postern, LETTER) == "250 2.0.0 "
    assert not dns.asked
