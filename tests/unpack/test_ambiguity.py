"""Structure that programs read differently: told, read in every way (reliability 3.3, BB-18)."""

import base64
import quopri
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.stack import samples
from smtpfilter.mail.findings import UncheckedKind
from smtpfilter.policy.site import Limits
from smtpfilter.unpack.files import PartFiles
from smtpfilter.unpack.limits import Budget
from smtpfilter.unpack.mime import Walk
from tests.flows.mails import EICAR as TEXT
from tests.unpack.test_mime import crlf

Walking = Callable[..., Walk]

EICAR = TEXT.encode()
CODED = base64.encodebytes(EICAR).decode()
FILE = f"Content-Type: application/x-a; name=a.com\nContent-Transfer-Encoding: base64\n\n{CODED}"
PARTS = f"--b\n\ntext\n--b\n{FILE}--b--\n"


def kinds(walked: Walk) -> set[UncheckedKind]:
    return {remark.kind for remark in walked.unchecked}


def found(octets: bytes, folder: Path) -> bool:
    """Tell whether a scanner sees EICAR, in the message or in a file of its parts."""
    files = PartFiles(folder, Limits().content_bytes, all_files=True)
    Walk(Budget(Limits(), len(octets)), files).message(octets)
    return EICAR in octets or any(EICAR in file.path.read_bytes() for file in files.written)


TYPE = "Content-Type: multipart/mixed; boundary"

