"""Archives that lie, explode or are changed at random: told, bounded, and never an escape."""

import struct
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpfilter.mail.findings import Unchecked, visible
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.contents import Contents, Place
from smtpfilter.unpack.limits import Budget
from tests.unpack.packing import PE, packed_only, written, zipped

Looking = Callable[..., Contents]

EVIL = ("x.exe", PE)


def kinds(contents: Contents) -> set[str]:
    return {remark.kind for remark in contents.unchecked}


# What lies


def test_a_member_goes_by_all_its_names(look: Looking) -> None:
    """CVE-2004-1096: the directory and the member's own header name it differently."""
    packed = zipped(EVIL).replace(b"x.exe", b"x.txt", 1)
    (part,) = look(packed).parts
    assert {"x.txt", "x.exe"} <= set(part.nodes[1])


def test_sizes_that_lie_hide_nothing(look: Looking) -> None:
    """CVE-2004-1096: a size of zero in the directory or in the member's own header."""
    for signature, offset in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
        packed = bytearray(zipped(EVIL))
        at = packed.find(signature) + offset
        packed[at : at + 8] = bytes(8)
        opened = look(bytes(packed))
        assert any(".exe-ms" in part.nodes[-1] for part in opened.parts) or opened.unchecked


@pytest.mark.parametrize("name", ["x.exe", "a.txt"])
def test_a_member_that_the_directory_leaves_out_is_found(look: Looking, name: str) -> None:
    """Also one that hides behind the name of a member in the directory."""
    hidden = zipped((name, PE))
    open_one = zipped(("a.txt", b"words"))
    packed = bytearray(hidden[: hidden.find(b"PK\x01\x02")] + open_one)
    end = packed.rfind(b"PK\x05\x06")
    start = packed.rfind(b"PK\x01\x02")
    struct.pack_into("<I", packed, end + 16, start)
    struct.pack_into("<I", packed, start + 42, hidden.find(b"PK\x01\x02"))
    opened = look(bytes(packed))
    assert any(".exe-ms" in part.nodes[-1] for part in opened.parts)
    assert kinds(opened) == {"ambiguous"}


