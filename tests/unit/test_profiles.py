"""Own networks and direction profiles (K-10, E-5)."""

from typing import Any

import pytest

from smtpfilter.mail.envelope import Client
from smtpfilter.policy.layers import Network, Origin, PolicyBook, Profile
from smtpfilter.policy.networks import find_network
from smtpfilter.policy.profiles import origin_of

NETWORKS = tuple(
    Network(cidr, profile)
    for cidr, profile in (
        ("broken", ""),
        ("192.0.2.1/24", "office"),
        ("!192.0.2.128/25", ""),
        ("192.0.2.200", "printer"),
        ("2001:db8::/32", ""),
        ("::ffff:198.51.100.0/120", "mapped"),
        ("fe80::%eth0/64", "zone"),
        ("fe80::/64", "any zone"),
        ("!fe81::/64", ""),
        ("fe81::/64", "never"),
    )
)


@pytest.mark.parametrize(
    ("address", "profile"),
    [
        pytest.param("192.0.2.7", "office", id="inside"),
        pytest.param("192.0.3.7", None, id="outside"),
        pytest.param("192.0.2.129", None, id="excepted"),
        pytest.param("192.0.2.200", "printer", id="the smallest counts, also in an exception"),
        pytest.param("::ffff:192.0.2.7", "office", id="mapped address"),
        pytest.param("198.51.100.7", "mapped", id="mapped network"),
        pytest.param("IPv6:2001:db8::1", "", id="as XFORWARD writes it"),
        pytest.param("ipv6:2001:db8::1", "", id="in any case"),
        pytest.param("2001:db9::1", None, id="IPv6 outside"),
        pytest.param("fe80::1%eth0", "zone", id="its zone"),
        pytest.param("fe80::1%eth1", "any zone", id="another zone"),
        pytest.param("fe80::1", "any zone", id="no zone"),
        pytest.param("fe81::1", None, id="an exception wins over its equal"),
        pytest.param("192.0.2", None, id="no address"),
        pytest.param("nonsense", None, id="words"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="unknown"),
    ],
)
def test_the_smallest_network_counts(address: str | None, profile: str | None) -> None:
    """K-10: better than the first match, whose order nobody sees on a screen."""
    for networks in (NETWORKS, NETWORKS[::-1]):
        found = find_network(networks, address)

        assert (found.profile if found else None) == profile


def test_of_two_ways_to_write_one_network_the_first_counts() -> None:
    """K-10."""
    twice = [Network("192.0.2.0/24", "b"), Network("192.0.2.1/24", "a")]

    assert find_network(twice, "192.0.2.7") == twice[0]


@pytest.mark.parametrize("cidr", ["::/0", "0.0.0.0/0", "::ffff:0:0/96"])
def test_everybody_is_in_the_widest_network(cidr: str) -> None:
    """K-10: IPv4 is compared as IPv4-mapped IPv6, one table serves both."""
    assert find_network([Network(cidr)], "192.0.2.7") == Network(cidr)
    assert (find_network([Network(cidr)], "2001:db8::1") is not None) is (cidr == "::/0")


def book(*profiles: Profile, networks: tuple[Network, ...] = ()) -> PolicyBook:
    return PolicyBook(networks=networks, profiles={profile.name: profile for profile in profiles})


SUBMISSION = Profile("submission", ports=frozenset({10027}), originating=True)
OUT = Profile("out", originating=True)
PARTNER = Profile("partner")
USERS = Profile("users", authenticated=True)
ALL = book(
    USERS, SUBMISSION, OUT, PARTNER,
    networks=(
        Network("192.0.2.0/24", "out"),
        Network("198.51.100.0/24", "partner"),
        Network("203.0.113.0/24"),
        Network("233.252.0.0/24", "gone"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("client", "port", "expected"),
    [
        pytest.param({}, 10025, Origin(), id="from somewhere"),
        pytest.param({}, 10027, Origin(True, False, ("submission",)), id="by port"),
        pytest.param(
            {"address": "192.0.2.7"}, 10025, Origin(True, False, ("out",)), id="by network"
        ),
        pytest.param(
            {"address": "198.51.100.7"}, 0, Origin(False, False, ("partner",)), id="of strangers"
        ),
        pytest.param({"address": "203.0.113.7"}, 0, Origin(True), id="own network"),
        pytest.param({"address": "233.252.0.7"}, 0, Origin(True), id="its profile is gone"),
        pytest.param(
            {"authenticated": True}, 0, Origin(True, True, ("users",)), id="logged in"
        ),
        pytest.param(
            {"authenticated": True, "address": "192.0.2.7"},
            10027,
            Origin(True, True, ("submission", "out", "users")),
            id="all three, the strongest last",
        ),
    ],
)  # fmt: skip
def test_mail_comes_by_a_port_from_a_network_or_after_a_login(
    client: dict[str, Any], port: int, expected: Origin
) -> None:
    """E-5."""
    assert origin_of(ALL, Client(**client), port) == expected


def test_a_profile_that_applies_twice_counts_in_its_strongest_place() -> None:
    """E-5."""
    both = Profile("both", ports=frozenset({1}), authenticated=True)
    other = Profile("zother", ports=frozenset({1}))

    assert origin_of(book(both, other), Client(authenticated=True), 1).profiles == (
        "zother",
        "both",
    )


@pytest.mark.parametrize(
    ("origin", "credible"),
    [
        (Origin(), False),
        (Origin(originating=True), True),
        (Origin(authenticated=True), True),
    ],
)
def test_who_is_one_of_ours_can_be_told(origin: Origin, credible: bool) -> None:
    assert origin.credible is credible
