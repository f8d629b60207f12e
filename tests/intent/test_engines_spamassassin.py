"""SpamAssassin's configuration: what is written, who cannot break out of it, what the agent tells.

Real lint; spamd is scripted here and real in tests/scan/test_spamassassin.py.
"""

import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.models import Network
from appliance.engines import sitefile
from appliance.engines.agent import RETRY_SECONDS, SIGN_SECONDS, Agent, choices
from appliance.engines.machine import Machine, NotTold
from appliance.engines.models import Preference, Rendering
from appliance.engines.network_advice import LEAVES, effects
from appliance.engines.spamassassin import (
    CONFIGURATION,
    LOCAL_ONLY,
    PLUGINS,
    Choices,
    Database,
    Place,
    Unwritable,
    line,
    render,
)
from appliance.policies.models import Profile
from appliance.status.edit import set_setting
from appliance.status.models import SiteSettings
from smtpfilter.config import Endpoint
from tests.intent.conftest import Run

DATABASE = Database.from_url("postgres://sa:p%23ss@/mail?host=/run/postgres")
PLACE = Place(DATABASE)


def lines(choices: Choices, place: Place = PLACE) -> list[str]:
    return render(choices, place).files[CONFIGURATION].splitlines()


# What is written


@pytest.mark.parametrize(
    ("choices", "there", "missing"),
    [
        (Choices(), ["use_bayes 1", "bayes_auto_learn 1"], []),
        (
            Choices(),
            ["bayes_auto_learn_threshold_nonspam 0.1", "bayes_auto_learn_threshold_spam 12"],
            [],
        ),
        (Choices(bayes_auto_learn_threshold_spam=8.0), ["bayes_auto_learn_threshold_spam 8"], []),
        (Choices(use_bayes=False), ["use_bayes 0"], []),
        (Choices(bayes_auto_learn=False), ["bayes_auto_learn 0"], []),
        (
            Choices(),
            ["dns_available no", "skip_rbl_checks 1", "skip_uribl_checks 1", "use_razor2 0"],
            ["use_dcc 1"],
        ),
        (
            Choices(network_tests=True),
            ["dns_available yes", "skip_rbl_checks 0", "use_razor2 1", "use_pyzor 1", "use_dcc 1"],
            [],
        ),
        (
            Choices(network_tests=True, dns_lists=False, razor=False, pyzor=False, dcc=False),
            ["dns_available yes", "skip_rbl_checks 1", "skip_uribl_checks 1", "use_pyzor 0"],
            ["use_dcc 1"],
        ),
    ],
)
def test_each_setting_is_a_line(choices: Choices, there: list[str], missing: list[str]) -> None:
    """S-6, S-7, S-12: the article's sa_local_tests_only, use_bayes, auto_learn and thresholds."""
    written = lines(choices)

    assert set(there) <= set(written)
    assert not set(missing) & set(written)


def test_without_network_tests_the_points_are_those_of_local_tests() -> None:
    """S-6: sa_local_tests_only also decides which of a rule's points count."""
    off, on = (
        render(Choices(network_tests=asked), PLACE).files[PLUGINS] for asked in (False, True)
    )

    assert f"loadplugin PosternLocalOnly {LOCAL_ONLY}" in off.splitlines()
    assert "PosternLocalOnly" not in on
    assert "Plugin::DCC" in on
    assert "Plugin::DCC" not in off


def test_own_networks_are_trusted_and_internal_the_smallest_first() -> None:
    """S-11, K-10: the first that matches counts; loopback is known, IPv6 zones are not."""
    stored = ("10.0.0.0/8", "!10.1.0.0/16", "127.0.0.0/8", "fe80::%eth0/64", "2001:db8::/32")
    written = lines(Choices(networks=stored))

    assert "trusted_networks 2001:db8::/32 !10.1.0.0/16 10.0.0.0/8" in written
    assert "internal_networks 2001:db8::/32 !10.1.0.0/16 10.0.0.0/8" in written
    assert not [text for text in lines(Choices()) if "networks" in text]


def test_bayes_is_the_sites_and_preferences_are_by_name() -> None:
    """S-1, S-7."""
    written = lines(Choices())

    assert "bayes_store_module Mail::SpamAssassin::BayesStore::PgSQL" in written
    assert "bayes_sql_override_username postern" in written
    assert "bayes_sql_dsn DBI:Pg:dbname=mail;host=/run/postgres" in written
    assert r"user_scores_sql_password p\#ss" in written
    assert [text for text in written if text.startswith("user_scores_sql_custom_query ")]
    assert "bayes_path /somewhere/bayes" in lines(Choices(), Place(bayes_path="/somewhere/bayes"))