HOSTILE_NAMES = [
    "../../etc/x.exe",
    "/etc/passwd",
    "C:\\x.exe",
    "\\\\host\\share",
    "a\nb",
    "-rf",
    "$(id)",
    "x" * 60_000 + ".exe",
    "\u202egnp.exe",
    "same",
    "same",
    "SAME",
]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("pack", [zipped, lambda *members: written("pax", *members)])
def test_names_are_text_and_nothing_is_written(
    look: Looking,
    pack: Callable[..., bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """X-4, Z5."""
    monkeypatch.chdir(tmp_path)
    opened = look(pack(*[(name, b"content") for name in HOSTILE_NAMES]))
    assert len(opened.parts) == len(HOSTILE_NAMES)
    assert opened.unchecked == []
    assert list(tmp_path.iterdir()) == []
    for part in opened.parts:
        assert all(string == visible(string) and len(string) <= 1000 for string in part.nodes[1])


@pytest.mark.parametrize("octets", [b"a\0b.exe", b"\xff\xfe.exe", b"\xed\xa0\x80.exe"])
def test_names_that_are_no_text_become_text(look: Looking, octets: bytes) -> None:
    packed = zipped(("1" * len(octets), PE)).replace(b"1" * len(octets), octets)
    (part,) = look(packed).parts
    assert all(string == visible(string) for string in part.nodes[1])
    assert any(string.startswith(".exe") for string in part.nodes[1])


def test_links_and_devices_are_names_without_content(look: Looking) -> None:
    """X-4: a symbolic link is never followed, a fifo never opened."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, kind in (
            ("link.exe", tarfile.SYMTYPE),
            ("fifo", tarfile.FIFOTYPE),
            ("device", tarfile.CHRTYPE),
            ("folder", tarfile.DIRTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    opened = look(packed.getvalue())
    assert [(part.name, part.size_bytes) for part in opened.parts] == [
        ("link.exe", 0),
        ("fifo", 0),
        ("device", 0),
    ]


# What explodes

SMALL = Limits(parts=20, free_bytes=100_000, content_bytes=100_000)


def nested(levels: int, name: str, content: bytes) -> bytes:
    for level in range(levels):
        content, name = zipped((name, content)), f"{level}.zip"
    return content


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        (zipped(("zeros", bytes(1_000_000))), "part 1: the unpacked content is too large"),
        (packed_only(bytes(1_000_000), "gzip"), "part 1: the unpacked content is too large"),
        (packed_only(bytes(1_000_000), "xz"), "part 1: the unpacked content is too large"),
        (zipped(*[(str(number), b"") for number in range(30)]), "part 1: more than 20 parts"),
        (nested(20, "x.exe", PE), "nested deeper than 14 levels"),
    ],
    ids=["zip", "gzip", "xz", "many", "deep"],
)
def test_a_bomb_ends_at_its_limit(look: Looking, packed: bytes, text: str) -> None:
    """X-1, X-2, BB-16; a zip that holds itself is one nested without end (Z2)."""
    opened = look(packed, limits=SMALL)
    assert opened.unchecked == [Unchecked("limits", text)]
    assert opened.parts


@pytest.mark.parametrize(
    "bomb",
    [
        zipped(("zeros", bytes(1_000_000))),
        zipped(*[(str(number), b"") for number in range(30)]),
        nested(20, "a", b"b"),
    ],
    ids=["bytes", "members", "levels"],
)
def test_what_comes_after_a_bomb_is_still_looked_into(look: Looking, bomb: bytes) -> None:
    """X-2, BB-16b: amavisd-new sees nothing of evil.zip behind 1,600 members."""
    opened = look(zipped(("bomb.zip", bomb), ("evil.zip", zipped(EVIL))), limits=SMALL)
    assert kinds(opened) == {"limits"}
    assert opened.parts[-1].nodes[-1] == (".exe", ".exe-ms", "x.exe")


def test_many_bombs_together_end_too(look: Looking) -> None:
    """X-1: a tree of zips, each of them within its limits."""
    leaf = zipped(("zeros", bytes(90_000)))
    tree = zipped(*[(f"{number}.zip", leaf) for number in range(19)])
    opened = look(tree, limits=SMALL)
    assert kinds(opened) == {"limits"}
    assert sum(part.size_bytes for part in opened.parts) <= 4 * SMALL.content_bytes


def test_too_little_memory_ends_one_container(
    look: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-2."""

    def greedy(*args: object, **names: object) -> None:
        raise MemoryError

    monkeypatch.setattr("smtpfilter.unpack.zips.replace", greedy)
    opened = look(written("ustar", ("a.zip", zipped(EVIL)), EVIL))
    assert opened.unchecked == [Unchecked("limits", "part 1.1: unpacking it takes too much memory")]
    assert opened.parts[-1].nodes[-1] == (".exe", ".exe-ms", "x.exe")


def test_many_troubles_of_one_kind_do_not_hide_another(look: Looking) -> None:
    """X-3: each kind may have a destiny of its own."""
    broken = [(f"{number}.7z", b"7z\xbc\xaf'\x1c\0\x04" + bytes(30)) for number in range(150)]
    opened = look(zipped(*broken, ("a.asc", b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n")))
    assert kinds(opened) == {"undecodable", "encrypted"}
    assert len(opened.unchecked) == 101


def test_endless_names_end(look: Looking) -> None:
    """P6: the parts of a message are recorded, so their strings are bounded all together."""
    packed = zipped(*[(f"{number}/" + "x" * 2000, b"") for number in range(1000)])
    for level in range(10):
        packed = zipped(("y" * 2000 + f"{level}.zip", packed))
    opened = look(packed, limits=Limits())
    assert Unchecked("limits", "the names of its parts are too long") in [
        Unchecked(remark.kind, remark.text.partition(": ")[2]) for remark in opened.unchecked
    ]
    strings = [string for part in opened.parts for node in part.nodes for string in node]
    assert sum(map(len, strings)) <= 4_000_000


def test_a_hole_in_a_sparse_file_counts_as_content(look: Looking) -> None:
    """Z6: a tar may promise a petabyte."""
    packed = BytesIO()
    member = tarfile.TarInfo("sparse")
    member.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "sparse",
        "GNU.sparse.map": f"{10**14},1",
        "GNU.sparse.size": str(10**14 + 1),
    }
    member.size = 1
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, BytesIO(b"x"))
    assert kinds(look(packed.getvalue(), limits=SMALL)) == {"limits"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_octet_changed_at_random_does_harm(data: st.DataObject) -> None:
    """Z8: whatever comes, there is a part or a remark, and all strings can be stored."""
    packed = bytearray(
        data.draw(
            st.sampled_from(
                [zipped(EVIL, ("b", b"c")), written("7zip", EVIL), written("cpio_newc", EVIL)]
            )
        )
    )
    for position in data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=8)):
        packed[position] = data.draw(st.integers(0, 255))
    contents = Contents(Budget(Limits(), len(packed)), lambda octets, place: None)
    contents.add(bytes(packed), Place("1"), (), ("a.zip",))
    assert contents.parts or contents.unchecked
    for part in contents.parts:
        assert all(string == visible(string) for node in part.nodes for string in node)