TOLD_AND_FOUND = {
    "M1 two boundaries, the first is used": f"{TYPE}=b; boundary=c\n\n{PARTS}",
    "M1 two boundaries, the last is used": f"{TYPE}=c; boundary=b\n\n{PARTS}",
    "M1 boundary in other case": f"{TYPE}=c; BOUNDARY=b\n\n{PARTS}",
    "M1 boundary and boundary*": f"{TYPE}=c; boundary*=us-ascii''b\n\n{PARTS}",
    "M1 boundary in double pieces": f"{TYPE}*0=x; boundary*0=b\n\n{PARTS}",
    "M1 boundary in pieces out of order": f"{TYPE}*1=c; boundary*0=b\n\n{PARTS}",
    "M1 no semicolon": f"Content-Type: multipart/mixed boundary=b\n\n{PARTS}",
    "M1 comment": f"{TYPE}=b(comment)\n\n{PARTS}",
    "M1 escaped": f'{TYPE}="\\b"\n\n{PARTS}',
    "M1 quotes that do not close": f'{TYPE}="b\n\n{PARTS}',
    "M1 NUL in the boundary": f"{TYPE}=b\0c\n\n{PARTS}",
    "M1 8-bit boundary": f"{TYPE}=\xe4\n\n{PARTS}".replace("--b", "--\xe4"),
    "M1 empty boundary": f'{TYPE}=""\n\n{PARTS}'.replace("--b", "--"),
    "M1 boundary of blanks": f'{TYPE}=" "\n\n{PARTS}'.replace("--b", "-- "),
    "M1 71 characters": f"{TYPE}={'b' * 71}\n\n{PARTS}".replace("--b", "--" + "b" * 71),
    "M1 2049 characters": f"{TYPE}={'b' * 2049}\n\n{PARTS}".replace("--b", "--" + "b" * 2049),
    "M1 trailing blank": f'{TYPE}="b "\n\n{PARTS}',
    "M1 the parent's": f"{TYPE}=b\n\n--b\n{TYPE}=b\n\n{PARTS}",
    "M1 more after it": f"{TYPE}=b\n\n{PARTS}".replace("--b\n", "--b more\n"),
    "M1 a control character after it": f"{TYPE}=b\n\n{PARTS}".replace("--b\n", "--b\v\n"),
    "M1 none": f"Content-Type: multipart/mixed\n\n{PARTS}",
    "M1 of no multipart": f"Content-Type: ultipart/mixed; boundary=b\n\n{PARTS}",
    "M2 two types": f"Content-Type: text/plain\n{TYPE}=b\n\n{PARTS}",
    "M2 two types, the last is text": f"{TYPE}=b\nContent-Type: text/plain\n\n{PARTS}",
    "M2 two encodings": f"Content-Transfer-Encoding: 7bit\n{FILE}",
    "M2 an empty encoding": f"Content-Transfer-Encoding:\n{FILE}",
    "M2 two versions": f"MIME-Version: 1.0\nMIME-Version: 3\n{FILE}",
    "M2 version 2.0": f"MIME-Version: 2.0\n{FILE}",
    "M2 two dispositions": "Content-Disposition: attachment; filename=a.txt\n"
    f"Content-Disposition: attachment; filename=b.exe\n{FILE}",
    "M3 blank before the colon": FILE.replace("Encoding:", "Encoding :"),
    "M3 tab before the colon": f"{TYPE}=b\n\n{PARTS}".replace("Type:", "Type\t:", 1),
    "M3 NUL before the colon": FILE.replace("Encoding:", "Encoding\0:"),
    "M3 blank before the name": FILE.replace("Content-Tr", " Content-Tr"),
    "M3 no colon": FILE.replace("Encoding:", "Encoding"),
    "M3 lone CR before it": f"X-Foo: bar\r{FILE}",
    "M3 a line of blanks in a field": f"Content-Type: application/x-a;\n \n{FILE}",
    "M3 a line that is no field": f"no field\n{FILE}",
    "M3 UTF-8 BOM first": f"\ufeffSubject: x\n{FILE}",
    "M3 a delimiter in the header section": f"{TYPE}=b\n--b--\n\n{PARTS}",
    "M4 padding in between": FILE.replace(CODED, "WDVP=IVAlQEFQWz\n" + CODED[14:]),
    "M4 each line padded": FILE.replace(
        CODED, "".join(base64.encodebytes(EICAR[n : n + 7]).decode() for n in range(0, 68, 7))
    ),
    "M4 text before": FILE.replace(CODED, f"This is base64:\n{CODED}"),
    "M4 junk in between": FILE.replace(CODED, "_".join(CODED.strip())),
    "M4 another group before": FILE.replace(CODED, f"ABC\n\n{CODED}"),
    "M4 two encodings in one": FILE.replace("base64\n", "base64 7bit\n"),
    "M4 a comment": FILE.replace("base64\n", "base64 (really)\n"),
    "M4 quotes": FILE.replace("base64\n", '"base64"\n'),
    "M4 an encoded word": FILE.replace("base64\n", "=?utf-8?B?YmFzZTY0?=\n"),
    "M5 broken escapes in a file": "Content-Type: application/x-a\n"
    f"Content-Transfer-Encoding: quoted-printable\n\n=G0{quopri.encodestring(EICAR).decode()}",
    "M7 an encoded multipart": f"Content-Transfer-Encoding: base64\n{TYPE}=b\n\n"
    + base64.encodebytes(PARTS.encode()).decode(),
    "M8 parts after the last delimiter": f"{TYPE}=b\n\n--b\n\ntext\n--b--\n{PARTS}",
    "M8 a part in the preamble": f"{TYPE}=b\n\n{FILE}\n--b\n\ntext\n--b--\n",
    "M8 a part in the epilogue": f"{TYPE}=b\n\n--b\n\ntext\n--b--\n\n{FILE}",
    "M8 parts of another boundary": f"{TYPE}=c\n\n{PARTS}--c\n\ntext\n--c--\n",
    "M8 no empty line": FILE.replace("base64\n\n", "base64\n"),
}


@pytest.mark.parametrize("mail", TOLD_AND_FOUND.values(), ids=TOLD_AND_FOUND.keys())
def test_what_programs_read_differently_is_told_and_read_in_all_ways(
    walk: Walking, tmp_path: Path, mail: str
) -> None:
    """M1 to M5, M7, M8; CVE-2024-28054."""
    octets = mail.encode("latin-1", "ignore") if "\xe4" in mail else crlf(mail)
    assert "ambiguous" in kinds(walk(octets)) <= {"ambiguous", "undecodable"}
    assert found(octets, tmp_path)