def test_the_report_names_the_configuration_that_made_it() -> None:
    first, again, other = (render(Choices(use_bayes=bayes), PLACE) for bayes in (True, True, False))

    assert first == again
    assert first.digest != other.digest
    assert f" config {first.digest} autolearn _AUTOLEARN_" in first.files[CONFIGURATION]


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        (
            "postgres://a:b@db.example.com:5433/mail",
            "DBI:Pg:dbname=mail;host=db.example.com;port=5433",
        ),
        ("postgres:///mail", "DBI:Pg:dbname=mail"),
        ("postgres://a@/mail?host=%2Frun%2Fpostgres", "DBI:Pg:dbname=mail;host=/run/postgres"),
        ("postgres://%2Frun%2Fpostgres/mail", "DBI:Pg:dbname=mail;host=/run/postgres"),
        ("postgres:///mail?host=/run/100%2525", "DBI:Pg:dbname=mail;host=/run/100%25"),
    ],
)
def test_the_address_of_postgres_is_read(url: str, dsn: str) -> None:
    assert Database.from_url(url).dsn == dsn


def test_the_defaults_are_those_of_a_fresh_installation() -> None:
    row = SiteSettings()
    ours = {one.name: getattr(Choices(), one.name) for one in fields(Choices)}
    assert ours.pop("networks") == ()
    assert ours == {name: getattr(row, name) for name in ours}


# Nobody breaks out of a line


@given(st.text(max_size=40))
def test_a_value_is_one_line_or_refused(text: str) -> None:
    """Q3, Q4."""
    try:
        written = line("bayes_sql_password", text)
    except Unwritable:
        return
    assert len(written.splitlines()) == 1
    assert not re.search(r"(?<!\\)#", written)
    assert written == f"bayes_sql_password {text.replace('#', chr(92) + '#')}\n"


@pytest.mark.parametrize(
    "value", ["a\nloadplugin Evil", "a\rb", "a\0b", " a", "a ", "", "a\u2028b"]
)
def test_a_value_with_a_line_end_is_refused(value: str) -> None:
    """Q3, Q4."""
    with pytest.raises(Unwritable):
        render(Choices(), Place(Database("DBI:Pg:dbname=x", "u" if value else "", value or " ")))


def test_an_address_of_postgres_cannot_smuggle_in_words() -> None:
    with pytest.raises(Unwritable):
        Database.from_url("postgres://a@/mail;service=other")


