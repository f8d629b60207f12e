"""Every install setting of the filter: FILTER_* environment variables, typed, with their units,
read once.

What an administrator may change at run time is a row in Postgres, never here.  NAME_FILE is
accepted for any of them. Unknown FILTER_* names and unreadable values stop the start with one clear
line (ConfigError).
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(ValueError):
    """One line that says which setting is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service listens: a unix socket (`path`) or `host` and `port`."""

    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Return the endpoint in `/path`, `unix:/path`, `host:port` or `[v6]:port`.  Raises
        ConfigError.
        """
        if text.startswith(("unix:", "/")):
            return cls(path=text.removeprefix("unix:"))
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdigit() or not 0 <= int(port) < 65536:
            raise ConfigError(
                f"{text!r} is no address: write /path, unix:/path, host:port or [v6]:port"
            )
        return cls(host=host.strip("[]"), port=int(port))

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class FilterConfig:
    """Times are seconds, sizes octets.  An engine whose address is None is not used."""

    hostname: str = "localhost"  # APPLIANCE_HOSTNAME; names us in replies, headers and notices
    listen: tuple[Endpoint, ...] = (
        Endpoint(host="127.0.0.1", port=10025),
    )  # FILTER_LISTEN; SMTP and LMTP on each, by comma, the main one first
    relay: Endpoint = Endpoint(host="127.0.0.1", port=10026)  # FILTER_RELAY; the next hop
    notify: Endpoint = Endpoint(
        host="127.0.0.1", port=10026
    )  # FILTER_NOTIFY; takes our notices, default FILTER_RELAY
    clamd: Endpoint | None = None  # FILTER_CLAMD
    sophie: Endpoint | None = None  # FILTER_SOPHIE
    scanners_file: Path | None = None  # FILTER_SCANNERS_FILE; further virus scanners
    spamd: Endpoint | None = None  # FILTER_SPAMD
    rspamd: Endpoint | None = None  # FILTER_RSPAMD
    dns: Endpoint | None = None  # FILTER_DNS; a resolver's IP address, default the system's
    workers: int = 2  # FILTER_WORKERS; processes behind the listening socket
    threads: int = 10  # FILTER_THREADS; messages at work at once in one process
    backlog: int = 20  # FILTER_BACKLOG; messages that may wait for a thread, then 451
    allowed_clients: tuple[
        IPNetwork, ...
    ] = ()  # FILTER_ALLOWED_CLIENTS; networks by comma, default loopback
    spool_dir: Path = Path("/dev/shm")  # noqa: S108 - FILTER_SPOOL_DIR; tmpfs where there is one
    spool_limit_bytes: int = (
        1 << 30
    )  # FILTER_SPOOL_LIMIT_BYTES; all messages in the spool together, then 452
    scan_group: str = ""  # FILTER_SCAN_GROUP; may read the spooled parts
    message_size_limit_bytes: int = 67108864  # FILTER_MESSAGE_SIZE_LIMIT_BYTES
    recipient_limit: int = 1100  # FILTER_RECIPIENT_LIMIT; then 452 4.5.3
    scan_timeout_seconds: float = (
        300.0  # FILTER_SCAN_TIMEOUT_SECONDS; unpacking and all engines together
    )
    virus_timeout_seconds: float = 130.0  # FILTER_VIRUS_TIMEOUT_SECONDS; one virus scanner
    spam_timeout_seconds: float = 90.0  # FILTER_SPAM_TIMEOUT_SECONDS; a spam engine
    authentication_timeout_seconds: float = (
        10.0  # FILTER_AUTHENTICATION_TIMEOUT_SECONDS; SPF, DKIM and DMARC together
    )
    virus_scans: int = 4  # FILTER_VIRUS_SCANS; asked of a virus scanner at once, by one process
    spam_scans: int = 2  # FILTER_SPAM_SCANS; asked of a spam engine at once, by one process
    idle_timeout_seconds: float = 300.0  # FILTER_IDLE_TIMEOUT_SECONDS; a session that says nothing
    drain_timeout_seconds: float = (
        660.0  # FILTER_DRAIN_TIMEOUT_SECONDS; messages at work when SIGTERM comes
    )
    own_postfix: str = ""  # FILTER_OWN_POSTFIX; "Received: ... by NAME" that is believed
    pid_file: str = ""  # FILTER_PID_FILE; written by the parent process
    log_format: str = "text"  # FILTER_LOG_FORMAT; text or json

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "FilterConfig":
        """Return the configuration in `environment` (default: the process's own).  Raises
        ConfigError.
        """
        reader = _Reader(os.environ if environment is None else environment)
        relay = reader.endpoint("FILTER_RELAY") or cls.relay
        config = cls(
            hostname=reader.text("APPLIANCE_HOSTNAME", cls.hostname),
            listen=reader.endpoints("FILTER_LISTEN") or cls.listen,
            relay=relay,
            notify=reader.endpoint("FILTER_NOTIFY") or relay,
            clamd=reader.endpoint("FILTER_CLAMD"),
            sophie=reader.endpoint("FILTER_SOPHIE"),
            scanners_file=reader.path("FILTER_SCANNERS_FILE"),
            spamd=reader.endpoint("FILTER_SPAMD"),
            rspamd=reader.endpoint("FILTER_RSPAMD"),
            dns=reader.ip_endpoint("FILTER_DNS"),
            workers=reader.count("FILTER_WORKERS", cls.workers),
            threads=reader.count("FILTER_THREADS", cls.threads),
            backlog=reader.count("FILTER_BACKLOG", cls.backlog),
            allowed_clients=reader.networks("FILTER_ALLOWED_CLIENTS", "127.0.0.0/8,::1"),
            spool_dir=Path(reader.text("FILTER_SPOOL_DIR", str(cls.spool_dir))),
            spool_limit_bytes=reader.count("FILTER_SPOOL_LIMIT_BYTES", cls.spool_limit_bytes),
            scan_group=reader.text("FILTER_SCAN_GROUP", cls.scan_group),
            message_size_limit_bytes=reader.count(
                "FILTER_MESSAGE_SIZE_LIMIT_BYTES", cls.message_size_limit_bytes
            ),
            recipient_limit=reader.count("FILTER_RECIPIENT_LIMIT", cls.recipient_limit),
            scan_timeout_seconds=reader.seconds(
                "FILTER_SCAN_TIMEOUT_SECONDS", cls.scan_timeout_seconds
            ),
            virus_timeout_seconds=reader.seconds(
                "FILTER_VIRUS_TIMEOUT_SECONDS", cls.virus_timeout_seconds
            ),
            spam_timeout_seconds=reader.seconds(
                "FILTER_SPAM_TIMEOUT_SECONDS", cls.spam_timeout_seconds
            ),
            authentication_timeout_seconds=reader.seconds(
                "FILTER_AUTHENTICATION_TIMEOUT_SECONDS", cls.authentication_timeout_seconds
            ),
            virus_scans=reader.count("FILTER_VIRUS_SCANS", cls.virus_scans),
            spam_scans=reader.count("FILTER_SPAM_SCANS", cls.spam_scans),
            idle_timeout_seconds=reader.seconds(
                "FILTER_IDLE_TIMEOUT_SECONDS", cls.idle_timeout_seconds
            ),
            drain_timeout_seconds=reader.seconds(
                "FILTER_DRAIN_TIMEOUT_SECONDS", cls.drain_timeout_seconds
            ),
            own_postfix=reader.text("FILTER_OWN_POSTFIX", cls.own_postfix),
            pid_file=reader.text("FILTER_PID_FILE", cls.pid_file),
            log_format=reader.choice("FILTER_LOG_FORMAT", cls.log_format, ("text", "json")),
        )
        reader.refuse_unknown()
        return config


