"""A real slapd is read into rows; what a directory does wrong changes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.domains.models import Domain
from appliance.errors import Refused
from appliance.policies.edit import set_fields
from appliance.policies.models import PolicyLayer, SenderRule
from appliance.policies.source import DatabasePolicySource
from appliance.sources.edit import add_directory, add_file, remove_source
from appliance.sources.models import Source
from appliance.sources.read import read_source
from appliance.status.health import probe_all
from smtpfilter.config import FilterConfig
from smtpfilter.mail.address import parse_address
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.policy.resolve import is_local, resolve
from tests.doubles.directory import ADMIN, BASE, PASSWORD, Directory

pytestmark = pytest.mark.django_db

WHO = {"actor": "test"}

ENTRIES = {
    "uid=ext": {"mail": "user+ext@sub.example.com", "amavisSpamKillLevel": "1"},
    "uid=user": {"mail": "user@sub.example.com", "amavisSpamTag2Level": "2"},
    "uid=bare": {"mail": "user", "amavisSpamSubjectTag2": "[bare]", "amavisSpamKillLevel": "3"},
    "uid=domain": {"mail": "@sub.example.com", "amavisVirusLover": "TRUE"},
    "uid=below": {"mail": "@.sub.example.com", "amavisSpamLover": "TRUE"},
    "uid=parent": {"mail": "@.example.com", "amavisBadHeaderLover": "TRUE", "amavisLocal": "TRUE"},
    "uid=all": {"mail": "@.", "amavisSpamKillLevel": "9", "amavisMessageSizeLimit": "10000000"},
}


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with Directory(tmp_path_factory.mktemp("slapd"), most="20") as directory:
        for name, attributes in ENTRIES.items():
            directory.add(name, **attributes)
        yield directory


@pytest.fixture
def directory(slapd: Directory) -> Directory:
    """The directory, known as the source "ldap"."""
    add_directory(name="ldap", url=slapd.url, base_dn=BASE, **WHO)
    return slapd


def read(*, force: bool = False) -> Source:
    return read_source(name="ldap", force=force, **WHO)


def policy(text: str) -> EffectivePolicy:
    """Return what the filter would find for a recipient."""
    address = parse_address(text.encode())
    return resolve(DatabasePolicySource().load([], [address]), address)


FALL_THROUGH = [  # recipient, field, value, origin
    ("user+ext@sub.example.com", "spam_kill_level", 1.0, "user+ext@sub.example.com"),
    ("user+ext@sub.example.com", "spam_tag2_level", 2.0, "user@sub.example.com"),
    ("user+ext@sub.example.com", "spam_subject_tag2", "[bare]", "user@"),
    ("user+ext@sub.example.com", "virus_lover", True, "sub.example.com"),
    ("user+ext@sub.example.com", "spam_lover", True, ".sub.example.com"),
    ("user+ext@sub.example.com", "bad_header_lover", True, ".example.com"),
    ("user+ext@sub.example.com", "message_size_limit", 10000000, "@."),
    ("user@sub.example.com", "spam_kill_level", 3.0, "user@"),
    ("other@sub.example.com", "spam_kill_level", 9.0, "@."),
    ("other@deep.sub.example.com", "virus_lover", False, "default"),
    ("other@deep.sub.example.com", "spam_lover", True, ".sub.example.com"),
    ("user@example.org", "spam_kill_level", 9.0, "@."),
]


@pytest.mark.parametrize("recipient, field, value, origin", FALL_THROUGH)
def test_entries_fall_through_field_by_field(
    directory: Directory, recipient: str, field: str, value: object, origin: str
) -> None:
    """P-10, BB-31, K-8: the same keys and order as rows made by hand."""
    PolicyLayer.objects.all().delete()
    read()
    found = policy(recipient)
    assert getattr(found.settings, field) == value
    assert found.origins[field].startswith(origin)


def test_what_is_made_by_hand_goes_first_at_the_same_key(directory: Directory) -> None:
    """K-8: SQL, then LDAP."""
    set_fields(key="user@sub.example.com", values={"spam_tag2_level": "1.5"}, **WHO)
    read()
    found = policy("user@sub.example.com").settings
    assert (found.spam_tag2_level, found.spam_kill_level) == (1.5, 3.0)


def test_a_domain_is_local_where_its_entry_says_so(directory: Directory) -> None:
    """P-4, K-11."""
    read()
    book = DatabasePolicySource().load([], [parse_address(b"x@deep.example.com")])
    assert is_local(book, parse_address(b"x@deep.example.com"))
    assert set(Domain.objects.values_list("name", "source")) == {(".example.com", "ldap")}


@pytest.fixture
def extra(slapd: Directory) -> Iterator[Any]:
    """Return a function that adds an entry which is gone after the test."""
    names: list[str] = []

    def add(**attributes: Any) -> None:
        names.append(f"uid=extra{len(names)}")
        slapd.add(names[-1], **attributes)

    yield add
    for name in names:
        slapd.remove(name)


def test_lists_of_senders_are_read(directory: Directory, extra: Any) -> None:
    """W-3, P-10: both may match; allow wins where both name one sender."""
    extra(
        mail=["ann@example.com", "@example.net"],
        amavisWhitelistSender=["friend@example.org", "@.example.edu", "both@example.org"],
        amavisBlacklistSender=["foe@example.org", "both@example.org"],
    )
    read()
    for key in ("ann@example.com", "example.net"):
        rules = SenderRule.objects.filter(key=key, source="ldap")
        assert {rule.sender: rule.action for rule in rules} == {
            "friend@example.org": "allow",
            ".example.edu": "allow",
            "both@example.org": "allow",
            "foe@example.org": "block",
        }


def test_what_is_not_kept_is_told(directory: Directory, extra: Any) -> None:
    """P-3, BB-32: what is no value is left out, the rest of the entry is read."""
    extra(mail="a@example.com", amavisSpamKillLevel="high", amavisSpamLover="TRUE")
    extra(
        mail="b@example.com", amavisDisclaimerOptions="x", amavisLocal="TRUE", amavisVirusLover="F"
    )
    extra(mail="c@example.com", amavisDisclaimerOptions="y", amavisBannedRuleNames="nonsense")
    extra(mail="@no domain", amavisSpamLover="TRUE")
    source = read()
    for told in (
        "spam_kill_level: 'high' is not",
        "amavisdisclaimeroptions is no setting of Postern (2 times)",
        "amavisLocal counts for domains only",
        "there is no ban rule set 'nonsense'",
        "'@no domain'",
    ):
        assert told in source.last_result
    layers = {layer.key: layer for layer in PolicyLayer.objects.filter(source="ldap")}
    assert (layers["a@example.com"].spam_lover, layers["a@example.com"].spam_kill_level) == (
        True,
        None,
    )
    assert layers["b@example.com"].virus_lover is False
    assert "c@example.com" not in layers


def test_values_of_several_kinds_are_read(directory: Directory, extra: Any) -> None:
    """P-5, P-10: attributes are fields of the same name, however they are spelt."""
    extra(
        mail="a@example.com",
        amavisBypassVirusChecks="TRUE",
        amavisBannedFilesLover="FALSE",
        amavisSpamSubjectTag2="***SPAM***",
        amavisAddrExtensionVirus="virus",
        amavisWarnVirusRecip="Y",
        amavisNewVirusAdmin="admin@example.com",
        amavisVirusAdmin=["a@example.com", "b@example.com"],
        amavisBannedRuleNames="current",
        amavisSpamTag3Level="7.5",
    )
    read()
    layer = PolicyLayer.objects.get(key="a@example.com", source="ldap")
    assert layer.bypass_virus_checks is True
    assert layer.banned_files_lover is False
    assert layer.spam_subject_tag2 == "***SPAM***"
    assert layer.addr_extension_virus == "virus"
    assert layer.warnvirusrecip is True
    assert layer.newvirus_admin == "admin@example.com"
    assert set(layer.virus_admin.split(",")) == {"a@example.com", "b@example.com"}
    assert layer.banned_rulenames == "current"
    assert layer.spam_tag3_level == 7.5


def test_changes_of_the_directory_become_changes_of_rows(directory: Directory, extra: Any) -> None:
    extra(mail="a@example.com", amavisSpamKillLevel="5")
    read()
    directory.change("uid=extra0", amavisSpamKillLevel="6", amavisSpamLover="TRUE")
    read()
    layer = PolicyLayer.objects.get(key="a@example.com", source="ldap")
    assert (layer.spam_kill_level, layer.spam_lover) == (6.0, True)
    directory.change("uid=extra0", amavisSpamKillLevel=[], amavisSpamLover=[])
    read()
    assert not PolicyLayer.objects.filter(key="a@example.com", source="ldap").exists()


def test_removing_the_source_removes_its_rows_only(directory: Directory) -> None:
    read()
    remove_source(name="ldap", **WHO)
    assert not PolicyLayer.objects.exclude(source="").exists()
    assert not Domain.objects.exists()
    assert PolicyLayer.objects.filter(key="@.", source="").exists()


# What goes wrong


def rows() -> set[tuple[str, str]]:
    layers = PolicyLayer.objects.filter(source="ldap")
    return {(layer.key, str(layer.to_settings())) for layer in layers}


def test_a_dead_directory_changes_nothing_and_is_told(directory: Directory) -> None:
    read()
    before = rows()
    directory.stop()
    try:
        with pytest.raises(Refused, match=directory.url):
            read()
    finally:
        directory.start()
    source = Source.objects.get()
    assert before and rows() == before
    assert source.failed and source.last_result.startswith("nothing changed: ")
    read()
    assert not Source.objects.get().failed


def test_an_answer_that_is_cut_short_changes_nothing(
    directory: Directory, extra: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory gives an anonymous client 20 entries and no more."""
    monkeypatch.setattr("appliance.sources.directory.PAGE_ENTRIES", 7)
    read()
    before = rows()
    for number in range(20):
        extra(mail=f"n{number}@example.com", amavisSpamLover="TRUE")
    with pytest.raises(Refused, match=r"(?i)limit"):
        read()
    assert rows() == before


