"""The MIME tree: the parts with their types and names (B-1, B-2, B-6, reliability 3.3)."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import Unchecked, visible
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.mime import Walk

Walking = Callable[..., Walk]

PE = b"MZ" + b"\0" * 58 + b"\x40\0\0\0PE\0\0\x4c\x01" + b"\0" * 200


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "b") -> bytes:
    """Return an entity of `parts`, each a whole entity with its header section."""
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return head + body + b"--" + boundary.encode() + b"--\r\n"


def attachment(name: str, content: bytes, kind: str = "application/octet-stream") -> bytes:
    head = f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename={name}\r\n"
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return head.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded


def paths(walked: Walk) -> list[str]:
    return [part.banned_path for part in walked.parts]


def test_a_plain_message_is_one_part(walk: Walking) -> None:
    (part,) = walk(crlf("Subject: hello\n\nbody\n")).parts
    assert part.path == "1"
    assert part.nodes == (("text/plain", ".asc"),)
    assert part.size_bytes == 6
    assert part.sha256 == hashlib.sha256(b"body\r\n").hexdigest()
    assert part.short_types == (".asc",)


@pytest.mark.parametrize("octets", [b"", b"\r\n", b"\n", b"\0" * 2000, b"no colon\r\nanywhere"])
def test_odd_messages_are_one_part_and_nothing_unlookable(walk: Walking, octets: bytes) -> None:
    walked = walk(octets)
    assert len(walked.parts) == 1
    assert walked.unchecked == []


def test_every_leaf_stands_under_its_ancestors(walk: Walking) -> None:
    inner = multipart(b"\r\ntext", b"Content-Type: text/html\r\n\r\n<html>", kind="alternative")
    inner = inner.replace(b'"b"', b'"c"').replace(b"--b", b"--c")
    walked = walk(multipart(inner, attachment("x.exe", PE)))
    assert paths(walked) == [
        "multipart/mixed | multipart/alternative | text/plain,.asc",
        "multipart/mixed | multipart/alternative | text/html,.html",
        "multipart/mixed | application/octet-stream,.exe,.exe-ms,x.exe",
    ]
    assert [part.path for part in walked.parts] == ["1.1.1", "1.1.2", "1.2"]


def test_an_attached_message_is_opened(walk: Walking) -> None:
    """amavisd-new does not (B-11): an .exe in a forwarded mail was invisible to its rules."""
    forwarded = b"Content-Type: message/rfc822; name=mail.eml\r\n\r\n" + multipart(
        attachment("x.exe", PE), boundary="inner"
    )
    assert paths(walk(multipart(forwarded))) == [
        "multipart/mixed | message/rfc822,mail.eml | multipart/mixed"
        " | application/octet-stream,.exe,.exe-ms,x.exe"
    ]


def test_an_attached_message_is_opened_although_it_is_encoded(walk: Walking) -> None:
    inner = base64.encodebytes(multipart(attachment("x.exe", PE), boundary="inner"))
    head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert walk(head + inner).parts[0].name == "x.exe"


def test_parts_of_a_digest_are_messages_by_default(walk: Walking) -> None:
    digest = multipart(b"\r\nSubject: one\r\n\r\ntext\r\n", kind="digest")
    assert paths(walk(digest)) == ["multipart/digest | message/rfc822 | text/plain,.asc"]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_all_three_line_ends_make_the_same_parts(walk: Walking, end: str) -> None:
    """A lone CR or LF leaves as CRLF, so it has to be read as one."""
    text = "Content-Type: multipart/mixed;\n boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n"
    walked = walk(text.replace("\n", end).encode())
    assert [part.size_bytes for part in walked.parts] == [3, 3]


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        ("--b\n\none\n--b--\n", [3]),
        ("preamble\n--b\n\none\n--b--\nepilogue\n", [3]),
        ("--b\n\none", [3]),
        ("--b\n\none\n--b \t\n\ntwo\n--b--  \n", [3, 3]),
        ("--b\n\none --b\n--bc\n--b--\n", [13]),
        ("--b\n\n--b\n\n--b--\n", [0, 0]),
        ("--b\n--b--\n", [0]),
        ("--b--\n", [7]),
        ("nothing\n", [9]),
    ],
)
def test_delimiter_lines_are_told_from_lookalikes(
    walk: Walking, body: str, sizes: list[int]
) -> None:
    walked = walk(crlf("Content-Type: multipart/mixed; boundary=b\n\n" + body))
    assert [part.size_bytes for part in walked.parts] == sizes


def test_many_boundaries_of_other_multiparts_are_no_lookalikes(walk: Walking) -> None:
    """However many lines and boundaries there are: each line is looked up once."""
    inner = [f"b{number:05}" for number in range(20_000)]
    lines = [*(f"boundary={name}" for name in inner), *(f"--{name}" for name in inner)]
    body = "\n".join(["--b", "", "one", *lines, "--b--", ""])
    assert walk(crlf("Content-Type: multipart/mixed; boundary=b\n\n" + body)).unchecked == []


def test_a_multipart_without_parts_is_a_leaf_that_tells_both_types(walk: Walking) -> None:
    walked = walk(crlf("Content-Type: multipart/mixed\n\ntext\n"))
    assert paths(walked) == ["text/plain,multipart/mixed,.asc"]


@pytest.mark.parametrize(
    "field",
    [
        "Content-Type: multipart/mixed; boundary=b",
        "content-type:MULTIPART/MIXED;BOUNDARY=b",
        "Content-Type : multipart/mixed; boundary=b",
        'Content-Type: multipart/mixed;\n\tcharset=utf-8 ;\n boundary = "b"',
        "Content-Type: multipart/mixed; boundary=b;",
        "Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain",
        "Content-Type: multipart/mixed; boundary*=us-ascii''b",
        "Content-Type: multipart/mixed; boundary*0=b",
    ],
)
def test_spellings_of_the_boundary_are_understood(walk: Walking, field: str) -> None:
    walked = walk(crlf(field + "\n\n--b\n\none\n--b\n\ntwo\n--b--\n"))
    assert [part.path for part in walked.parts if part.path != "1"] == ["1.1", "1.2"]


@pytest.mark.parametrize("boundary", [b"\xe4", b"\xa0b\xa0", b"\x85", "ä".encode(), b"b\x1c"])
def test_a_boundary_is_taken_octet_by_octet(walk: Walking, boundary: bytes) -> None:
    mail = b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\none\r\n--B--\r\n"
    mail = mail.replace(b"B", boundary)
    assert walk(mail).parts[0].size_bytes == 3


@pytest.mark.parametrize(
    ("disposition", "names"),
    [
        ("filename=a.exe", ["a.exe"]),
        ('filename="a b.exe"', ["a b.exe"]),
        ("filename=a b.exe", ["a b.exe"]),
        (r'filename="a\"b.exe"', ['a"b.exe']),
        (r'filename="a\.ex\e"', [r"a\.ex\e", "a.exe"]),
        ('filename="a.\n exe"', ["a. exe", "a.exe"]),
        ("filename=a.exe; filename=b.exe", ["a.exe", "b.exe"]),
        ("filename*=utf-8''a%2Eexe", ["a.exe", "utf-8''a%2Eexe"]),
        ("filename*0*=utf-8''%61; filename*1*=.exe", ["a.exe", "utf-8''%61.exe"]),
        ("filename*0=a; filename*2=e; filename*1=.ex", ["a.exe", "ae.ex", "a"]),
        ("filename*1=.exe; filename*3=b", [".exeb"]),
        ("filename*=utf-8''a.txt; filename=b.exe", ["a.txt", "utf-8''a.txt", "b.exe"]),
        ('filename="=?utf-8?B?YS5leGU=?="', ["a.exe", "=?utf-8?B?YS5leGU=?="]),
        (
            'filename="=?utf-8?Q?a?= =?utf-8?Q?=2Eexe?="',
            ["a.exe", "=?utf-8?Q?a?= =?utf-8?Q?=2Eexe?="],
        ),
        ('filename="run\N{FULLWIDTH FULL STOP}exe"', ["run\N{FULLWIDTH FULL STOP}exe", "run.exe"]),
        (
            'filename="a\N{RIGHT-TO-LEFT OVERRIDE}.exe"',
            ["a\N{RIGHT-TO-LEFT OVERRIDE}.exe", "a.exe"],
        ),
        ('filename="=?rot13?Q?n.rkr?="', ["n.rkr", "=?rot13?Q?n.rkr?="]),
    ],
)
def test_names_are_told_decoded_and_raw(walk: Walking, disposition: str, names: list[str]) -> None:
    """B-2, M6; M13: character sets are looked up in a list, never as a codec of Python."""
    (part,) = walk(crlf(f"Content-Disposition: attachment; {disposition}\n\ntext\n")).parts
    assert list(part.nodes[-1][2:]) == names
    assert part.name == names[0]


def test_the_disposition_comes_before_the_type(walk: Walking) -> None:
    mail = "Content-Type: text/plain; name=b.txt\nContent-Disposition: inline; filename=a.txt\n\n"
    assert walk(crlf(mail)).parts[0].nodes[-1] == ("text/plain", ".empty", "a.txt", "b.txt")


@pytest.mark.parametrize(
    "filler", ["a" * 60_000, "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 999]
)
def test_a_long_name_keeps_its_end_where_the_type_stands(walk: Walking, filler: str) -> None:
    (part,) = walk(crlf(f'Content-Disposition: attachment; filename="{filler}.exe"\n\n')).parts
    assert all(name.endswith(".exe") and len(name) <= 1001 for name in part.nodes[-1][2:])


def test_declared_nonsense_is_shown_visibly(walk: Walking) -> None:
    mail = b'Content-Type: te\0xt/pl\x1bain; name="a\0b\xff"\r\n\r\n'
    for string in walk(mail).parts[0].nodes[-1]:
        assert visible(string) == string


@pytest.mark.parametrize(
    ("field", "kinds"),
    [
        ("base64", []),
        ("BASE64;", []),
        ("BASE64 (comment)", ["ambiguous"]),
        ('"base64"', ["ambiguous"]),
        ("8bit", []),
        ("x-gzip64", ["undecodable"]),
    ],
)
def test_an_unknown_transfer_encoding_is_told(walk: Walking, field: str, kinds: list[str]) -> None:
    walked = walk(crlf(f"Content-Transfer-Encoding: {field}\n\nTVqQ\n"))
    assert [item.kind for item in walked.unchecked] == kinds


def test_too_many_parts_end_the_walk_with_a_remark(walk: Walking) -> None:
    walked = walk(multipart(*[b"\r\nx"] * 50), Limits(parts=20))
    assert walked.unchecked == [Unchecked("limits", "more than 20 parts")]
    assert len(walked.parts) == 19


def test_too_deep_a_nest_is_a_leaf_and_the_others_are_still_seen(walk: Walking) -> None:
    nest = b"\r\ndeep"
    for number in range(60):
        nest = multipart(nest, boundary=f"n{number:02}")
    walked = walk(multipart(nest, attachment("x.exe", PE), boundary="outer"))
    assert walked.unchecked == [Unchecked("limits", "nested deeper than 14 levels")]
    assert walked.parts[-1].name == "x.exe"


def test_too_much_content_ends_the_walk_with_a_remark(walk: Walking) -> None:
    walked = walk(multipart(*[b"\r\n" + b"x" * 100] * 5), Limits(content_bytes=350))
    assert walked.unchecked == [Unchecked("limits", "the unpacked content is too large")]


def test_too_much_time_ends_the_walk_with_a_remark() -> None:
    times = iter(range(100))
    walked = Walk(Budget(Limits(seconds=5), 0, clock=lambda: next(times)))
    walked.message(multipart(*[b"\r\nx"] * 50))
    assert walked.unchecked == [Unchecked("limits", "not unpacked within 5 seconds")]
    assert len(walked.parts) == 2  # each is looked at twice: when it is met and when it is decoded


def test_an_endless_header_section_is_told(walk: Walking) -> None:
    walked = walk(b"X: y\r\n" * 300_000)
    assert [item.kind for item in walked.unchecked] == ["limits"]


FRAGMENTS = [
    b"\r\n",
    b"\n",
    b"\r",
    b"--b",
    b"--b--",
    b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Type: message/rfc822",
    b"Content-Transfer-Encoding: base64",
    b"Content-Disposition: x; filename*0*=utf-16''%ff;filename=\"=?utf-7?B?/?=",
    b"TVqQ",
]


@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=5), max_size=40))
def test_whatever_comes_there_are_parts_with_visible_strings(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    walked = Walk(Budget(Limits(), len(octets)))
    walked.message(octets)
    assert walked.parts or walked.unchecked
    for part in walked.parts:
        assert all(string == visible(string) for node in part.nodes for string in node)


# The corpus


@pytest.mark.parametrize("group", ["structure", "mime_fixtures", "mime_evasion", "smtp_raw", "ham"])
def test_mail_of_all_shapes_is_walked(walk: Walking, corpus: Path, group: str) -> None:
    for path in sorted((corpus / group).glob("*.eml")):
        walked = walk(path.read_bytes())
        assert walked.parts, path.name
        if group == "ham":
            assert walked.unchecked == [], path.name


@pytest.mark.parametrize(
    ("mail", "strings"),
    [
        ("gen_ext_invoice_pdf_exe", [".exe", ".exe-ms", "invoice.pdf.exe"]),
        ("gen_ext_shortcut_lnk", [".lnk", "shortcut.lnk"]),
        ("gen_ext_x_txt_bat", [".bat", "x.txt.bat"]),
        ("gen_ext_mach_bin", [".exe-unix"]),
        ("gen_ext_old_doc", [".cdf-ms", ".ole-macro"]),
        ("gen_name_clsid", ["readme.txt.{00021401-0000-0000-C000-000000000046}"]),
        ("gen_name_fullwidth", ["run.exe"]),
        ("gen_rfc822_exe", [".exe-ms", "deep.exe"]),
        ("gen_type_elf_as_txt", ["text/plain", ".exe-unix"]),
        ("gen_type_exe_as_pdf", ["application/pdf", ".exe-ms"]),
        ("gen_type_rtf_as_doc", ["application/msword", ".rtf", ".misnamed"]),
        ("gen_type_ole_as_rtf", ["application/rtf", ".cdf-ms", ".misnamed"]),
    ],
)
def test_what_a_ban_rule_needs_is_in_one_node(
    walk: Walking, corpus: Path, mail: str, strings: list[str]
) -> None:
    walked = walk((corpus / "banned" / f"{mail}.eml").read_bytes())
    nodes = [set(node) for part in walked.parts for node in part.nodes]
    assert any(set(strings) <= node for node in nodes)