@pytest.mark.parametrize(
    ("name", "value"), [("score", "A 1\nloadplugin Evil"), ("score\nx", "1"), ("Score", "1")]
)
@pytest.mark.django_db
def test_a_preference_is_one_line_whoever_writes_it(name: str, value: str) -> None:
    """Q4."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Preference.objects.create(username="a", preference=name, value=value)


# What the site wants


@pytest.mark.django_db
def test_own_networks_are_those_of_the_filter() -> None:
    """K-10, S-11: a direction profile may make a network a foreign one."""
    Profile.objects.create(name="partner", originating=False)
    Profile.objects.create(name="branch", originating=True)
    for cidr, profile in [
        ("192.0.2.0/24", ""),
        ("198.51.100.0/24", "partner"),
        ("203.0.113.0/24", "branch"),
        ("!192.0.2.9/32", "partner"),
    ]:
        Network.objects.create(cidr=cidr, profile=profile)
    set_setting(name="network_tests", value=True, actor="a")

    wanted = choices()

    assert set(wanted.networks) == {"192.0.2.0/24", "203.0.113.0/24", "!192.0.2.9/32"}
    assert wanted.network_tests


# A site's own file


def test_the_articles_file_is_read_and_its_old_names_are_renamed() -> None:
    """S-7: SpamAssassin 4.0 rejects auto_learn and its thresholds."""
    found = sitefile.read(
        "# local.cf\nuse_bayes 1\nauto_learn 1 # yes\n\nauto_learn_threshold_spam 8\n"
        "skip_rbl_checks 1\nuse_razor2 no\nuse_dcc maybe\nrequired_hits 5\n"
    )

    assert found.settings == {
        "use_bayes": True,
        "bayes_auto_learn": True,
        "bayes_auto_learn_threshold_spam": 8.0,
        "dns_lists": False,
        "razor": False,
    }
    assert found.renamed == {
        "auto_learn": "bayes_auto_learn",
        "auto_learn_threshold_spam": "bayes_auto_learn_threshold_spam",
    }
    assert found.left == ["use_dcc maybe", "required_hits 5"]


@pytest.mark.django_db
def test_a_file_is_taken_over_by_a_command(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "local.cf"
    file.write_text("auto_learn 0\nauto_learn_threshold_spam 8\n")

    plan = run("spamassassin", "read", str(file), "--plan")
    assert "would set bayes_auto_learn to False" in plan.out
    assert SiteSettings.load().bayes_auto_learn

    assert "auto_learn is called bayes_auto_learn now" in run("spamassassin", "read", str(file)).out
    assert not SiteSettings.load().bayes_auto_learn
    assert SiteSettings.load().bayes_auto_learn_threshold_spam == 8
    assert run("spamassassin", "read", str(tmp_path / "none")).code == 1


# The agent


@dataclass(frozen=True, slots=True)
class Scripted(Machine):
    """A machine whose spamd reads the folder when it is told, but for the times of which `deaf` has
    an entry.  `read_then`: what it read each time, the last is in force.  SpamAssassin lints only
    where own.cf lies beside: it takes a second.
    """

    deaf: list[str] = field(default_factory=list)
    read_then: list[str] = field(default_factory=list)

    def lint(self, files: Mapping[str, str]) -> str:
        return Machine.lint(self, files) if (self.folder / "own.cf").exists() else ""

    def reload(self) -> None:
        match self.deaf.pop(0) if self.deaf else "":
            case "cannot be told":
                raise NotTold("No such process")
            case "does not answer":
                self.read_then.append("")
            case _:
                self.read_then.append(self.read().get(CONFIGURATION, ""))

    def runs(self, digest: str, seconds: float = 0) -> bool:
        return bool(self.read_then) and f" config {digest} " in self.read_then[-1]


@pytest.fixture
def machine(tmp_path: Path) -> Scripted:
    for plugins in Path("/etc/spamassassin").glob("*.pre"):
        shutil.copy(plugins, tmp_path)
    return Scripted(tmp_path, Endpoint(path="/nowhere"), tmp_path / "pid")


def make_agent(machine: Machine, now: list[float] | None = None) -> Agent:
    times = now if now is not None else [0.0]
    return Agent(machine, Place(bayes_path="/nowhere/bayes"), "node1", lambda: times[0])


@pytest.mark.django_db
def test_a_change_comes_into_force_and_is_told(machine: Scripted) -> None:
    """Issue 4: one switch writes SpamAssassin's configuration and lints it before use."""
    agent = make_agent(machine)
    agent.step()
    first = Rendering.objects.get()
    set_setting(name="bayes_auto_learn_threshold_spam", value=8, actor="a")
    agent.step()
    agent.step()

    row = Rendering.objects.get()
    assert (first.node, first.engine, first.ok, first.detail) == ("node1", "spamassassin", True, "")
    assert row.ok
    assert row.digest != first.digest
    assert len(machine.read_then) == 2
    assert "\nbayes_auto_learn_threshold_spam 8\n" in machine.read_then[-1]
    assert {file.stat().st_mode & 0o777 for file in machine.folder.glob("postern*")} == {0o640}


@pytest.mark.django_db
def test_the_agent_leaves_signs_of_life_and_tells_anew_what_was_forgotten(
    machine: Scripted,
) -> None:
    now = [0.0]
    agent = make_agent(machine, now)
    agent.step()
    old = timezone.now() - timedelta(hours=1)
    Rendering.objects.update(seen_at=old, applied_at=old)
    agent.step()
    assert Rendering.objects.get().seen_at == old  # not all the time

    now[0] += SIGN_SECONDS
    agent.step()
    row = Rendering.objects.get()
    assert row.seen_at > old
    assert row.applied_at == old

    row.delete()
    now[0] += SIGN_SECONDS
    agent.step()
    assert Rendering.objects.get().digest == row.digest
    assert len(machine.read_then) == 1


@pytest.mark.django_db
def test_what_spamassassin_refuses_leaves_the_configuration_before(machine: Scripted) -> None:
    """Design 4.6: linted before it is swapped; the refusal stands in the row, for the screen."""
    now = [0.0]
    agent = make_agent(machine, now)
    agent.step()
    before = machine.read()
    (machine.folder / "own.cf").write_text("auto_learn 1\nbayes_sql_password secret words\n")
    set_setting(name="use_bayes", value=False, actor="a")
    agent.step()

    row = Rendering.objects.get()
    assert not row.ok
    assert "the configuration before stays in force" in row.detail
    assert "auto_learn 1" in row.detail
    assert str(machine.folder) not in row.detail
    assert machine.read() == before
    assert len(machine.read_then) == 1

    (machine.folder / "own.cf").write_text("bayes_auto_learn 1\n")
    agent.step()
    assert not Rendering.objects.get().ok  # linted again after a while, not all the time
    now[0] += RETRY_SECONDS
    agent.step()
    assert Rendering.objects.get().ok
    assert (machine.folder / CONFIGURATION).read_text() == machine.read_then[-1]


