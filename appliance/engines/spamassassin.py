"""The site's settings as SpamAssassin's configuration.  Pure: no file, no database, no clock.

Two files and a plugin, beside those of the distribution: `postern.pre` names plugins, `postern.cf`
says the rest.  The report template in it is what smtpfilter/scan/report.py reads; it also names the
configuration, so that whoever asks spamd learns which one is in force.

Nobody can break out of his line (Q3): a value with a control character is refused, "#" is escaped.
"""

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from smtpfilter.config import Endpoint
from smtpfilter.scan.spamd import USER

CONFIGURATION, PLUGINS, LOCAL_ONLY = "postern.cf", "postern.pre", "PosternLocalOnly.pm"
DIGEST_LENGTH = 12

# SpamAssassin knows "local tests only" as an option of its programs alone.  It decides which of a
# rule's points count, so that without it scores without network tests would be wrong (S-6).
_LOCAL_ONLY = """\
package PosternLocalOnly;
use strict;
use warnings;
use parent 'Mail::SpamAssassin::Plugin';

sub new {
    my ($class, $main) = @_;
    $main->{local_tests_only} = 1;
    return $class->SUPER::new($main);
}

1;
"""
_HEAD = "# Written by Postern from its settings: a change made here is overwritten.\n\n"
_LOAD_DCC = "loadplugin Mail::SpamAssassin::Plugin::DCC\n"
_LOAD_LOCAL_ONLY = f"loadplugin PosternLocalOnly {LOCAL_ONLY}\n"

# A marker with a version, the score, the points of every rule with all decimals, then one line for
# each rule with its description.  Rules' words for the subject (subjprefix) are collected only
# where the subject is rewritten; Postern does that.
_REPORT = """\
report_safe 0
rewrite_header Subject _SUBJPREFIX_
report_wrap_width 1000
clear_report_template
report POSTERN-REPORT 1
report score _SCORE_ required _REQD_ config {digest} autolearn _AUTOLEARN_ prefix _SUBJPREFIX_
report tests _TESTSSCORES(,)_
report _SUMMARY_
"""
_PREFERENCES = (
    "SELECT preference, value FROM engines_preference WHERE username = _USERNAME_ ORDER BY id"
)
_ESCAPED_HASH = r"\#"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Unwritable(ValueError):
    """A value that no line of SpamAssassin's configuration can hold."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the site wants; the defaults are those of a fresh installation.

    `networks`: own networks as they are stored, "!" before an exception.
    """

    network_tests: bool = False
    dns_lists: bool = True
    razor: bool = True
    pyzor: bool = True
    dcc: bool = True
    use_bayes: bool = True
    bayes_auto_learn: bool = True
    bayes_auto_learn_threshold_nonspam: float = 0.1
    bayes_auto_learn_threshold_spam: float = 12.0
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Database:
    """How SpamAssassin reaches Postgres."""

    dsn: str
    user: str
    password: str

    @classmethod
    def from_url(cls, url: str) -> "Database":
        """Return the database of `postgres://user:password@host:port/name`, or `?host=/folder`."""
        parts = urlsplit(url)
        words = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        host = words.get("host") or unquote(parts.hostname or "")
        port = words.get("port") or str(parts.port or "")
        given = {"dbname": unquote(parts.path.lstrip("/")), "host": host, "port": port}
        if any(";" in value for value in given.values()):
            raise Unwritable('the address of the database has a ";" in it')
        dsn = ";".join(f"{key}={value}" for key, value in given.items() if value)
        return cls(f"DBI:Pg:{dsn}", unquote(parts.username or ""), unquote(parts.password or ""))


@dataclass(frozen=True, slots=True)
class Place:
    """What is the machine's own: where Bayes and preferences lie, which resolver is asked.

    Without a `database` Bayes lies in files that begin with `bayes_path`, and there are no
    preferences.
    """

    database: Database | None = None
    bayes_path: str = ""
    dns: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """The text of each file by its name, and the digest that the report template tells."""

    files: Mapping[str, str]
    digest: str


