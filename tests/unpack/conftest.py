"""What the tests of unpacking share."""

from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents, Place
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.mime import Walk


@pytest.fixture
def walk() -> Callable[..., Walk]:
    """Return a function that walks a message in this process."""

    def walk(octets: bytes, limits: Limits | None = None) -> Walk:
        walked = Walk(Budget(limits or Limits(), len(octets)))
        walked.message(octets)
        return walked

    return walk


@pytest.fixture
def spooled(tmp_path: Path) -> Callable[[bytes], SpooledMail]:
    """Return a function that puts octets into a spool file."""

    def spool(octets: bytes) -> SpooledMail:
        path = tmp_path / "message"
        path.write_bytes(octets)
        return SpooledMail(octets, "", path, tmp_path)

    return spool


@pytest.fixture
def look() -> Callable[..., Contents]:
    """Return a function that looks into a content by a name, as part 1 of a message."""

    def look(content: bytes, name: str = "a.dat", limits: Limits | None = None) -> Contents:
        contents = Contents(Budget(limits or Limits(), len(content)), lambda octets, place: None)
        contents.add(content, Place("1"), (), (name,))
        return contents

    return look


@pytest.fixture
def office(corpus: Path) -> Callable[[str], bytes]:
    """Return a function that takes a document out of the test mail."""

    def office(name: str) -> bytes:
        mail = message_from_bytes((corpus / "office" / f"{name}.eml").read_bytes())
        (document,) = [part for part in mail.walk() if part.get_filename()]
        payload = document.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload

    return office