def test_all_pages_are_read(
    directory: Directory, extra: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.sources.directory.PAGE_ENTRIES", 3)
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    Source.objects.update(bind_dn=ADMIN, password_file=str(secret))
    for number in range(20):
        extra(mail=f"n{number}@example.com", amavisSpamLover="TRUE")
    read()
    assert len(rows()) == len(ENTRIES) + 20


def test_an_empty_answer_needs_force(directory: Directory) -> None:
    read()
    before = rows()
    Source.objects.update(filter="(&(objectClass=amavisAccount)(mail=nobody@*))")
    with pytest.raises(Refused, match="--force"):
        read()
    assert rows() == before
    read(force=True)
    assert not rows()


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_dn": "dc=nowhere,dc=example"},
        {"base_dn": "nonsense"},
        {"filter": "(mail=*"},
        {"bind_dn": ADMIN, "password_file": "wrong"},
        {"bind_dn": ADMIN, "password_file": "empty"},
        {"bind_dn": ADMIN, "password_file": "missing"},
        {"ca_file": "/nowhere", "start_tls": True},
    ],
    ids=str,
)
def test_a_wrong_setting_changes_nothing(
    directory: Directory, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    read()
    before = rows()
    (tmp_path / "wrong").write_text("wrong\n")
    (tmp_path / "empty").write_text("\n")
    if "password_file" in wrong:
        wrong = {**wrong, "password_file": str(tmp_path / wrong["password_file"])}
    Source.objects.update(**wrong)
    with pytest.raises(Refused) as refused:
        read()
    assert PASSWORD not in str(refused.value)
    assert rows() == before


def test_too_many_entries_and_too_much_time_are_refused(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("appliance.sources.directory.MOST_ENTRIES", 3)
        with pytest.raises(Refused, match="more than 3 entries"):
            read()
    monkeypatch.setattr("appliance.sources.directory.READ_SECONDS", -1)
    with pytest.raises(Refused, match="not read within"):
        read()


# Encryption


@pytest.mark.parametrize("how", ["ldaps", "StartTLS"])
def test_an_encrypted_directory_is_read_where_its_certificate_is_known(
    directory: Directory, tmp_path: Path, how: str
) -> None:
    url, start_tls = (directory.tls_url, False) if how == "ldaps" else (directory.url, True)
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    Source.objects.all().delete()
    add_directory(
        name="ldap",
        url=url,
        base_dn=BASE,
        bind_dn=ADMIN,
        password_file=str(secret),
        start_tls=start_tls,
        ca_file=directory.ca_file,
        **WHO,
    )
    assert read().entries
    Source.objects.update(ca_file="")
    with pytest.raises(Refused, match=r"(?i)certificate"):
        read()
    Source.objects.update(ca_file=directory.ca_file, url=url.replace("127.0.0.1", "localhost"))
    with pytest.raises(Refused, match=r"(?i)certificate"):
        read()


BAD = [
    {"url": "http://127.0.0.1"},
    {"url": "ldap://"},
    {"url": "ldap://127.0.0.1:99999"},
    {"url": "ldap://127.0.0.1/dc=example"},
    {"url": "ldaps://127.0.0.1", "start_tls": True},
    {"url": "ldap://192.0.2.1", "bind_dn": ADMIN, "password_file": "/x"},
    {"bind_dn": ADMIN},
    {"password_file": "/x"},
    {"base_dn": ""},
    {"every_minutes": -1},
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_source_that_cannot_work_is_refused(bad: dict[str, Any]) -> None:
    good = {"name": "ldap", "url": "ldap://127.0.0.1", "base_dn": BASE, **WHO}
    with pytest.raises(Refused):
        add_directory(**{**good, **bad})
    assert not Source.objects.exists()
    add_directory(**good)


# The command, and health


def test_the_command_adds_and_reads_a_directory(run: Any, slapd: Directory) -> None:
    done = run("sources", "add", "ldap", "--ldap", slapd.url, "--base", BASE, "--json")
    assert (done.code, done.document["filter"]) == (0, "(&(objectClass=amavisAccount)(mail=*))")
    assert "password" not in str(done.document["password_file"])
    assert run("sources", "read", "ldap", "--json").document["entries"] == 8
    assert run("policy", "show", "sub.example.com", "--json").code == 0


@pytest.mark.django_db(transaction=True)
def test_health_tells_of_sources_that_fail(tmp_path: Path) -> None:
    config = FilterConfig()
    assert "sources" not in probe_all(config)
    (tmp_path / "keys").write_text("example.com\n")
    add_file(name="keys", path=str(tmp_path / "keys"), holds="allow", **WHO)
    assert probe_all(config)["sources"].ok
    (tmp_path / "keys").unlink()
    with pytest.raises(Refused):
        read_source(name="keys", **WHO)
    probe = probe_all(config)["sources"]
    assert not probe.ok
    assert "keys: nothing changed: cannot read" in probe.detail
