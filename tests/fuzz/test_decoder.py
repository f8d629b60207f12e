"""Whatever comes in a mail, unpacking ends with parts and remarks: no exception, nothing that
Postgres would refuse, no more than the limits allow.  A parser's exception would be told as
"failed"; here it fails the test.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given

from appliance.stack import samples
from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import visible
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Limits
from smtpfilter.ports.unpacking import Unpacked
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.mime import Walk
from smtpfilter.unpack.worker import Unpacker
from tests.fuzz.conftest import fuzzing
from tests.fuzz.mutations import mutated, tokens_of_mail

LIMITS = Limits(
    levels=8, parts=200, content_bytes=4_000_000, ratio=100, free_bytes=1_000_000, seconds=5.0
)
STRUCTURED = ("archive", "archive_formats", "banned", "encrypted", "mime_evasion", "office",
              "structure", "tnef", "virus")  # fmt: skip
LONGEST_SEED = 40_000  # octets


@cache
def seeds() -> list[bytes]:
    """Return mails with structure: our own small set, and the test mail where it is at hand."""
    folder = samples.find("", os.environ)
    ours = [sample.octets for sample in samples.generated()]
    theirs = [] if folder is None else [
        sample.octets
        for sample in samples.read(folder)
        if sample.group in STRUCTURED and len(sample.octets) <= LONGEST_SEED
    ]  # fmt: skip
    return ours + theirs


def assert_sane(found: Unpacked) -> None:
    """Every text can be stored and shown, and nothing is said to have failed."""
    assert len(found.parts) <= (Budget.CONTAINERS_TOGETHER + 1) * LIMITS.parts
    assert "failed" not in {item.kind for item in found.unchecked}
    for text in _texts([asdict(part) for part in found.parts]):
        assert text == visible(text)
    for item in found.unchecked:
        assert item.text == visible(item.text)
    json.dumps([asdict(part) for part in found.parts]).encode()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


@fuzzing(300)
@given(mutated(seeds(), tokens_of_mail()))
def test_the_decoder_ends_with_parts_and_remarks(octets: bytes) -> None:
    """In this process, so that the place of a fault is told."""
    walk = Walk(Budget(LIMITS, len(octets)))
    walk.message(octets)
    assert_sane(Unpacked(tuple(walk.parts), tuple(walk.unchecked)))


@pytest.fixture(scope="module")
def unpacker() -> Iterator[Unpacker]:
    unpacker = Unpacker(FilterConfig())
    unpacker.start()
    yield unpacker
    unpacker.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@fuzzing(100)
@given(octets=mutated(seeds(), tokens_of_mail()))
def test_the_parent_outlives_what_children_meet(
    unpacker: Unpacker, folder: Path, octets: bytes
) -> None:
    """In children with all their limits, part files included: what kills a library kills only
    them, and even that is a fault to be known.
    """
    path = folder / "message"
    path.write_bytes(octets)
    assert_sane(unpacker.unpack(SpooledMail(octets, "", path, folder), LIMITS))
