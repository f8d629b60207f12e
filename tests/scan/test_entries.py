"""The file of virus scanners: what it may say, and how its mistakes are told (V-3, V-8, V-11)."""

from pathlib import Path

import pytest

from smtpfilter.config import ConfigError, Endpoint, FilterConfig
from smtpfilter.ports.engines import VirusScan
from smtpfilter.scan.command import Command
from smtpfilter.scan.entries import Entry, read_entries


def entries(tmp_path: Path, text: str, **settings: Endpoint) -> tuple[Entry, ...]:
    file = tmp_path / "scanners.toml"
    file.write_text(text, encoding="utf-8")
    return read_entries(FilterConfig(scanners_file=file, **settings))  # type: ignore[arg-type]


def command(**keys: str) -> str:
    given = {"name": '"scan"', "command": '["/bin/scan", "{}"]', "infected_codes": "[1]", **keys}
    lines = [f"{key} = {value}" for key, value in given.items() if value]
    return "\n".join(["[[scanner]]", 'protocol = "command"', *lines])


def daemon(name: str = "x", **keys: str) -> str:
    given = {"name": f'"{name}"', "protocol": '"sophie"', "address": '"/run/x"', **keys}
    return "\n".join(["[[scanner]]", *(f"{k} = {v}" for k, v in given.items() if v)])


def test_the_environment_names_the_usual_two() -> None:
    config = FilterConfig(clamd=Endpoint(path="/run/clamd"), sophie=Endpoint(host="::1", port=9))
    told = [
        (e.name, e.protocol, e.address, e.role, e.scanner.needs_files) for e in read_entries(config)
    ]
    assert told == [
        ("clamd", "clamd", "/run/clamd", "primary", False),
        ("sophie", "sophie", "[::1]:9", "primary", True),
    ]
    assert read_entries(FilterConfig()) == ()


def test_every_protocol_has_its_entry(tmp_path: Path) -> None:
    text = "\n".join(
        (
            daemon("second clamd", protocol='"clamd"', role='"backup"', timeout="2.5"),
            daemon("sophie"),
            daemon("savdid", protocol='"sssp"'),
            daemon("bought", protocol='"icap"', address='"icap://av/scan"', role='"off"'),
            command(timeout="3600"),
        )
    )
    told = [(e.name, e.protocol, e.address, e.role, e.seconds) for e in entries(tmp_path, text)]
    assert told == [
        ("second clamd", "clamd", "/run/x", "backup", 2.5),
        ("sophie", "sophie", "/run/x", "primary", None),
        ("savdid", "sssp", "/run/x", "primary", None),
        ("bought", "icap", "icap://av/scan", "off", None),
        ("scan", "command", "/bin/scan", "primary", 3600.0),
    ]


