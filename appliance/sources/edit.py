"""Add and remove sources of rows.  One transaction each; recorded."""

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from appliance.domains.names import printed_key
from appliance.errors import Already, Refused, Unknown
from appliance.policies.revisions import record
from appliance.sources.files import HOLDS
from appliance.sources.models import Source
from appliance.sources.rows import Rows, replace_rows

_STATE = ("tried_at", "last_read_at", "last_result", "failed", "entries")
_OF_ALL = ("name", "kind", "every_minutes")
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
SETTINGS = (*_OF_ALL, *_OF_FILES, *_OF_DIRECTORIES)


def settings_of(source: Source) -> dict[str, Any]:
    """Return how the source is set up, as JSON."""
    own = _OF_FILES if source.kind == Source.Kind.FILE else _OF_DIRECTORIES
    return {name: getattr(source, name) for name in (*_OF_ALL, *own)}


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


@transaction.atomic
def add_file(*, actor: str, **values: Any) -> Source:
    """Read a file from now on.  `values`: name, path, holds (see files.py), and where it is not
    as usual key and every_minutes.  Raises Refused; Unknown for what a file cannot hold.
    """
    return _add({"kind": Source.Kind.FILE, **values}, actor)


@transaction.atomic
def add_directory(*, actor: str, **values: Any) -> Source:
    """Read a directory from now on.  `values`: name, url, base_dn, and where it is not as usual
    filter, bind_dn and password_file, start_tls, ca_file, every_minutes.  Raises Refused.
    """
    return _add({"kind": Source.Kind.LDAP, **values}, actor)


@transaction.atomic
def remove_source(*, name: str, actor: str) -> None:
    """Forget a source, and the rows that it brought.  Raises Unknown."""
    before = settings_of(find_source(name))
    drop_source(name)
    record(who=actor, verb="sources remove", key=name, before=before, after=None)


def put_source(values: Mapping[str, Any]) -> None:
    """Make the source that `values` (as in settings_of) say, or change it; for imports, which
    record by themselves.  Raises Refused, Unknown.
    """
    wanted = _checked(values)
    source = Source.objects.filter(name=wanted.name).first() or Source()
    for name in SETTINGS:
        setattr(source, name, getattr(wanted, name))
    source.save()


def drop_source(name: str) -> None:
    """Forget a source and its rows; for imports."""
    replace_rows(name, Rows())
    Source.objects.filter(name=name).delete()


def _add(values: Mapping[str, Any], actor: str) -> Source:
    source = _checked(values)
    if Source.objects.filter(name=source.name).exists():
        raise Already(f"there is a source {source} already")
    source.save()
    record(who=actor, verb="sources add", key=source.name, before=None, after=settings_of(source))
    return source


def _checked(values: Mapping[str, Any]) -> Source:
    """Return a source with these settings, unsaved.  Raises Refused, Unknown."""
    source = Source(**values)
    if not source.name or not source.name.isprintable() or source.name != source.name.strip():
        raise Refused(f"{source.name!r} is no name for a source: write some letters")
    if source.kind == Source.Kind.FILE:
        _check_file(source)
    else:
        _check_directory(source)
    try:
        source.clean_fields()
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    return source


def _check_file(source: Source) -> None:
    if source.holds not in HOLDS:
        raise Unknown(f"a file cannot hold {source.holds!r}; it may hold: {', '.join(HOLDS)}")
    if not source.path.startswith("/"):
        raise Refused(f"{source.path!r} is no whole path: begin it with /")
    source.key = printed_key(source.key)


def _check_directory(source: Source) -> None:
    _refuse_bad_url(source.url, start_tls=source.start_tls, secret=bool(source.bind_dn))
    if not source.base_dn:
        raise Refused("say where the directory is searched, as in dc=example,dc=com")
    if bool(source.bind_dn) != bool(source.password_file):
        raise Refused("to bind takes both a DN and a file with its password")


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
