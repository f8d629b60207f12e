"""The policy source on Postgres: one query finds all that matters, and sees every change."""

import math
import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction

from appliance.domains.models import Domain, Network
from appliance.policies import source as module
from appliance.policies.edit import set_fields
from appliance.policies.models import BanRuleSet, NamedPolicy, PolicyLayer, Profile, SenderRule
from appliance.policies.source import DatabasePolicySource
from appliance.status.models import SiteSettings, TracedSender
from smtpfilter.errors import PolicyUnavailable
from smtpfilter.mail.address import NULL_SENDER, Address, parse_address
from smtpfilter.mail.envelope import Client
from smtpfilter.mail.findings import Authentication
from smtpfilter.policy import layers
from smtpfilter.policy.layers import BanRule, PolicyBook
from smtpfilter.policy.profiles import origin_of
from smtpfilter.policy.resolve import resolve
from smtpfilter.policy.senders import match_senders
from smtpfilter.policy.settings import FIELDS

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOURCE = DatabasePolicySource()

USERS = ["ann", "ann+news", "ann-lists", "bob=x", "postmaster", "Ünal", "o'hara", '"a b"']
DOMAINS = ["example.com", "sub.example.com", "deep.sub.example.com", "example.org", "bücher.de"]
KEYS = ["@.", ".com", ".example.com", "example.com", "sub.example.com", ".sub.example.com",
        "example.org", "xn--bcher-kva.de", "ann@example.com", "ann+news@example.com", "ann@",
        "postmaster@", "bob=x@sub.example.com", "bob@sub.example.com", "Ünal@example.com",
        "ann@sub.example.com", "ann-lists@example.com", "o'hara@example.org"]  # fmt: skip

Result = TypeVar("Result")


def address(text: str) -> Address:
    return parse_address(text.encode())


def some_settings(dice: random.Random) -> dict[str, Any]:
    values = {
        "virus_lover": dice.choice([True, False]),
        "spam_kill_level": dice.choice([3.0, 6.31, 8.5, float("inf")]),
        "spam_destiny": dice.choice(["pass", "discard", "reject"]),
        "unchecked_encrypted_destiny": dice.choice(["pass", "tempfail"]),
        "spam_subject_tag2": dice.choice(["", "***SPAM*** "]),
        "message_size_limit": dice.choice([0, 1 << 33]),
        "spoofed_points": dice.choice([0, 2.5]),
        "banned_rulenames": dice.choice(["article", "+article", ""]),
    }
    return {name: value for name, value in values.items() if dice.random() < 0.4}


def fill(dice: random.Random) -> None:
    PolicyLayer.objects.all().delete()
    named = [NamedPolicy.objects.create(name=n, **some_settings(dice)) for n in ("tight", "lax")]
    places = {(dice.choice(KEYS), dice.choice(["", "", "ldap", "staff"])) for _ in range(16)}
    for key, source in sorted(places):
        PolicyLayer.objects.create(
            key=key,
            source=source,
            policy=dice.choice([None, *named]),
            priority=dice.choice([None, None, None, 1, 7]),
            locked=dice.choice([[], [], ["spam_destiny", "virus_lover"]]),
            **some_settings(dice),
        )
    for name in dice.sample(["example.com", ".example.com", "xn--bcher-kva.de", ".org"], 2):
        Domain.objects.create(name=name)
    pairs = {
        (dice.choice(KEYS), dice.choice(["", *KEYS]), dice.choice(["", "ldap"])) for _ in range(16)
    }
    for key, sender, source in sorted(pairs):
        SenderRule.objects.create(
            key=key,
            sender=sender,
            source=source,
            authenticated=dice.choice([False, False, True]),
            action=dice.choice(["allow", "block", "score"]),
            points=dice.choice([-2.5, 1, 4]),
            expires_at=dice.choice([None, NOW - timedelta(days=1), NOW + timedelta(days=1)]),
        )