def render(choices: Choices, place: Place) -> Configuration:
    """Return the configuration.  Raises Unwritable."""
    plugins = _HEAD + ("" if choices.network_tests else _LOAD_LOCAL_ONLY)
    plugins += _LOAD_DCC if choices.network_tests and choices.dcc else ""
    lines = _HEAD + "".join(line(key, value) for key, value in _lines(choices, place)) + "\n"
    whole = "\0".join((plugins, lines, _REPORT, _LOCAL_ONLY)).encode()
    digest = hashlib.sha256(whole).hexdigest()[:DIGEST_LENGTH]
    files = {
        LOCAL_ONLY: _LOCAL_ONLY,
        PLUGINS: plugins,
        CONFIGURATION: lines + _REPORT.format(digest=digest),
    }
    return Configuration(files, digest)


def line(key: str, value: object) -> str:
    """Return one line of configuration; True and False are 1 and 0.  Raises Unwritable."""
    text = f"{value:g}" if isinstance(value, bool | float) else str(value)
    if not text or text != text.strip() or _CONTROL.search(text):
        raise Unwritable(f"{key}: its value cannot be written as one line")
    return f"{key} {text.replace('#', _ESCAPED_HASH)}\n"


def _lines(choices: Choices, place: Place) -> Iterator[tuple[str, object]]:
    yield "required_score", 6.3  # levels are policy; this fills spamd's own "Spam: True" alone
    yield from _network_lines(choices, place.dns)
    yield "use_bayes", choices.use_bayes
    yield "bayes_auto_learn", choices.bayes_auto_learn
    yield "bayes_auto_learn_threshold_nonspam", choices.bayes_auto_learn_threshold_nonspam
    yield "bayes_auto_learn_threshold_spam", choices.bayes_auto_learn_threshold_spam
    if place.database:
        yield from _store_lines(place.database)
    else:
        yield "bayes_path", place.bayes_path
    if networks := " ".join(_networks(choices.networks)):
        yield "trusted_networks", networks
        yield "internal_networks", networks


def _network_lines(choices: Choices, dns: Endpoint | None) -> Iterator[tuple[str, object]]:
    """One switch above four (S-6, S-12); where it is off, nothing is asked whatever they say."""
    asked = choices.network_tests
    yield "dns_available", "yes" if asked else "no"
    if dns is not None:
        yield "dns_server", f"[{dns.host}]:{dns.port}"
    yield "skip_rbl_checks", not (asked and choices.dns_lists)
    yield "skip_uribl_checks", not (asked and choices.dns_lists)
    yield "use_razor2", asked and choices.razor
    yield "use_pyzor", asked and choices.pyzor
    if asked and choices.dcc:
        yield "use_dcc", True  # its plugin, and so the word, is only known where it is wanted


def _store_lines(database: Database) -> Iterator[tuple[str, object]]:
    """Bayes is the site's, whoever the mail is for; preferences are the user's (S-1)."""
    yield "bayes_store_module", "Mail::SpamAssassin::BayesStore::PgSQL"
    yield "bayes_sql_override_username", USER
    yield "user_scores_sql_custom_query", _PREFERENCES
    for dsn, prefix in (("bayes_sql_dsn", "bayes_sql"), ("user_scores_dsn", "user_scores_sql")):
        yield dsn, database.dsn
        if database.user:
            yield f"{prefix}_username", database.user
        if database.password:
            yield f"{prefix}_password", database.password


def _networks(stored: Iterable[str]) -> list[str]:
    """Return the networks, the smallest first, since the first that matches counts (S-11, K-10).

    Loopback is always trusted.  SpamAssassin knows no IPv6 zones: networks with one are left out.
    """
    nets = [
        (ipaddress.ip_network(cidr.removeprefix("!")), cidr) for cidr in stored if "%" not in cidr
    ]
    wanted = [
        (-net.prefixlen, not cidr.startswith("!"), cidr)
        for net, cidr in nets
        if not net.is_loopback
    ]
    return [cidr for *_, cidr in sorted(wanted)]