def test_an_empty_file_is_no_scanner(tmp_path: Path) -> None:
    assert entries(tmp_path, "# none yet") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x =", "is no TOML"),
        ("[scanner]\nname = 'x'", "[[scanner]] table"),
        ("scanner = 1", "[[scanner]] table"),
        ("scanner = [1]", "scanner 1 '': this is no [[scanner]] table"),
        ("[[scaner]]\nname = 'x'", "[[scanner]] table"),
        (daemon(name=""), "scanner 1 '': name: write a text"),
        (daemon(name="x/y"), "scanner 1 'x/y': name: write up to 100 letters"),
        (daemon(name="x" * 101), "name: write up to 100 letters"),
        (daemon(name=" x"), "name: write up to 100 letters"),
        (daemon(protocol=""), "protocol: write a text"),
        (daemon(protocol='"trophie"'), "protocol: write one of clamd, sophie, sssp, icap, command"),
        (daemon(address=""), "address: write a text"),
        (daemon(address="3310"), "address: write a text"),
        (daemon(address='"clamd"'), "address: 'clamd' is no address"),
        (daemon(protocol='"icap"', address='"x:1344"'), "address: 'x:1344' is no address"),
        (daemon(role='"main"'), "role: write one of primary, backup, off"),
        (daemon(timeout='"10"'), "timeout: write seconds"),
        (daemon(timeout="true"), "timeout: write seconds"),
        (daemon(timeout="0"), "timeout: write seconds"),
        (daemon(timeout="nan"), "timeout: write seconds"),
        (daemon(timeout="3601"), "timeout: write seconds"),
        (daemon(adress='"/run/y"'), "adress: there is no such key; address, name,"),
        (daemon(command='["/bin/x", "{}"]'), "command: there is no such key"),
        (command(address='"/run/x"'), "address: there is no such key"),
        (command(command='"scan {}"'), "command: write a list of words, "),
        (command(command="[1]"), "command: write a list of words"),
        (command(command='["/bin/scan\\u0000", "{}"]'), "command: write a list of words"),
        (command(command="[]"), "command: begin with the whole path"),
        (command(command='["scan", "{}"]'), "command: begin with the whole path"),
        (command(command='["/bin/scan", "-r"]'), "command: say with {} or {}/*"),
        (command(infected_codes=""), "infected_codes, infected_pattern: write at least one"),
        (command(infected_codes="1"), "infected_codes: write a list of exit codes"),
        (command(infected_codes="[true]"), "infected_codes: write a list of exit codes"),
        (command(infected_codes="[256]"), "infected_codes: write a list of exit codes"),
        (command(clean_codes="[0, 1]"), "clean_codes: an exit code cannot be in infected_codes"),
        (command(clean_pattern="'('"), "clean_pattern: this is no regular expression"),
        (command(clean_pattern="''"), "clean_pattern: write a text"),
        (command(name_pattern="'x FOUND'"), "name_pattern: put the name in brackets"),
        (daemon() + "\n" + daemon(), "two virus scanners are called x"),
        (daemon("Clamd"), "two virus scanners are called clamd"),
    ],
)
def test_a_mistake_is_told_by_entry_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        entries(tmp_path, text, clamd=Endpoint(path="/run/clamd"))
    assert words in str(error.value)
    assert "scanners.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="FILTER_SCANNERS_FILE: cannot read /nowhere"):
        read_entries(FilterConfig(scanners_file=Path("/nowhere")))


def test_a_file_that_everybody_may_write_stops_the_start(tmp_path: Path) -> None:
    """Whoever writes it chooses programs that the filter runs."""
    assert entries(tmp_path, command())
    file = tmp_path / "scanners.toml"
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod o-w"):
        read_entries(FilterConfig(scanners_file=file))


def test_octets_that_are_no_text_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is no TOML"):
        read_entries(FilterConfig(scanners_file=tmp_path / "x"))


@pytest.fixture
def examples(checkout: Path, tmp_path: Path) -> dict[str, Entry]:
    """The entries of scanners.example.toml, all switched on."""
    lines = (checkout / "scanners.example.toml").read_text(encoding="utf-8").splitlines()
    return {
        e.name: e
        for e in entries(
            tmp_path, "\n".join(line.removeprefix("#") for line in lines if line[:2] != "# ")
        )
    }


def test_the_examples_can_be_used_as_they_are(examples: dict[str, Entry]) -> None:
    told = {name: (entry.protocol, entry.role) for name, entry in examples.items()}
    assert told == {
        "savdid": ("sssp", "primary"),
        "trophie": ("sophie", "primary"),
        "icap": ("icap", "primary"),
        "clamscan": ("command", "backup"),
        "Sophos Anti Virus (sweep)": ("command", "primary"),
    }


@pytest.mark.parametrize(
    ("name", "code", "output", "virus"),
    [
        ("clamscan", 1, b"/x/0001: Eicar-Test-Signature FOUND\n", "Eicar-Test-Signature"),
        ("clamscan", 1, b"", "unnamed"),
        ("clamscan", 0, b"", None),
        (
            "Sophos Anti Virus (sweep)",
            3,
            b">>> Virus 'EICAR-AV-Test' found in file /x\n",
            "EICAR-AV-Test",
        ),
        ("Sophos Anti Virus (sweep)", 3, b">>> Virus fragment 'W32/X' found in file /x\n", "W32/X"),
        ("Sophos Anti Virus (sweep)", 0, b"", None),
    ],
)
def test_the_examples_read_what_those_programs_say(
    examples: dict[str, Entry], name: str, code: int, output: bytes, virus: str | None
) -> None:
    """V-8, V-11."""
    scanner = examples[name].scanner
    assert isinstance(scanner, Command)
    scan: VirusScan = scanner.judge(code, output)
    assert [found.name for found in scan.viruses or ()] == ([virus] if virus else [])