class _Reader:
    """Reads one environment; remembers the names asked for, so that a misspelt one is noticed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known: set[str] = set()

    def text(self, name: str, default: str) -> str:
        self._known |= {name, f"{name}_FILE"}
        file = self._environment.get(f"{name}_FILE")
        if file:
            try:
                return Path(file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(f"{name}_FILE: cannot read {file}: {error.strerror}") from error
        return self._environment.get(name, "").strip() or default

    def path(self, name: str) -> Path | None:
        """Return the path that the setting itself names."""
        self._known.add(name)
        text = self._environment.get(name, "").strip()
        return Path(text) if text else None

    def endpoints(self, name: str) -> tuple[Endpoint, ...]:
        words = [word.strip() for word in self.text(name, "").split(",")]
        try:
            found = tuple(Endpoint.parse(word) for word in words if word)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
        twice = next((str(one) for one in found if one.port and found.count(one) > 1), "")
        if twice:
            raise ConfigError(f"{name}: {twice} stands there twice")
        return found

    def endpoint(self, name: str) -> Endpoint | None:
        text = self.text(name, "")
        try:
            return Endpoint.parse(text) if text else None
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None

    def ip_endpoint(self, name: str) -> Endpoint | None:
        """Return an endpoint whose host is an IP address."""
        endpoint = self.endpoint(name)
        try:
            if endpoint:
                ipaddress.ip_address(endpoint.host)
        except ValueError:
            raise ConfigError(
                f"{name}={endpoint}: write an IP address and a port, as in 127.0.0.1:53"
            ) from None
        return endpoint

    def count(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ConfigError(f"{name}={text!r}: write a whole number, 1 or more")
        return int(text)

    def seconds(self, name: str, default: float) -> float:
        text = self.text(name, str(default))
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 86400:
            raise ConfigError(f"{name}={text!r}: write a number of seconds between 0 and 86400")
        return seconds

    def networks(self, name: str, default: str) -> tuple[IPNetwork, ...]:
        try:
            return tuple(
                ipaddress.ip_network(word.strip())
                for word in self.text(name, default).split(",")
                if word.strip()
            )
        except ValueError as error:
            raise ConfigError(
                f"{name}: {error}; write networks such as 127.0.0.0/8 or ::1, by comma"
            ) from None

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        text = self.text(name, default)
        if text not in choices:
            raise ConfigError(f"{name}={text!r}: write {' or '.join(choices)}")
        return text

    def refuse_unknown(self) -> None:
        unknown = sorted(
            n for n in self._environment if n.startswith("FILTER_") and n not in self._known
        )
        if unknown:
            raise ConfigError(f"unknown setting {unknown[0]}: see .env.example for the names")
