"""The test mail with boxes in it: what they hold is found, or it is told why it is not."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smtpfilter.mail.findings import Part
from smtpfilter.unpack.contents import Contents
from smtpfilter.unpack.mime import Walk

Walking = Callable[..., Walk]
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

# Mails whose content nothing here reads, and which are told as undecodable or too deep instead.
UNREAD = {"gen_eicar_lrz", "gen_eicar_lzo", "gen_deep_zip_25"}
# The harmless test program in formats that only a virus scanner opens.
SCANNERS_ONLY = {"clam.chm", "clam.sis", "clam.impl.zip", "clam_cache_emax.tgz"}


@pytest.fixture
def leaves(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Collect every content that is looked at."""
    seen: list[bytes] = []
    add = Contents.add

    def spy(self: Contents, content: bytes, *rest: object, **named: object) -> None:
        seen.append(content)
        add(self, content, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Contents, "add", spy)
    return seen


def rows(corpus: Path, group: str) -> Iterator[tuple[dict[str, str], bytes]]:
    with (corpus / "MANIFEST.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            if row["class"] == group:
                yield row, (corpus / row["file"]).read_bytes()


def strings(parts: list[Part]) -> set[str]:
    return {string.lower() for part in parts for node in part.nodes for string in node}


@pytest.mark.parametrize("group", ["archive", "virus"])
def test_eicar_comes_out_whole(
    walk: Walking, corpus: Path, leaves: list[bytes], group: str
) -> None:
    """BB-8, BB-16b, Z1 to Z7: in a leaf, so that a scanner sees it as a file."""
    for row, octets in rows(corpus, group):
        in_text = row["layer"] == "mime" or "datauri" in row["file"]
        if row["contains_eicar"] != "yes" or in_text:
            continue
        leaves.clear()
        walked = walk(octets)
        if Path(row["file"]).stem in UNREAD:
            assert walked.unchecked, row["file"]
        else:
            assert any(leaf.strip()[:68] == EICAR for leaf in leaves), row["file"]


@pytest.mark.parametrize("group", ["archive", "encrypted", "banned", "virus", "tnef", "office"])
def test_names_in_boxes_are_seen(walk: Walking, corpus: Path, group: str) -> None:
    """BB-12b, X-3, B-6: also of what is encrypted."""
    for row, octets in rows(corpus, group):
        words = set(re.split(r"[,|]", row["expect"]))
        if Path(row["file"]).stem in UNREAD or row["attachment_names"] in SCANNERS_ONLY:
            continue
        walked = walk(octets)
        if walked.unchecked and words & {"limit", "uncheckable"}:
            continue
        seen = strings(walked.parts)
        for name in filter(None, row["banned_names"].lower().split("|")):
            assert any(name in string for string in seen), (row["file"], name)


@pytest.mark.parametrize("group", ["archive", "archive_formats", "encrypted", "office"])
def test_what_stays_closed_is_told(walk: Walking, corpus: Path, group: str) -> None:
    """X-2, X-3, BB-15, BB-16, Z4: with the kind that it is."""
    for row, octets in rows(corpus, group):
        kinds = {remark.kind for remark in walk(octets).unchecked}
        if row["expect"] == "limit":
            assert "limits" in kinds, row["file"]
        if row["expect"] == "uncheckable":
            assert kinds, row["file"]
        if row["encrypted"] != "none":
            assert "encrypted" in kinds, row["file"]


def test_what_is_sound_is_read_without_a_remark(walk: Walking, corpus: Path) -> None:
    """Z7: one of them is larger than its limit, one needs a later libarchive."""
    beyond = {"ef31b6d44a45eca1", "cdf1db1a801dd523"}
    for row, octets in rows(corpus, "archive_formats"):
        if row["expect"] == "decode" and Path(row["file"]).stem not in beyond:
            assert walk(octets).unchecked == [], row["file"]