TOLD = {
    "M4 unknown encoding": ("undecodable", FILE.replace("base64\n", "x-base64\n")),
    "M6 names end differently": (
        "ambiguous",
        f"Content-Disposition: attachment; filename=a.txt\n{FILE}",
    ),
    "M6 a piece of a name is missing": (
        "ambiguous",
        f"Content-Disposition: attachment; filename*0=a; filename*2=.com\n{FILE}",
    ),
    "M7 message/partial": ("ambiguous", f"Content-Type: message/partial; id=1\n\n{FILE}"),
    "M7 message/external-body": ("ambiguous", f"Content-Type: message/external-body\n\n{FILE}"),
}


@pytest.mark.parametrize(("kind", "mail"), TOLD.values(), ids=TOLD.keys())
def test_what_cannot_be_seen_in_full_is_told(walk: Walking, kind: UncheckedKind, mail: str) -> None:
    assert kinds(walk(crlf(mail))) == {kind}


FINE = {
    "no last delimiter": f"{TYPE}=b\n\n{PARTS}".removesuffix("--b--\n"),
    "text before and after": f"{TYPE}=b\n\nThis is a message in MIME format.\n{PARTS}bye\n",
    "the last delimiter twice": f"{TYPE}=b\n\n{PARTS}\n--b--\n",
    "no version": f"{TYPE}=b\n\n{PARTS}",
    "the version twice": f"MIME-Version: 1.0\nMIME-Version: 1.0 (by hand)\n{TYPE}=b\n\n{PARTS}",
    "the type twice": f"Content-Type: text/plain\nContent-Type: text/plain;charset=x\n\n{CODED}",
    "two words for no encoding": "Content-Transfer-Encoding: 7bit\n"
    "Content-Transfer-Encoding: 8bit\n\ntext\n",
    "blanks around =": f'Content-Type: multipart/mixed; boundary = "b"\n\n{PARTS}',
    "a semicolon at the end": f"{TYPE}=b;\n\n{PARTS}",
    "a folded field": f"{TYPE}=\n b\n\n{PARTS}".replace("mixed; ", "mixed;\n\t"),
    "an unquoted =": f"{TYPE}==_b=c\n\n{PARTS}".replace("--b", "--=_b=c"),
    "a blank in the boundary": f'{TYPE}="=_b c="\n\n{PARTS}'.replace("--b", "--=_b c="),
    "another multipart's longer boundary": f"{TYPE}=b\n\n--b\n{TYPE}=b.1\n\n"
    + PARTS.replace("--b", "--b.1")
    + "--b--\n",
    "8-bit name": "Content-Disposition: attachment; filename=\xe4.com\n" + FILE,
    "a name in two ways": "Content-Disposition: attachment; filename*=utf-8''a%2Ecom;"
    f' filename="=?utf-8?Q?a=2Ecom?="\n{FILE}',
    "a name that is cut": f"Content-Disposition: attachment; filename=a.comma\n{FILE}",
    "a line of blanks in the subject": f"Subject: hello\n \n{FILE}",
    "an mbox line": f"From me@example.com Mon Jan 1\n{FILE}",
    "names of fields in a signature": f"DKIM-Signature: h=From:\n Content-Type:Date;\n{FILE}",
    "lines of odd length": FILE.replace(
        CODED, "\n".join(re.findall(".{1,7}", CODED.replace("\n", "")))
    ),
    "base64 in one line": FILE.replace(CODED, CODED.replace("\n", "")),
    "text after base64": FILE + "\n______\nA list that adds its footer to every message\n",
    "base64 that is cut": FILE[:-3],
    "broken escapes in a text": "Content-Type: text/html\n"
    "Content-Transfer-Encoding: quoted-printable\n\n<a href=x>100%=</a> = yes\n",
    "an encoding on a multipart": "Content-Transfer-Encoding: quoted-printable\n"
    f"{TYPE}=b\n\n{PARTS}",
    "an encoded attached message": "Content-Type: message/rfc822\n"
    f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(FILE.encode()).decode()}",
    "a mail quoted in a text": f"Subject: returned\n\n> see below\n{TYPE}=b\n\n{PARTS}",
    "signed text": "Content-Type: text/plain\n\n-- \nme\n--\nyou\n",
}


