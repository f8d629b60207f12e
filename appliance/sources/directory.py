"""Reading a directory by LDAP: all entries, or none.

Certificates are always checked; an answer that is cut short (size or time limit, lost connection)
is a failure.
"""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ldap3 import AUTO_BIND_NO_TLS, AUTO_BIND_TLS_BEFORE_BIND, NONE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException
from ldap3.core.results import RESULT_SUCCESS

from appliance.errors import Refused
from appliance.sources.accounts import ATTRIBUTES, Attributes
from appliance.sources.models import Source
from smtpfilter.mail.findings import visible

CONNECT_SECONDS = 5
ANSWER_SECONDS = 20  # for each page
READ_SECONDS = 120  # for all of it
PAGE_ENTRIES = 500
MOST_ENTRIES = 200_000

_PAGES = "1.2.840.113556.1.4.319"  # RFC 2696
_OF_CLASS = "@amavisAccount"  # all attributes of the class (RFC 4529), unknown ones too


def read_directory(source: Source) -> list[Attributes]:
    """Return the attributes of all entries that the source's filter finds.  Raises Refused."""
    deadline = time.monotonic() + READ_SECONDS
    found: list[Attributes] = []
    try:
        with _connect(source) as connection:
            for entry in _search(connection, source):
                found.append(_attributes(entry["raw_attributes"]))
                if len(found) > MOST_ENTRIES:
                    raise Refused(f"there are more than {MOST_ENTRIES} entries")
                if time.monotonic() > deadline:
                    raise Refused(f"not read within {READ_SECONDS} s")
    except (LDAPException, OSError, ValueError, KeyError) as error:
        raise Refused(f"{source.url}: {visible(str(error) or type(error).__name__, 500)}") from None
    return found


def _connect(source: Source) -> Connection:
    tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=source.ca_file or None)
    server = Server(source.url, connect_timeout=CONNECT_SECONDS, get_info=NONE, tls=tls)
    return Connection(
        server,
        user=source.bind_dn or None,
        password=_password(source) if source.bind_dn else None,
        auto_bind=AUTO_BIND_TLS_BEFORE_BIND if source.start_tls else AUTO_BIND_NO_TLS,
        receive_timeout=ANSWER_SECONDS,
        read_only=True,
        auto_referrals=False,
        check_names=False,
        raise_exceptions=True,
    )


def _search(connection: Connection, source: Source) -> Iterator[dict[str, Any]]:
    """Yield the entries, page by page.

    ldap3's own paged search takes an answer that a limit cut short for a whole one.
    """
    cookie = None
    while True:
        connection.search(
            search_base=source.base_dn,
            search_filter=source.filter,
            attributes=[*ATTRIBUTES, _OF_CLASS],
            paged_size=PAGE_ENTRIES,
            paged_criticality=True,
            paged_cookie=cookie,
        )
        result = connection.result
        if result["result"] != RESULT_SUCCESS:
            raise Refused(f"{source.url} answers {visible(result['description'], 100)}")
        for answer in connection.response or ():
            if answer["type"] == "searchResEntry":  # others are referrals, which are not followed
                yield answer
        cookie = result["controls"][_PAGES]["value"]["cookie"]
        if not cookie:
            return


def _attributes(raw: dict[str, list[bytes]]) -> Attributes:
    return {
        name.partition(";")[0].lower(): [value.decode("utf-8", "replace") for value in values]
        for name, values in raw.items()
    }


def _password(source: Source) -> str:
    """Return the first line of the password file; without a password a directory would bind
    everybody (RFC 4513 5.1.2).
    """
    try:
        lines = Path(source.password_file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        raise Refused(f"cannot read the password in {source.password_file!r}") from None
    if not lines or not lines[0]:
        raise Refused(f"{source.password_file} is empty: no password")
    return lines[0]
