"""What a stack chooses: the settings of the operating contract, their defaults and overrides."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg2.extensions
import pytest

from appliance.stack import environment
from appliance.stack.environment import StackError, choose


@pytest.fixture
def given(var: Path) -> dict[str, str]:
    return {"POSTERN_VAR": str(var)}


@pytest.fixture
def taken() -> Iterator[str]:
    """An address on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_with_nothing_set_everything_is_private_and_on_unix_sockets(given: dict[str, str]) -> None:
    chosen = choose(given, free_ports=True)
    assert chosen.private == {"postgres", "redis", "clamd", "spamd", "mailbox"}
    assert chosen.settings["FILTER_CLAMD"] == f"{chosen.sockets}/clamd.sock"
    assert chosen.settings["DATABASE_URL"].startswith("postgres://postern@/postern?host=")
    parsed = psycopg2.extensions.parse_dsn(chosen.settings["DATABASE_URL"])
    assert parsed["host"] == f"{chosen.sockets}/postgres"


@pytest.mark.parametrize(
    ("name", "value", "service"),
    [
        ("DATABASE_URL", "postgres://me@/mine?host=/somewhere", "postgres"),
        ("CELERY_BROKER_URL", "redis://127.0.0.1:6379/3", "redis"),
        ("FILTER_CLAMD", "unix:/run/clamd.sock", "clamd"),
        ("FILTER_SPAMD", "[::1]:783", "spamd"),
    ],
)
def test_a_service_that_is_named_is_used_and_not_started(
    given: dict[str, str], name: str, value: str, service: str
) -> None:
    chosen = choose({**given, name: value}, free_ports=True)
    assert chosen.settings[name] == value
    assert service not in chosen.private


def test_settings_of_the_filter_and_the_web_side_are_handed_on(given: dict[str, str]) -> None:
    named = {
        "APPLIANCE_HOSTNAME": "mx.example.org",
        "WEB_PUBLIC_URL": "https://mx.example.org",
        "FILTER_NOTIFY": "127.0.0.1:2526",
        "FILTER_WORKERS": "7",
        "FILTER_MESSAGE_SIZE_LIMIT_BYTES": "1000",
    }
    settings = choose({**given, **named}, free_ports=True).settings
    assert {name: settings[name] for name in named} == named


def test_the_choice_is_kept_for_other_terminals_and_for_the_owner_only(
    given: dict[str, str],
) -> None:
    chosen = choose({**given, "APPLIANCE_HOSTNAME": 'it\'s $HOME "x"'}, free_ports=True)
    chosen.save()
    file = chosen.var / "postern.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert environment.saved_settings(chosen.var) == chosen.settings


def test_the_secret_key_is_made_once(given: dict[str, str]) -> None:
    first, second = (choose(given, free_ports=True).settings["SECRET_KEY"] for _ in range(2))
    assert first == second
    assert len(first) >= 50
    file = Path(given["POSTERN_VAR"]) / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_libpqs_variables_never_reach_the_parts(given: dict[str, str]) -> None:
    exported = choose(given, free_ports=True).exported({"PGHOST": "elsewhere", "HOME": "/x"})
    assert "PGHOST" not in exported
    assert exported["HOME"] == "/x"


@pytest.mark.parametrize("name", ["FILTER_LISTEN", "WEB_LISTEN"])
def test_a_given_port_that_is_taken_is_refused_in_words(
    given: dict[str, str], taken: str, name: str
) -> None:
    with pytest.raises(StackError, match=f"{name}={taken}: something else listens there"):
        choose({**given, name: taken}, free_ports=True)


def test_the_filter_may_listen_on_several_addresses_the_main_one_first(
    given: dict[str, str], taken: str
) -> None:
    settings = choose({**given, "FILTER_LISTEN": "127.0.0.1:0, [::1]:0"}, free_ports=True).settings
    main, other = settings["FILTER_LISTEN"].split(",")
    assert main.startswith("127.0.0.1:")
    assert other.startswith("[::1]:")
    assert environment.filter_address(settings) == main
    with pytest.raises(StackError, match=f"FILTER_LISTEN={taken}: something else"):
        choose({**given, "FILTER_LISTEN": f"127.0.0.1:0,{taken}"}, free_ports=True)


def test_a_given_next_hop_that_listens_is_used_and_no_mailbox_started(
    given: dict[str, str], taken: str
) -> None:
    chosen = choose({**given, "FILTER_RELAY": taken}, free_ports=True)
    assert chosen.settings["FILTER_RELAY"] == taken
    assert "mailbox" not in chosen.private


@pytest.mark.parametrize(
    "named", [{"FILTER_RELAY": "192.0.2.1:25"}, {"DEMO_MAILBOX": "no"}], ids=["remote", "unwanted"]
)
def test_no_mailbox_where_it_is_not_loopback_or_not_wanted(
    given: dict[str, str], named: dict[str, str]
) -> None:
    assert "mailbox" not in choose({**given, **named}, free_ports=True).private


def test_a_long_or_odd_path_moves_the_sockets_to_a_short_folder_that_is_found_again(
    tmp_path: Path,
) -> None:
    given = {"POSTERN_VAR": str(tmp_path / ("long, with blanks " * 8) / "var")}
    chosen = choose(given, free_ports=True)
    first = chosen.sockets
    assert choose(given, free_ports=True).sockets == first
    assert str(first).startswith("/tmp/postern.")
    assert len(os.fsencode(first / "postgres" / ".s.PGSQL.5432.lock")) <= 107
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    chosen.forget()
    assert not first.exists()


def test_a_var_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="cannot be written"):
        choose({"POSTERN_VAR": str(tmp_path / "file" / "var")})