@pytest.mark.django_db
def test_a_spamd_that_does_not_come_up_gets_the_configuration_before(machine: Scripted) -> None:
    agent = make_agent(machine)
    agent.step()
    before = machine.read()
    machine.deaf.append("does not answer")
    set_setting(name="use_bayes", value=False, actor="a")
    agent.step()

    row = Rendering.objects.get()
    assert not row.ok
    assert "did not answer with the new one" in row.detail
    assert machine.read() == before
    assert machine.read_then[-1] == before[CONFIGURATION]


@pytest.mark.django_db
def test_a_spamd_that_is_down_reads_it_when_it_starts(machine: Scripted) -> None:
    now = [0.0]
    agent = make_agent(machine, now)
    machine.deaf.append("cannot be told")
    agent.step()
    assert "could not be told to read it: No such process" in Rendering.objects.get().detail

    machine.read_then.append(machine.read()[CONFIGURATION])
    now[0] += RETRY_SECONDS
    agent.step()
    assert Rendering.objects.get().ok


@pytest.mark.django_db
def test_what_cannot_be_written_is_told(machine: Scripted) -> None:
    """Q3."""
    place = Place(Database("DBI:Pg:dbname=x", "a\nb", ""))
    Agent(machine, place, "node1").step()

    row = Rendering.objects.get()
    assert (row.ok, row.digest) == (False, "")
    assert "bayes_sql_username" in row.detail
    assert machine.read() == {}


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_told(
    machine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_machine: Machine, _files: Mapping[str, str]) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Machine, "write", refuse)
    make_agent(machine).step()

    assert (
        "cannot be read or written: [Errno 13] Permission denied" in Rendering.objects.get().detail
    )


@pytest.mark.django_db
def test_a_file_that_somebody_changed_is_written_again(machine: Scripted) -> None:
    """Design 4.6: what is in force is what stands in Postgres."""
    agent = make_agent(machine)
    agent.step()
    (machine.folder / CONFIGURATION).write_text("use_bayes 0\n")
    agent.step()

    assert machine.read()[CONFIGURATION] == machine.read_then[0]
    assert len(machine.read_then) == 2


@pytest.mark.django_db
def test_what_a_node_lacks_is_told(
    machine: Scripted, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """S-12: each network test is on, off or missing."""
    programs = machine.folder / "bin"
    programs.mkdir()
    for name in ("razor-check", "dccproc"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    old = machine.folder / "v310.pre"
    old.write_text(old.read_text().replace("loadplugin Mail::SpamAssassin::Plugin::Razor2", "#"))
    make_agent(machine).step()

    missing = Rendering.objects.get().missing
    assert missing.keys() == {"razor", "pyzor"}
    assert "plugin is not loaded" in missing["razor"]
    assert "install Debian's package pyzor" in missing["pyzor"]
    assert run("spamassassin", "status", "--json").document[0]["missing"] == missing


def test_spamd_is_told_by_a_signal_or_by_a_command(tmp_path: Path) -> None:
    endpoint, touched = Endpoint(path="/nowhere"), tmp_path / "touched"
    Machine(tmp_path, endpoint, tmp_path / "none", ("/usr/bin/touch", str(touched))).reload()
    assert touched.exists()

    with subprocess.Popen(["/usr/bin/sleep", "60"]) as sleeper:
        (tmp_path / "pid").write_text(f"{sleeper.pid}\n")
        Machine(tmp_path, endpoint, tmp_path / "pid").reload()
        assert sleeper.wait() == -signal.SIGHUP
    (tmp_path / "everybody").write_text("-1\n")
    for broken in (
        Machine(tmp_path, endpoint, tmp_path / "none"),
        Machine(tmp_path, endpoint, tmp_path / "everybody"),
        Machine(tmp_path, endpoint, tmp_path / "pid", ("/usr/bin/false",)),
    ):
        with pytest.raises(NotTold):
            broken.reload()


# Before the network tests are switched on


def test_who_switches_them_on_is_told_what_changes() -> None:
    """S-6: what would change, and which levels."""
    said = " ".join(effects(auto_learn=True))

    assert "spam_tag2_level" in said
    assert "below 8" in said
    assert len(effects(auto_learn=True)) == len(effects(auto_learn=False)) + 1
    assert LEAVES.keys() == {"dns_lists", "razor", "pyzor", "dcc"}
