"""Test mail with what is known of it: the corpus of a manifest, or a small set of our own."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.stack.demo_mail import EICAR, STORIES
from appliance.stack.environment import CHECKOUT


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail; `eicar` is yes, no, clamtest, encrypted, fragment or ambiguous.

    `expect`: what should come of it, "," for and, "|" for or; "loop" stands for a refusal.
    `banned_names`, `banned_types`: what a strict policy should see in it.
    """

    name: str
    group: str
    eicar: str
    expect: str
    octets: bytes
    banned_names: tuple[str, ...] = ()
    banned_types: tuple[str, ...] = ()

    @property
    def readable(self) -> bool:
        """Tell whether a 5xx answer to it would be a fault."""
        return "loop" not in self.expect and "limit" not in self.expect


def find(given: str, environ: Mapping[str, str]) -> Path | None:
    """Return the corpus: `given`, $POSTERN_CORPUS or ../shared/corpus; None if it is not there."""
    named = given or environ.get("POSTERN_CORPUS", "")
    folder = Path(named) if named else CHECKOUT.parent / "shared" / "corpus"
    return folder if (folder / "MANIFEST.csv").is_file() else None


def read(folder: Path) -> Iterator[Sample]:
    """Yield the mails that MANIFEST.csv in `folder` names, with line ends as they are sent."""
    with (folder / "MANIFEST.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            octets = (folder / row["file"]).read_bytes()
            if row["eol"] == "lf":
                octets = octets.replace(b"\n", b"\r\n")
            if not octets.endswith(b"\r\n"):
                octets += b"\r\n"  # SMTP has no other way to end a mail
            yield Sample(
                name=row["file"],
                group=row["class"],
                eicar=row["contains_eicar"],
                expect=row["expect"],
                octets=octets,
                banned_names=tuple(filter(None, [row["banned_names"]])),
                banned_types=tuple(row["banned_types"].split()),
            )


def generated() -> Iterator[Sample]:
    """Yield a small set of our own: the demo's mails, and some that are hard to read."""
    for story in STORIES:
        eicar = "yes" if story.attachment and EICAR.encode() in story.attachment[1] else "no"
        expect = "virus" if eicar == "yes" else ""
        yield Sample(story.subject, "demo", eicar, expect, story.octets("demo@example.org"))
    hostile = {
        "empty": b"",
        "no header": b"\r\nbody only\r\n",
        "no body": b"Subject: x\r\n",
        "NUL and 8-bit octets": b"Subject: \x00\xff\xfe\r\n\r\n" + bytes(range(256)) + b"\r\n",
        "surrogates in an encoded word": b"Subject: =?utf-8?q?=ED=A0=80?=\r\n\r\nx\r\n",
        "lone CR and LF": b"Subject: x\r\n\r\na\rb\nc\n.\nd\r\n",
        "a line of 100,000 octets": b"Subject: x\r\n\r\n" + b"y" * 100_000 + b"\r\n",
        "unclosed parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n",
        "a virus in the plain text": b"Subject: x\r\n\r\n" + EICAR.encode() + b"\r\n",
    }
    for name, octets in hostile.items():
        eicar = "yes" if EICAR.encode() in octets else "no"
        yield Sample(name, "hostile", eicar, "virus" if eicar == "yes" else "", octets)
