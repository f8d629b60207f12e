"""What is shown of hostile mail: text only, bounded, whatever the structure claims."""

import pytest

from quarantine.preview import READ_BYTES, TEXT_CHARACTERS, preview


def _mail(body: bytes, content_type: str = "text/plain; charset=utf-8", more: bytes = b"") -> bytes:
    return (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: "
        + content_type.encode()
        + more
        + b"\r\n\r\n"
        + body
    )


BASE64 = b"\r\nContent-Transfer-Encoding: base64"
DEEP = b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n"


@pytest.mark.parametrize(
    ("content_type", "more", "body", "expected"),
    [
        ("text/plain; charset=utf-8", b"", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=iso-8859-1", b"", "Grüße".encode("latin-1"), "Grüße"),
        ("text/plain; charset=utf-8", BASE64, b"R3LDvMOfZQ==", "Grüße"),
        ("text/plain", b"\r\nContent-Transfer-Encoding: quoted-printable", b"a=20b=", "a b"),
        ("text/plain; charset=no-such-charset", b"", b"abc", "abc"),
        ("text/plain; charset=idna", b"", b"abc", "abc"),
        ("text/plain; charset=zlib", b"", b"abc", "abc"),
        ("text/plain; charset=utf-8", b"", b"a\x00b\x1b[31m", "a�b�[31m"),
        ("text/plain; charset=utf-8", b"", b"\xff\xfe", "��"),
    ],
)  # fmt: skip
def test_plain_text_is_decoded(content_type: str, more: bytes, body: bytes, expected: str) -> None:
    assert preview(_mail(body, content_type, more)).plain == (expected,)


def test_html_is_handed_over_as_source_text_and_attachments_are_not() -> None:
    octets = _mail(
        b"--x\r\nContent-Type: text/html\r\n\r\n<b>hi</b>\r\n"
        b"--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n"
        b"secret\r\n--x--\r\n",
        "multipart/mixed; boundary=x",
    )

    shown = preview(octets)

    assert shown.html == ("<b>hi</b>",)
    assert shown.plain == ()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/plain; charset=\x00\r\n\r\nx",
        b"Content-Transfer-Encoding: base64\r\n\r\n====",
        b"".join(DEEP % (n, n) for n in range(3000)),
        b"Content-Type: message/rfc822\r\n\r\n" * 3000,
    ],
    ids=["empty", "line", "text", "no boundary", "nul charset", "bad base64", "deep", "deep mails"],
)  # fmt: skip
def test_nothing_raises(octets: bytes) -> None:
    preview(octets)


def test_only_the_beginning_is_read_and_says_so() -> None:
    shown = preview(_mail(b"x" * (READ_BYTES + 1)))

    assert shown.cut
    assert len(shown.plain[0]) == TEXT_CHARACTERS


def test_the_header_section_is_shown_as_received() -> None:
    assert preview(b"Subject: a\r\n b\r\nX: \xff\r\n\r\nbody").headers == "Subject: a\n b\nX: �"
