"""Writing rows as a file for read_hash or Postfix: whole or not at all.

The counterpart of files.py: what is written here is read there as the same rows.
"""

import os
import re
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from django.db.models import Q

from appliance.domains.models import Domain
from appliance.domains.names import printed_key
from appliance.errors import Refused, Unknown
from appliance.policies.models import SenderRule
from appliance.sources.files import LISTS, LOCAL_DOMAINS, SCORE
from appliance.sources.models import Source
from smtpfilter.policy.lookup import SITE

WRITABLE = (LOCAL_DOMAINS, *LISTS)
HEAD = "# Written by Postern, which replaces the whole file.\n"

_NEEDS_QUOTES = re.compile(r'[\s"#\\]')


def write_file(*, holds: str, path: str, key: str = SITE) -> int:
    """Write the site's local domains, or the senders listed under `key`, to `path`; return how
    many lines.

    Sender entries that are over, or bound to a proof of the sender's domain, are left out: a file
    cannot say so.  Raises Refused.
    """
    if holds not in WRITABLE:
        raise Unknown(f"{holds!r} cannot be written; these can: {', '.join(WRITABLE)}")
    if source := Source.objects.filter(path=path).first():
        raise Refused(f"{path} is read by the source {source}: write another file")
    lines = list(_domains() if holds == LOCAL_DOMAINS else _senders(holds, printed_key(key)))
    _replace(Path(path), HEAD + "".join(f"{left}\t{right}\n" for left, right in lines))
    return len(lines)


def _domains() -> Iterable[tuple[str, str]]:
    """Yield each domain; one with all below is written twice, as Postfix needs it."""
    names = set(Domain.objects.values_list("name", flat=True))
    names |= {name.removeprefix(".") for name in names}
    return ((name, "OK") for name in sorted(names))


def _senders(holds: str, key: str) -> Iterable[tuple[str, str]]:
    current = Q(expires_at=None) | Q(expires_at__gt=datetime.now(UTC))
    rules = SenderRule.objects.filter(current, key=key, action=holds, authenticated=False)
    found = {rule.sender: rule.points for rule in rules}
    return (
        (_quoted(sender), f"{points:g}" if holds == SCORE else "OK")
        for sender, points in sorted(found.items())
    )


def _quoted(sender: str) -> str:
    """Return a key as files.py reads it: "<>", ".", a quoted local part where it has to be."""
    if sender in ("", SITE):
        return "." if sender else "<>"
    local, at, domain = sender.rpartition("@")
    if not _NEEDS_QUOTES.search(local):
        return sender
    escaped = re.sub(r'(["\\])', r"\\\1", local)
    return f'"{escaped}"{at}{domain}'


def _replace(path: Path, text: str) -> None:
    """Put `text` in the place of the file, with its mode, or change nothing.  Raises Refused."""
    temporary = ""
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = file.name
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise Refused(f"cannot write {path}: {error.strerror}") from None
