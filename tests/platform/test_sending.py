"""What the demo and the corpus send arrives octet for octet, and is what it says it is."""

import email
import email.policy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.stack import delivered, environment, process, samples
from appliance.stack.demo_mail import EICAR, GTUBE, STORIES
from appliance.stack.sending import send


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inbox")


@pytest.fixture(scope="module")
def mailbox(inbox: Path) -> Iterator[str]:
    address = environment.free_address()
    command = [sys.executable, "-m", "appliance.stack", "mailbox", address, str(inbox)]
    with subprocess.Popen(command, cwd=environment.CHECKOUT) as server:
        child = process.Child("mailbox", server, Path("/dev/null"))
        process.wait_ready(child, lambda: environment.listening(address))
        yield address
        server.terminate()


@pytest.mark.parametrize(
    "octets",
    [b"Subject: x\r\n\r\n.\r\n..a\r\n", b"a\nb\rc\n.\nd\r\n", b"", bytes(range(14, 256)) + b"\r\n"],
    ids=["dots", "lone CR and LF", "empty", "8-bit"],
)
def test_octets_go_out_as_they_are(mailbox: str, inbox: Path, octets: bytes) -> None:
    answer = send(mailbox, "", ["b@example.com"], octets)
    assert answer.code == 250
    [file] = (inbox / "new").glob(f"*.{answer.text.split()[-1]}.*")
    assert file.read_bytes() == b"X-Envelope-From: \r\nX-Envelope-To: b@example.com\r\n" + octets


def test_the_demo_tells_of_spam_virus_program_and_two_policies() -> None:
    octets = [story.octets("demo@example.org") for story in STORIES]
    texts = [email.message_from_bytes(mail, policy=email.policy.default) for mail in octets]
    assert [GTUBE.encode() in mail for mail in octets] == [False, True, False, False, True]
    attached = [[part.get_payload(decode=True) for part in m.iter_attachments()] for m in texts]
    assert attached[2] == [EICAR.encode()]
    assert attached[3][0][:2] == b"MZ"
    assert len(STORIES[4].expected) == 2
    assert len(set(STORIES[4].expected.values())) == 2
    assert len({story.subject for story in STORIES}) == 5


@pytest.mark.parametrize("folder", ["appliance", "tests", "smtpfilter", "quarantine"])
def test_no_source_file_holds_a_test_virus(checkout: Path, folder: str) -> None:
    files = [f for f in (checkout / folder).rglob("*") if f.is_file() and f.suffix != ".pyc"]
    assert [f for f in files if EICAR.encode() in f.read_bytes()] == []


def test_the_manifest_of_the_corpus_is_read_with_line_ends_as_they_are_sent(corpus: Path) -> None:
    mails = list(samples.read(corpus))
    assert len(mails) > 1000
    raw = [mail for mail in mails if mail.group == "smtp_raw"]
    assert any(b"\n" in mail.octets.replace(b"\r\n", b"") for mail in raw)
    ham = [mail for mail in mails if mail.group == "ham"]
    assert sum(b"\n" in mail.octets.replace(b"\r\n", b"") for mail in ham) < len(ham) / 10


@pytest.mark.parametrize(
    ("sent", "came", "same"),
    [
        (b"A: x\r\n\r\nbody\r\n", b"New: y\r\nA: x\r\n\r\nbody\r\n", True),
        (b"A: x\n\nbo\rdy\n", b"A: x\r\n\r\nbo\r\ndy\r\n", True),
        (b"A: x\r\n\r\nbody\r\n", b"A: x\r\n\r\nbodie\r\n", False),
        (b"A: x\r\n\r\nbody\r\n", b"A: x\r\n\r\nbody\r\n\r\n", False),
        (b" no field\r\n\r\nbody\r\n", b"New: y\r\n\r\n no field\r\n\r\nbody\r\n", True),
    ],
    ids=["a field more", "lone CR and LF", "another body", "a line more", "no header"],
)
def test_a_changed_body_is_noticed(sent: bytes, came: bytes, same: bool) -> None:
    assert delivered.unchanged(sent, came) is same


def test_a_small_set_of_our_own_stands_in_for_the_corpus() -> None:
    mails = list(samples.generated())
    assert {mail.eicar for mail in mails} == {"yes", "no"}
    assert len({mail.name for mail in mails}) == len(mails)
