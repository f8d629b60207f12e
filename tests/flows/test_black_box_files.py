"""Attached files over real sockets, for each recipient by his own rules (B-1 to B-6, B-8, B-9, X-3;
BB-12 to BB-15).
"""

import zipfile
from io import BytesIO

import pytest

from tests.flows.black_box import BOB, CAROL, DAVE, Box
from tests.flows.mails import mail, with_file
from tests.unpack.packing import PE, written, zipped

HELD, DELIVERED = "250 2.7.0 ", "250 2.0.0 "


def encrypted(name: str) -> bytes:
    """Return a zip whose one member is marked as encrypted in both of its headers."""
    packed = bytearray(zipped((name, b"secret")))
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        central = archive.start_dir
    packed[6] |= 1
    packed[central + 8] |= 1
    return bytes(packed)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("letter.doc.exe", b"x", "letter.doc.exe"),
        ("card.{00020813-0000-0000-c000-000000000046}", b"x", "{00020813"),
        ("files.zip", zipped(("setup.exe", PE)), "files.zip | .exe,.exe-ms,setup.exe"),
        ("notes.txt", PE, ".exe,.exe-ms,notes.txt"),
        ("disc.iso", written("iso9660", ("SETUP.EXE", PE)), "SETUP.EXE"),
        ("secret.zip", encrypted("setup.exe"), "setup.exe"),
    ],
    ids=["double extension", "CLSID", "in zip", "renamed", "in iso", "name in encrypted zip"],
)
def test_programs_are_banned_however_they_are_wrapped(
    box: Box, name: str, content: bytes, found: str
) -> None:
    """BB-12, B-6: with the path to it."""
    assert box.send(with_file(name, content), BOB).startswith(HELD)
    assert (box.row(BOB)["category"], box.row(BOB)["outcome"]) == ("banned", "held")
    assert any(found in path for path in box.entry()["banned"])


@pytest.mark.parametrize(
    ("rules", "own", "reply"),
    [
        ((), "strict", HELD),
        ((r"!(?i)\.exe$", r"(?i)\.exe$"), "own", DELIVERED),  # the first that matches decides
        ((r"(?i)\.exe$", r"!(?i)\.exe$"), "own", HELD),
        ((r"!^\.zip$",), "+own", DELIVERED),  # an exception for a container covers its content
        ((r"!(?i)\.exe$",), "+own", DELIVERED),  # his own stand before the inherited ones
        ((r"(?i)\.txt$",), "+own", HELD),  # and those still count
        ((r"(?i)\.txt$",), "own", DELIVERED),  # without + they take their place
        ((), "", DELIVERED),
    ],
)
def test_the_first_rule_that_matches_decides(
    box: Box, rules: tuple[str, ...], own: str, reply: str
) -> None:
    """BB-13, B-3, B-4."""
    box.manage("banrules", "set", "strict", r"(?i)\.exe$")
    if rules:
        box.manage("banrules", "set", "own", *rules)
    box.set("example.com", "banned_rulenames=strict")
    box.set(BOB, f"banned_rulenames={own}")
    assert box.send(with_file("a.zip", zipped(("setup.exe", b"x"))), BOB).startswith(reply)


def test_each_recipient_has_his_own_rules(box: Box) -> None:
    """BB-13, B-9: one is strict, one loves such files, one does not have them looked for."""
    box.set(CAROL, "banned_files_lover=yes")
    box.set(DAVE, "bypass_banned_checks=yes")
    reply = box.send(with_file("setup.exe", PE), BOB, CAROL, DAVE)
    assert reply.endswith(", but 1 DISCARD")
    assert [box.got(address) for address in (BOB, CAROL, DAVE)] == [False, True, True]
    assert "BANNED" in (box.copy(CAROL).first("X-Amavis-Alert") or "")
    assert box.copy(DAVE).first("X-Amavis-Alert") is None


@pytest.mark.parametrize("names", ["current", "article"])
@pytest.mark.parametrize(
    "kind", ["message/partial; id=1; number=1; total=2", "message/external-body; access-type=url"]
)
def test_mail_whose_content_is_elsewhere_is_banned(box: Box, names: str, kind: str) -> None:
    """BB-14, B-8."""
    box.set("example.com", f"banned_rulenames={names}")
    assert box.send(mail(MIME_Version="1.0", Content_Type=kind), BOB).startswith(HELD)
    assert box.row(BOB)["category"] == "banned"
    box.set("example.com", "banned_rulenames=debian", "unchecked_destiny=pass")
    assert box.send(mail(MIME_Version="1.0", Content_Type=kind), BOB).startswith(DELIVERED)


def test_what_is_encrypted_is_unchecked_and_policy_says_what_that_means(box: Box) -> None:
    """BB-15, X-3: held at first, passed with a mark where the policy says so, as amavisd does."""
    sent = with_file("letters.zip", encrypted("letter.txt"))
    assert box.send(sent, BOB).startswith(HELD)
    assert (box.row(BOB)["category"], box.row(BOB)["outcome"]) == ("unchecked", "held")
    box.set(BOB, "unchecked_encrypted_destiny=pass", "unchecked_subject_tag=***UNCHECKED*** ")
    assert box.send(sent, BOB).startswith(DELIVERED)
    assert box.copy(BOB).subject == "***UNCHECKED*** A file"


TWO_PARTS = "--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n"
INNER = "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Content_Type": "multipart/mixed; boundary=b; boundary=c"}, TWO_PARTS),
        ({"Content_Type": "text/plain", "Content-type": "multipart/mixed; boundary=b"}, TWO_PARTS),
        ({"Content_Transfer_Encoding": "7bit", "Content-transfer-encoding": "base64"}, "dGV4dA=="),
        ({"Content_Type": "text/plain; name=a.txt; name=a.csv"}, "text"),
        (
            {"Content_Type": "multipart/mixed; boundary=b"},
            f"Content-Type: text/html\r\n\r\n<p>\r\n{TWO_PARTS}",
        ),
        ({"Content_Type": "multipart/mixed; boundary=b"}, INNER + TWO_PARTS),
    ],
    ids=["boundary", "type", "encoding", "name", "preamble", "nested"],
)
def test_what_programs_read_differently_is_held_even_where_viruses_are_not_looked_for(
    box: Box, fields: dict[str, str], text: str
) -> None:
    """BB-18, CVE-2024-28054: to bypass the virus check is no wish to get such mail."""
    box.set(CAROL, "bypass_virus_checks=yes", "bypass_banned_checks=yes")
    sent = mail(text, MIME_Version="1.0", **fields)
    assert box.send(sent, BOB, CAROL).startswith(HELD)
    for address in (BOB, CAROL):
        row = box.row(address)
        assert (row["category"], row["outcome"]) == ("unchecked", "held")
