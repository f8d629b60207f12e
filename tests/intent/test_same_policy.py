"""Screen, command and daemon give the same policy, for any stored policy and any recipient."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.domains.models import Domain, Network
from appliance.policies.inherit import inherited
from appliance.policies.models import NamedPolicy, PolicyLayer, Profile
from appliance.policies.source import DatabasePolicySource
from appliance.status.models import SiteSettings
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Client
from smtpfilter.policy.layers import EffectivePolicy, Layer, PolicyBook
from smtpfilter.policy.profiles import origin_of
from smtpfilter.policy.resolve import resolve, scope
from smtpfilter.policy.settings import FIELDS, PolicySettings, format_value
from tests.intent.conftest import Run

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "virus_lover": st.booleans(),
    "spam_kill_level": st.sampled_from([3.0, 6.31, float("inf")]),
    "spoofed_points": st.sampled_from([0.0, 2.5]),
    "spam_destiny": st.sampled_from(["pass", "discard", "reject"]),
    "unchecked_destiny": st.sampled_from(["pass", "reject"]),
    "unchecked_limits_destiny": st.sampled_from(["pass", "tempfail"]),
    "spam_subject_tag2": st.sampled_from(["", "***SPAM*** "]),
    "banned_rulenames": st.sampled_from(["", "article", "+article", "+current,article", "+"]),
    "message_size_limit": st.sampled_from([0, 1 << 33]),
}
KEYS = (
    "@.", ".com", ".example.com", "example.com", ".sub.example.com", "sub.example.com",
    "outside.example", "ann@", "ann+news@", "ann@example.com", "ann+news@example.com",
    "ann@sub.example.com", "ann@outside.example",
)  # fmt: skip
RECIPIENTS = (
    "ann@example.com", "Ann+News@Example.COM", "bob@sub.example.com", "ann@sub.example.com",
    "ann@outside.example", "ann+news@outside.example", "x@deep.sub.example.com",
)  # fmt: skip

some_settings = st.fixed_dictionaries({}, optional=VALUES)
layers = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(KEYS),
            "source": st.sampled_from(["", "", "ldap", "staff"]),
            "priority": st.sampled_from([None, None, None, 1, 7, 20]),
            "locked": st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True),
            "named": st.sampled_from([None, None, 0, 1]),
            "settings": some_settings,
        }
    ),
    max_size=10,
    unique_by=lambda row: (row["key"], row["source"]),
)
profiles = st.lists(
    st.fixed_dictionaries(
        {
            "ports": st.sampled_from([[], [10027]]),
            "authenticated": st.booleans(),
            "settings": some_settings,
        }
    ),
    max_size=2,
)
origins = st.fixed_dictionaries(
    {
        "port": st.sampled_from([0, 10027]),
        "address": st.sampled_from(["192.0.2.7", "203.0.113.7"]),
        "authenticated": st.booleans(),
    }
)
STORED = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Row = Mapping[str, Any]


def store(rows: list[Row], named: list[Row], directions: list[Row], delimiter: str) -> None:
    for model in (PolicyLayer, NamedPolicy, Profile, Domain, Network):
        model.objects.all().delete()
    policies = [NamedPolicy.objects.create(name=f"named {n}", **row) for n, row in enumerate(named)]
    PolicyLayer.objects.bulk_create(
        PolicyLayer(
            policy=None if row["named"] is None else policies[row["named"]],
            **{name: row[name] for name in ("key", "source", "priority", "locked")},
            **row["settings"],
        )
        for row in rows
    )
    for number, row in enumerate(directions):
        by = {name: row[name] for name in ("ports", "authenticated")}
        Profile.objects.create(name=f"direction {number}", **by, **row["settings"])
    for name in (".example.com", ".test"):
        Domain.objects.create(name=name)
    Network.objects.create(cidr="192.0.2.0/24", profile="direction 0" if directions else "")
    site = SiteSettings.load()
    site.recipient_delimiter = delimiter
    site.save()


def load(recipient: str) -> PolicyBook:
    """Return what the daemon loads for a mail to `recipient`."""
    return DatabasePolicySource().load([parse_address(b"")], [parse_address(recipient.encode())])


def shown(policy: EffectivePolicy) -> dict[str, tuple[Any, str]]:
    """Return value and origin of each field."""
    return {name: (getattr(policy.settings, name), policy.origins[name]) for name in FIELDS}


@pytest.mark.django_db
@STORED
@given(
    rows=layers,
    named=st.tuples(some_settings, some_settings).map(list),
    directions=profiles,
    delimiter=st.sampled_from(["+", ""]),
    recipient=st.sampled_from(RECIPIENTS),
    by=origins,
)
def test_the_command_explains_the_policy_that_the_daemon_obeys(
    run: Run,
    rows: list[Row],
    named: list[Row],
    directions: list[Row],
    delimiter: str,
    recipient: str,
    by: Row,
) -> None:
    """K-7, K-8, P-1, P-2, E-5."""
    store(rows, named, directions, delimiter)
    book = load(recipient)
    origin = origin_of(book, Client(by["address"], authenticated=by["authenticated"]), by["port"])
    obeyed = resolve(book, parse_address(recipient.encode()), origin.profiles)

    login = ["--authenticated"] if by["authenticated"] else []
    said = run(
        "explain", recipient, "--json", "--client", by["address"], "--port", str(by["port"]), *login
    ).document["settings"]

    assert {name: (entry["value"], entry["origin"]) for name, entry in said.items()} == {
        name: (format_value(value), where) for name, (value, where) in shown(obeyed).items()
    }


def someone_under(key: str) -> str:
    """Return a recipient for whom no key in KEYS is more specific than `key`; of a bare user one
    in a local domain without a layer.
    """
    user, _, domain = key.rpartition("@")
    if not domain or key == "@.":
        domain = "nolayer.test"
    elif domain.startswith("."):
        domain = f"nolayer{domain}"
    return f"{user or 'nobody'}@{domain}"


def without(book: PolicyBook, key: str) -> PolicyBook:
    """Return the book in which the layer made by hand at `key` says nothing; its place stays."""

    def silent(layer: Layer) -> Layer:
        if layer.key != key or layer.source:
            return layer
        return replace(
            layer, settings=PolicySettings(), policy_settings=PolicySettings(), locked=frozenset()
        )

    return replace(book, layers=tuple(map(silent, book.layers)))


@pytest.mark.django_db
@STORED
@given(
    rows=layers,
    named=st.tuples(some_settings, some_settings).map(list),
    key=st.sampled_from(KEYS),
)
def test_the_screen_shows_what_the_daemon_would_obey_were_a_layer_empty(
    rows: list[Row], named: list[Row], key: str
) -> None:
    """K-7, K-8, P-1, P-2: and then what the layer sets itself counts, unless it is locked."""
    store(rows, named, [], "+")
    recipient = parse_address(someone_under(key).encode())
    book = load(recipient.text)
    stored = {layer.key for layer in book.layers}
    keys = [name for name in scope(book, recipient) if name in stored or name == key]
    if keys[:1] != [key]:
        return  # a priority puts another layer before this one, or it counts for nobody

    above = inherited(key)

    empty = resolve(without(book, key), recipient)
    assert {name: (field.value, field.origin) for name, field in above.items()} == shown(empty)
    assert {name: field.locked_by for name, field in above.items() if field.locked_by} == dict(
        empty.locks
    )
    obeyed = resolve(book, recipient)
    own = next((row for row in rows if (row["key"], row["source"]) == (key, "")), None)
    for name in FIELDS:
        value = own["settings"].get(name) if own else None
        if above[name].locked_by:
            assert shown(obeyed)[name] == (above[name].value, above[name].origin)
        elif value is not None and name != "banned_rulenames":
            assert shown(obeyed)[name] == (value, key)
