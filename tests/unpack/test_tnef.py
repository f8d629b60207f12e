"""winmail.dat is opened: what Outlook packed into it is judged like any attachment."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from smtpfilter.mail.findings import Unchecked
from smtpfilter.policy.ban_sets import BUILT_IN
from smtpfilter.policy.banning import banned_paths
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents, Place
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.mime import Walk
from tests.unpack.packing import PE, tnef, zipped


def look(content: bytes, limits: Limits | None = None) -> Contents:
    contents = Contents(Budget(limits or Limits(), len(content)), lambda octets, place: None)
    contents.add(content, Place("1"), ("application/ms-tnef",), ("winmail.dat",))
    return contents


def test_attachments_become_parts() -> None:
    """BB-8, BB-12b."""
    opened = look(tnef(("x.exe", PE), ("größe.txt", b"words")))
    assert [part.nodes[-1] for part in opened.parts] == [
        (".exe", ".exe-ms", "x.exe"),
        (".asc", "größe.txt"),
    ]
    assert opened.parts[0].nodes[0] == ("application/ms-tnef", ".tnef", "winmail.dat")
    assert opened.unchecked == []


def test_an_archive_in_it_is_opened_too() -> None:
    (part,) = look(tnef(("a.zip", zipped(("x.exe", PE))))).parts
    assert part.path == "1.1.1"
    assert part.nodes[-1] == (".exe", ".exe-ms", "x.exe")


def test_it_is_banned_for_what_is_in_it_only() -> None:
    """The article's set bans winmail.dat itself, the set that Postern starts with opens it."""
    harmless = tuple(look(tnef(("a.txt", b"words"))).parts)
    assert not banned_paths(BUILT_IN["current"], harmless)
    assert banned_paths(BUILT_IN["article"], harmless)
    assert banned_paths(BUILT_IN["current"], tuple(look(tnef(("x.exe", PE))).parts))


@pytest.mark.parametrize("length", [20, 60, 150, 300])
def test_one_that_is_cut_off_is_told_or_read(length: int) -> None:
    opened = look(tnef(("x.exe", PE))[:length])
    assert opened.parts
    assert {remark.kind for remark in opened.unchecked} <= {"undecodable"}


def test_damage_is_told() -> None:
    broken = tnef() + struct.pack("<BHHI", 2, 0x8010, 7, 2) + b"xx\0\0" + bytes(20)
    opened = look(broken)  # an attachment's name before any attachment
    assert opened.unchecked == [Unchecked("undecodable", "part 1: its TNEF is damaged")]
    assert len(opened.parts) == 1


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (tnef(*[(str(number), b"") for number in range(30)]), "more than 20 TNEF attributes"),
        (tnef(("zeros", bytes(200_000))), "the unpacked content is too large"),
    ],
)
def test_it_has_its_limits(packed: bytes, words: str) -> None:
    """X-1, X-2."""
    limits = Limits(parts=20, free_bytes=100_000, content_bytes=100_000)
    assert look(packed, limits).unchecked == [Unchecked("limits", f"part 1: {words}")]


def test_samples_of_many_programs_are_read(
    corpus: Path, walk: Callable[..., Walk]
) -> None:  # fmt: skip
    for path in sorted((corpus / "tnef").glob("*.eml")):
        walked = walk(path.read_bytes())
        assert walked.unchecked == [], path.name
        assert all(".tnef" in part.nodes[1] for part in walked.parts[1:]), path.name