def everything() -> PolicyBook:
    """Return all rows, read by the ORM, whether they matter or not."""
    return PolicyBook(
        layers=tuple(
            layers.Layer(
                key=row.key,
                settings=row.to_settings(),
                policy_name=row.policy.name if row.policy else "",
                policy_settings=row.policy.to_settings() if row.policy else layers.PolicySettings(),
                priority=row.priority,
                locked=frozenset(row.locked),
                source=row.source,
            )
            for row in PolicyLayer.objects.select_related("policy")
        ),
        domains=frozenset(Domain.objects.values_list("name", flat=True)),
        senders=tuple(
            layers.SenderRule(
                r.key, r.sender, r.action, r.points, r.expires_at, r.authenticated, r.source, r.pk
            )
            for r in SenderRule.objects.all()
        ),
        recipient_delimiter=SiteSettings.load().recipient_delimiter,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_the_rows_that_the_query_picks_decide_like_all_rows_together(seed: int) -> None:
    """P-1, P-6: layers and sender entries, of all keys and sources."""
    dice = random.Random(seed)
    fill(dice)
    SiteSettings(recipient_delimiter=dice.choice(["+", "-", "", "+=", "+-="])).save()
    whole = everything()

    for _ in range(15):
        to = address(f"{dice.choice(USERS)}@{dice.choice(DOMAINS)}")
        others = [address(f"{dice.choice(USERS)}@{dice.choice(DOMAINS)}") for _ in range(2)]
        senders = dice.choice([[NULL_SENDER], others])
        book = SOURCE.load(senders, [to, *others])

        assert resolve(book, to) == resolve(whole, to)
        proof = dice.choice([None, Authentication(proven=("example.com",))])
        assert match_senders(book, to, senders, NOW, proof) == match_senders(
            whole, to, senders, NOW, proof
        )


@pytest.mark.django_db
def test_the_book_of_a_fresh_installation_is_the_site_layer_alone() -> None:
    book = SOURCE.load([NULL_SENDER], [address("ann@example.com")])

    assert [layer.key for layer in book.layers] == ["@."]
    assert book.recipient_delimiter == "+"
    assert (book.domains, book.senders, book.networks, book.traced) == (set(), (), (), set())
    assert resolve(book, address("ann@example.com")).origins["virus_destiny"] == "@."


@pytest.mark.django_db
def test_ban_sets_networks_and_traced_senders_come_with_it() -> None:
    BanRuleSet.objects.create(
        name="ours", rules=[{"pattern": "x", "banned": False, "comment": "not this"}]
    )
    Network.objects.create(cidr="192.0.2.0/24")
    TracedSender.objects.create(sender="example.org")
    TracedSender.objects.create(sender="")
    SiteSettings(recipient_delimiter="").save()

    book = SOURCE.load([address("bob@example.org")], [address("ann@example.com")])

    assert book.ban_sets == {"ours": (BanRule("x", banned=False, comment="not this"),)}
    assert book.networks == (layers.Network("192.0.2.0/24"),)
    assert book.traced == {"example.org"}
    assert book.recipient_delimiter == ""
    assert SOURCE.load([NULL_SENDER], []).traced == {""}


@pytest.mark.django_db
def test_profiles_come_with_it_and_with_the_networks_that_name_them() -> None:
    """E-5."""
    Profile.objects.create(name="out", originating=True, spam_lover=True, spam_kill_level=math.inf)
    Profile.objects.create(name="users", authenticated=True, ports=[10027, 10028])
    Network.objects.create(cidr="192.0.2.0/24", profile="out")

    book = SOURCE.load([NULL_SENDER], [address("ann@example.com")])

    assert book.profiles == {
        "out": layers.Profile(
            "out",
            layers.PolicySettings(spam_lover=True, spam_kill_level=math.inf),
            originating=True,
        ),
        "users": layers.Profile("users", ports=frozenset({10027, 10028}), authenticated=True),
    }
    origin = origin_of(book, Client(address="192.0.2.7"), 10027)
    assert origin.profiles == ("users", "out")


@pytest.mark.django_db
def test_ban_rules_come_with_all_that_they_say() -> None:
    """B-5, B-7."""
    BanRuleSet.objects.create(
        name="ours", rules=[{"pattern": "x", "path": True, "silent": True}, {"pattern": "y"}]
    )

    assert SOURCE.load([NULL_SENDER], []).ban_sets["ours"] == (
        BanRule("x", path=True, silent=True),
        BanRule("y"),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_layers_and_sender_entries_are_found_by_index(mode: str) -> None:
    """Design 4.5: also when a plan is kept for all messages."""
    numbers = range(3000)
    PolicyLayer.objects.bulk_create(
        PolicyLayer(key=f"u{n}@example.com", source=source) for n in numbers for source in ("", "x")
    )
    SenderRule.objects.bulk_create(
        SenderRule(key=f"u{n}@example.com", sender=f"s{n % 50}.example", action="allow")
        for n in numbers
    )
    Domain.objects.bulk_create(Domain(name=f"d{n}.example") for n in numbers)
    SOURCE.load([], [])  # prepares the statement
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE policies_policylayer, policies_senderrule, domains_domain")
        cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
        cursor.execute(
            "EXPLAIN EXECUTE policy_book (%s, %s, %s)",
            [["u7@example.com", "@."], ["s7.example", "@."], ["d7.example"]],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    scanned = set(re.findall(r"Seq Scan on (\w+)", plan))
    assert "Index" in plan
    assert scanned.isdisjoint({"policies_policylayer", "policies_senderrule", "domains_domain"})


@pytest.mark.django_db
def test_eleven_hundred_recipients_cost_one_query(django_assert_num_queries: Any) -> None:
    PolicyLayer.objects.create(key="user7@d3.example.com", virus_lover=True)
    recipients = [address(f"user{n}+x@d{n % 4}.example.com") for n in range(1100)]
    SOURCE.load([], [])  # the first of a connection prepares the statement

    with django_assert_num_queries(1):
        book = SOURCE.load([address("bob@example.org")], recipients)

    assert {layer.key for layer in book.layers} == {"@.", "user7@d3.example.com"}


@pytest.mark.django_db
def test_a_database_that_is_away_is_policy_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    away = connection.copy()
    away.settings_dict = {**connection.settings_dict, "HOST": "/nowhere"}
    monkeypatch.setattr(module, "connection", away)

    with pytest.raises(PolicyUnavailable) as caught:
        SOURCE.load([NULL_SENDER], [address("ann@example.com")])
    assert caught.value.reply.code == 451
    assert "/nowhere" in caught.value.detail


@contextmanager
def another_process() -> Iterator[Callable[[Callable[[], Result]], Result]]:
    """Run functions in a thread that has its own connection, as a thread of the filter has."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield lambda function: pool.submit(function).result()
        finally:
            pool.submit(lambda: connection.close()).result()  # of that thread


def kill_level() -> float | None:
    ann = address("ann@example.com")
    return resolve(SOURCE.load([NULL_SENDER], [ann]), ann).settings.spam_kill_level


def backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)


@pytest.mark.django_db(transaction=True)
def test_the_next_message_after_commit_obeys_a_change_and_none_before() -> None:
    """P-7, promise P5: no restart, no reload, no wait."""
    with another_process() as in_filter:
        before = in_filter(kill_level)
        with transaction.atomic():
            set_fields(key="ann@example.com", values={"spam_kill_level": "7.5"}, actor="test")
            uncommitted = in_filter(kill_level)
        after = in_filter(kill_level)

    assert (before, uncommitted, after) == (6.3, 6.3, 7.5)


@pytest.mark.django_db(transaction=True)
def test_two_people_who_change_one_new_layer_at_once_lose_nothing() -> None:
    fields = [name for name, kind in FIELDS.items() if kind == "flag"]

    def change(name: str) -> None:
        try:
            set_fields(key="ann@example.com", values={name: "yes"}, actor=name)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, fields))

    layer = PolicyLayer.objects.get(key="ann@example.com")
    assert [getattr(layer, name) for name in fields] == [True] * len(fields)


@pytest.mark.django_db(transaction=True)
def test_the_first_message_after_the_database_came_back_finds_it() -> None:
    with another_process() as in_filter:
        in_filter(kill_level)
        pid = in_filter(backend_pid)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

        assert in_filter(kill_level) == 6.3
        assert in_filter(backend_pid) != pid
