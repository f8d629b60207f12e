"""A real slapd of the distribution on free ports, with amavisd's attributes; all in one folder.

with Directory(tmp_path) as directory:
    directory.add("uid=ann", mail=["ann@example.com"], amavisVirusLover="TRUE")
    ... directory.url, directory.tls_url, directory.ca_file ...
"""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import ldap3
from ldap3.core.exceptions import LDAPException

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
READY_SECONDS = 20.0

BASE = "dc=example,dc=com"
ADMIN, PASSWORD = f"cn=admin,{BASE}", "a secret"

# P-10 and the attribute names of amavisd's LDAP schema, one that Postern has no use for included.
ATTRIBUTES = """
Local VirusLover SpamLover UncheckedLover BannedFilesLover BadHeaderLover BypassVirusChecks
BypassSpamChecks BypassBannedChecks BypassHeaderChecks VirusQuarantineTo SpamQuarantineTo
SpamTagLevel SpamTag2Level SpamTag3Level SpamKillLevel SpamDsnCutoffLevel SpamSubjectTag2
AddrExtensionVirus WarnVirusRecip NewVirusAdmin VirusAdmin MessageSizeLimit BannedRuleNames
ForwardMethod WhitelistSender BlacklistSender SaUserConf DisclaimerOptions
"""

_CONFIGURATION = """
modulepath /usr/lib/ldap
moduleload back_mdb
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include {folder}/amavis.schema
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
sizelimit {most}
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw "{password}"
directory {folder}/data
limits anonymous size.soft={most} size.hard={most} size.prtotal={most}
"""


class Directory:
    """`most`: entries that a search without the administrator's rights may find."""

    def __init__(self, folder: Path, *, most: str = "unlimited") -> None:
        self._folder = folder
        self._most = most
        self._process: subprocess.Popen[bytes] | None = None
        self.port, tls_port = _free_port(), _free_port()
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_url = f"ldaps://127.0.0.1:{tls_port}"
        self.ca_file = str(folder / "cert.pem")

    def __enter__(self) -> Self:
        (self._folder / "data").mkdir()
        (self._folder / "amavis.schema").write_text(_schema())
        configuration = _CONFIGURATION.format(
            folder=self._folder, base=BASE, admin=ADMIN, password=PASSWORD, most=self._most
        )
        (self._folder / "slapd.conf").write_text(configuration)
        _make_certificate(self._folder)
        self.start()
        with self._connect() as connection:
            connection.add(BASE, ["dcObject", "organization"], {"o": "Example"})
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        assert SLAPD, "slapd is not installed: apt install slapd"
        listen = f"{self.url} {self.tls_url}"
        with (self._folder / "log").open("wb") as log:
            command = [SLAPD, "-f", str(self._folder / "slapd.conf"), "-h", listen, "-d", "0"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                self._connect().unbind()
                return
            except LDAPException:
                said = (self._folder / "log").read_text(errors="replace")
                assert self._process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def add(self, name: str, **attributes: object) -> None:
        """Add an account below the base; `name` is like "uid=ann"."""
        with self._connect() as connection:
            connection.add(f"{name},{BASE}", ["account", "amavisAccount"], attributes)

    def change(self, name: str, **attributes: object) -> None:
        """Give attributes other values, none for []."""
        changes = {key: [(ldap3.MODIFY_REPLACE, value)] for key, value in attributes.items()}
        with self._connect() as connection:
            connection.modify(f"{name},{BASE}", changes)

    def remove(self, name: str) -> None:
        with self._connect() as connection:
            connection.delete(f"{name},{BASE}")

    def _connect(self) -> ldap3.Connection:
        server = ldap3.Server(self.url, get_info=ldap3.NONE)
        return ldap3.Connection(server, ADMIN, PASSWORD, auto_bind=True, raise_exceptions=True)


def _schema() -> str:
    lines = [
        f"attributetype ( 1.3.6.1.4.1.99999.1.{number} NAME 'amavis{name}'"
        " EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
        for number, name in enumerate(ATTRIBUTES.split())
    ]
    names = " $ ".join(f"amavis{name}" for name in ATTRIBUTES.split())
    lines.append(
        "objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'amavisAccount' SUP top AUXILIARY"
        f" MAY ( mail $ {names} ) )"
    )
    return "\n".join(lines) + "\n"


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=directory", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