@pytest.mark.parametrize("mail", FINE.values(), ids=FINE.keys())
def test_what_mailers_do_is_no_ambiguity(walk: Walking, mail: str) -> None:
    assert walk(crlf(mail)).unchecked == []


def test_names_of_every_reading_are_there_for_ban_rules(walk: Walking) -> None:
    """BB-18, M6: whatever program opens the mail."""
    walked = walk(
        crlf(
            "Content-Type: text/plain; name=a.txt; name=b.exe\n"
            "Content-Type: text/html; name=c.scr\n"
            "Content-Disposition: inline; filename=d.pif\n"
            "Content-Disposition: inline; filename=e.com\n\ntext\n"
        )
    )
    (part,) = walked.parts
    assert {"a.txt", "b.exe", "c.scr", "d.pif", "e.com"} <= set(part.nodes[-1])
    assert {"text/plain", "text/html"} <= set(part.nodes[-1])


@pytest.mark.parametrize(
    "name", ["a.exe.", "a.exe. ", "a.exe::$DATA", "a.exe%00.txt", "x/a.exe.", "a .exe"]
)
def test_a_name_is_told_as_it_is_saved(walk: Walking, name: str) -> None:
    """M6."""
    (part,) = walk(crlf(f'Content-Disposition: attachment; filename="{name}"\n\ntext\n')).parts
    assert "a.exe" in part.nodes[-1]


def test_clean_mail_has_one_reading(walk: Walking, tmp_path: Path) -> None:
    octets = crlf(f"{TYPE}=b\n\n{PARTS}")
    files = PartFiles(tmp_path, 1000, all_files=False)
    walked = Walk(Budget(Limits(), len(octets)), files)
    walked.message(octets)
    assert [part.path for part in walked.parts] == ["1.1", "1.2"]
    assert files.written == []


def test_many_readings_end(walk: Walking) -> None:
    """M11: a nest in which each level is read in several ways."""
    inner = FILE
    for number in range(12):
        head = f"{TYPE}=b{number}; boundary=c{number}\n\n"
        parts = [f"--{x}{number}\n{inner}\n--{x}{number}--\n" for x in "bc"]
        inner = head + "".join(parts)
        if len(inner) > 200_000:
            break
    assert "ambiguous" in kinds(walk(crlf(inner)))


MUTABLE = [crlf(mail) for mail in (*TOLD_AND_FOUND.values(), *FINE.values())]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MUTABLE), st.data())
def test_no_mutation_raises(octets: bytes, data: st.DataObject) -> None:
    """Whatever comes is walked, and every remark is a sentence that can be stored."""
    position = data.draw(st.integers(0, len(octets)))
    length = data.draw(st.integers(0, 20))
    piece = data.draw(st.binary(max_size=6) | st.sampled_from([b"\r", b"\n", b"\0", b"--b", b"="]))
    mutated = octets[:position] + piece + octets[position + length :]
    walked = Walk(Budget(Limits(), len(mutated)))
    walked.message(mutated)
    assert walked.parts


# The test mail


def test_no_wanted_mail_is_ambiguous(walk: Walking, corpus: Path) -> None:
    told = [
        path.name
        for path in sorted((corpus / "ham").glob("*.eml"))
        if walk(path.read_bytes()).unchecked
    ]
    assert told == []


def test_nothing_passes_in_silence(walk: Walking, corpus: Path, tmp_path: Path) -> None:
    """What is in the mail is found; where programs disagree, it is found or told."""
    silent = []
    for sample in samples.read(corpus):
        if sample.group != "mime_evasion" or sample.eicar not in ("yes", "ambiguous"):
            continue
        told = kinds(walk(sample.octets)) & {"ambiguous", "undecodable"}
        if not found(sample.octets, tmp_path) and (sample.eicar == "yes" or not told):
            silent.append(sample.name)
    assert silent == []
