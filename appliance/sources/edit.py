"""Add and remove sources of rows.  One transaction each; recorded."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from appliance.domains.names import printed_key
from appliance.errors import Already, Refused, Unknown
from appliance.policies.revisions import record
from appliance.sources.files import HOLDS
from appliance.sources.models import DEFAULT_FILTER, Source
from appliance.sources.rows import Rows, replace_rows
from smtpfilter.policy.lookup import SITE

_STATE = ("tried_at", "last_read_at", "last_result", "failed", "entries")
_OF_FILES = ("path", "holds", "key")
_OF_DIRECTORIES = (
    "url",
    "start_tls",
    "ca_file",
    "bind_dn",
    "password_file",
    "base_dn",
    "filter",
)


def settings_of(source: Source) -> dict[str, Any]:
    """Return how the source is set up, as JSON."""
    own = _OF_FILES if source.kind == Source.Kind.FILE else _OF_DIRECTORIES
    names = ("name", "kind", "every_minutes", *own)
    return {name: getattr(source, name) for name in names}


def as_json(source: Source) -> dict[str, Any]:
    """Return how the source is set up and how its last reading went, as JSON."""
    return settings_of(source) | {name: getattr(source, name) for name in _STATE}


def find_source(name: str) -> Source:
    """Return the source called `name`.  Raises Unknown."""
    source = Source.objects.filter(name=name).first()
    if source is None:
        there = ", ".join(Source.objects.values_list("name", flat=True)) or "none yet"
        raise Unknown(f"there is no source {name!r}; there are: {there}")
    return source


def add_file(
    *,
    name: str,
    path: str,
    holds: str,
    actor: str,
    key: str = SITE,
    every_minutes: int = 60,
) -> Source:
    """Read the file at `path` from now on, see files.py for what it `holds`.  Raises Refused."""
    if holds not in HOLDS:
        raise Unknown(f"a file cannot hold {holds!r}; it may hold: {', '.join(HOLDS)}")
    if not path.startswith("/"):
        raise Refused(f"{path!r} is no whole path: begin it with /")
    source = Source(kind=Source.Kind.FILE, path=path, holds=holds, key=printed_key(key))
    return _add(source, name, every_minutes, actor)


def add_directory(
    *,
    name: str,
    url: str,
    base_dn: str,
    actor: str,
    bind_dn: str = "",
    password_file: str = "",
    filter_text: str = DEFAULT_FILTER,
    start_tls: bool = False,
    ca_file: str = "",
    every_minutes: int = 60,
) -> Source:
    """Read a directory from now on.  Raises Refused."""
    _refuse_bad_url(url, start_tls=start_tls, secret=bool(bind_dn))
    if bool(bind_dn) != bool(password_file):
        raise Refused("to bind takes both a DN and a file with its password")
    source = Source(
        kind=Source.Kind.LDAP,
        url=url,
        base_dn=base_dn,
        bind_dn=bind_dn,
        password_file=password_file,
        filter=filter_text,
        start_tls=start_tls,
        ca_file=ca_file,
    )
    return _add(source, name, every_minutes, actor)


@transaction.atomic
def remove_source(*, name: str, actor: str) -> None:
    """Forget a source, and the rows that it brought.  Raises Unknown."""
    source = find_source(name)
    before = settings_of(source) | replace_rows(source.name, Rows()).as_json()
    source.delete()
    record(who=actor, verb="sources remove", key=name, before=before, after=None)


@transaction.atomic
def _add(source: Source, name: str, every_minutes: int, actor: str) -> Source:
    source.name, source.every_minutes = name, every_minutes
    if not name or not name.isprintable() or name != name.strip():
        raise Refused(f"{name!r} is no name for a source: write some letters")
    if Source.objects.filter(name=name).exists():
        raise Already(f"there is a source {name} already")
    try:
        source.full_clean()
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    source.save()
    record(who=actor, verb="sources add", key=name, before=None, after=settings_of(source))
    return source


def _refuse_bad_url(url: str, *, start_tls: bool, secret: bool) -> None:
    """Raise Refused where `url` names no directory, or a password would be readable on its way."""
    try:
        parts = urlsplit(url)
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme
    except ValueError:
        host, port, scheme = "", None, ""
    if scheme not in ("ldap", "ldaps") or not host or port == 0 or parts.path.strip("/"):
        raise Refused(f"{url!r} is no directory: write ldaps://HOST or ldap://HOST:PORT")
    if start_tls and scheme == "ldaps":
        raise Refused("ldaps:// is encrypted from the start: leave StartTLS away")
    if secret and scheme == "ldap" and not start_tls and not _is_loopback(host):
        raise Refused("the password would travel readably: use ldaps:// or StartTLS")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
