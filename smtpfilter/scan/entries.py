"""The virus scanners of this machine: FILTER_CLAMD, FILTER_SOPHIE, and the file that
FILTER_SCANNERS_FILE names (V-3).

The file is TOML with one [[scanner]] table for each; scanners.example.toml tells every key.  It
holds command lines, so that it belongs to root and can be changed nowhere else; whether a scanner
is primary, backup or off may be overruled by the site (Site.roles).
"""

import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from smtpfilter.config import ConfigError, Endpoint, FilterConfig
from smtpfilter.policy.site import Role
from smtpfilter.ports.engines import VirusScanner
from smtpfilter.scan.clamd import Clamd
from smtpfilter.scan.command import FOLDER, Command, Criterion
from smtpfilter.scan.icap import Icap, Service
from smtpfilter.scan.sophie import Sophie
from smtpfilter.scan.sssp import Sssp

LONGEST_SECONDS = 3600

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()+-]{0,98}[A-Za-z0-9)]|[A-Za-z0-9]")
_COMMON_KEYS = frozenset({"name", "protocol", "role", "timeout"})
_COMMAND_KEYS = frozenset(
    {
        "command",
        "clean_codes",
        "clean_pattern",
        "infected_codes",
        "infected_pattern",
        "name_pattern",
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One scanner.  `address`: where it is asked, for people; `seconds`: its own patience, None for
    FILTER_VIRUS_TIMEOUT_SECONDS.
    """

    scanner: VirusScanner
    protocol: str
    address: str
    role: Role = "primary"
    seconds: float | None = None

    @property
    def name(self) -> str:
        return self.scanner.name


def read_entries(config: FilterConfig) -> tuple[Entry, ...]:
    """Return all scanners of this machine, () where there is none.  Raises ConfigError."""
    entries = [*_of_the_environment(config)]
    if config.scanners_file:
        entries += _of_the_file(config.scanners_file)
    names = [entry.name.casefold() for entry in entries]
    twice = next((entry.name for entry in entries if names.count(entry.name.casefold()) > 1), None)
    if twice:
        raise ConfigError(
            f"two virus scanners are called {twice}: rename one in {config.scanners_file}"
        )
    return tuple(entries)


def _of_the_environment(config: FilterConfig) -> Iterator[Entry]:
    if config.clamd:
        yield Entry(Clamd(config.clamd), "clamd", str(config.clamd))
    if config.sophie:
        yield Entry(Sophie(config.sophie), "sophie", str(config.sophie))


def _of_the_file(path: Path) -> Iterator[Entry]:
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            raise ConfigError(f"{path}: everybody may write commands into it: chmod o-w {path}")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"FILTER_SCANNERS_FILE: cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error
    tables = document.get("scanner")
    if set(document) - {"scanner"} or not isinstance(tables, list | None):
        raise ConfigError(f"{path}: write one [[scanner]] table for each scanner, and no other")
    for number, table in enumerate(tables or (), 1):
        try:
            yield _entry(_Table(table))
        except ConfigError as error:
            name = table.get("name", "") if isinstance(table, dict) else ""
            raise ConfigError(f"{path}: scanner {number} {name!r}: {error}") from None


class _Table:
    """One table of the file; its errors name the key."""

    def __init__(self, table: Any) -> None:
        if not isinstance(table, dict):
            raise ConfigError("this is no [[scanner]] table")
        self._table: dict[str, Any] = table

    def text(self, key: str, default: str | None = None) -> str:
        value = self._table.get(key, default)
        if not isinstance(value, str) or not value.isprintable() or not value:
            raise ConfigError(f"{key}: write a text in quotes")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise ConfigError(f"{key}: write one of {', '.join(choices)}")
        return value

    def seconds(self, key: str) -> float | None:
        value = self._table.get(key)
        if value is None:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value <= LONGEST_SECONDS:
            raise ConfigError(f"{key}: write seconds, more than 0 and at most {LONGEST_SECONDS}")
        return float(value)

    def words(self, key: str) -> tuple[str, ...]:
        value = self._table.get(key)
        if not isinstance(value, list) or not all(
            isinstance(word, str) and "\0" not in word for word in value
        ):
            raise ConfigError(f'{key}: write a list of words, ["/usr/bin/scan", "-r", "{{}}"]')
        return tuple(value)

    def codes(self, key: str) -> frozenset[int]:
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(
            type(code) is int and 0 <= code < 256 for code in value
        ):
            raise ConfigError(f"{key}: write a list of exit codes, 0 to 255, [0, 2]")
        return frozenset(value)

    def pattern(self, key: str) -> re.Pattern[bytes] | None:
        if key not in self._table:
            return None
        try:
            return re.compile(self.text(key).encode(), re.MULTILINE)
        except re.error as error:
            raise ConfigError(f"{key}: this is no regular expression: {error}") from None

    def refuse_unknown(self, known: frozenset[str]) -> None:
        unknown = sorted(set(self._table) - known)
        if unknown:
            raise ConfigError(f"{unknown[0]}: there is no such key; {', '.join(sorted(known))} are")


def _entry(table: _Table) -> Entry:
    name = table.text("name")
    if not _NAME.fullmatch(name):
        raise ConfigError("name: write up to 100 letters, digits, blanks or any of ._()+-")
    protocol = table.choice("protocol", tuple(_MAKERS))
    own_keys = _COMMAND_KEYS if protocol == "command" else frozenset({"address"})
    table.refuse_unknown(_COMMON_KEYS | own_keys)
    scanner, address = _MAKERS[protocol](name, table)
    role: Any = table.choice("role", get_args(Role), "primary")
    return Entry(scanner, protocol, address, role, table.seconds("timeout"))


def _daemon(make: Callable[..., VirusScanner]) -> "_Maker":
    def daemon(name: str, table: _Table) -> tuple[VirusScanner, str]:
        try:
            endpoint = Endpoint.parse(table.text("address"))
        except ConfigError as error:
            raise ConfigError(f"address: {error}") from None
        return make(endpoint, name=name), str(endpoint)

    return daemon


def _icap(name: str, table: _Table) -> tuple[VirusScanner, str]:
    try:
        service = Service.parse(table.text("address"))
    except ConfigError as error:
        raise ConfigError(f"address: {error}") from None
    return Icap(service, name=name), service.url


def _command(name: str, table: _Table) -> tuple[VirusScanner, str]:
    words = table.words("command")
    if not words or not words[0].startswith("/"):
        raise ConfigError("command: begin with the whole path of a program")
    if not any(FOLDER in word for word in words[1:]):
        raise ConfigError("command: say with {} or {}/* where the paths of a mail go")
    infected = Criterion(table.codes("infected_codes"), table.pattern("infected_pattern"))
    clean = Criterion(table.codes("clean_codes"), table.pattern("clean_pattern"))
    if not infected:
        raise ConfigError("infected_codes, infected_pattern: write at least one of them")
    if clean.codes & infected.codes:
        raise ConfigError("clean_codes: an exit code cannot be in infected_codes, too")
    virus_name = table.pattern("name_pattern")
    if virus_name and not virus_name.groups:
        raise ConfigError("name_pattern: put the name in brackets: (.+)")
    scanner = Command(name, words, clean=clean, infected=infected, virus_name=virus_name)
    return scanner, words[0]


_Maker = Callable[[str, _Table], tuple[VirusScanner, str]]
_MAKERS: Mapping[str, _Maker] = {
    "clamd": _daemon(Clamd),
    "sophie": _daemon(Sophie),
    "sssp": _daemon(Sssp),
    "icap": _icap,
    "command": _command,
}
