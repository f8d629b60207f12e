"""Several virus scanners behind one filter: what is hidden is found by streams and by paths, and
the site says who is asked.
"""

import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appliance.engines.models import ScannerRole
from tests.doubles.next_hop import NextHop
from tests.doubles.scanners import Sophie
from tests.flows.black_box import site_setting
from tests.flows.mails import EICAR, mail, with_file
from tests.flows.running import RunningFilter, running_filter
from tests.scan.fake_engine import FakeEngine, clamd_judging, finds_eicar_alone

Manage = Callable[..., Any]

FILE = """
[[scanner]]
name = "grep"
protocol = "command"
command = ["/bin/grep", "-rqs", "EICAR-STANDARD", "{}"]
clean_codes = [1]
infected_codes = [0]
"""


@dataclass
class Machine:
    """A filter with clamd, Sophie and a program; `shown`: the contents that clamd saw."""

    filter: RunningFilter
    sophie: Sophie
    shown: list[bytes] = field(default_factory=list)

    def verdict(self, content: bytes) -> bytes:
        if content != EICAR.encode():  # which the filter shows it each minute, too
            self.shown.append(content)
        return finds_eicar_alone(content)


@pytest.fixture(scope="module")
def running(
    database: None, next_hop: NextHop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    folder, machine = Path(tempfile.mkdtemp(prefix="postern-")), None
    file = tmp_path_factory.mktemp("machine") / "scanners.toml"
    file.write_text(FILE)
    sophie = Sophie()

    def scans(content: bytes) -> bytes:
        return machine.verdict(content) if machine else finds_eicar_alone(content)

    fakes = [FakeEngine(folder / "c", clamd_judging(scans)), FakeEngine(folder / "s", sophie)]
    settings = {
        "FILTER_CLAMD": str(fakes[0].endpoint),
        "FILTER_SOPHIE": str(fakes[1].endpoint),
        "FILTER_SCANNERS_FILE": str(file),
    }
    with running_filter(tmp_path_factory.mktemp("filter"), next_hop, **settings) as postern:
        machine = Machine(postern, sophie)
        yield machine
    for fake in fakes:
        fake.stop()
    shutil.rmtree(folder)


@pytest.fixture
def machine(running: Machine, hop: NextHop) -> Iterator[Machine]:
    running.shown.clear()
    running.sophie.asked.clear()
    yield running
    ScannerRole.objects.all().delete()


def zipped(content: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("test.txt", content)
    return packed.getvalue()


def test_what_a_zip_hides_is_shown_to_all_of_them(machine: Machine, manage: Manage) -> None:
    """V-1, V-7, V-9, V-11, BB-8: clamd gets it as a stream, the others as a file."""
    content = with_file("a.zip", zipped(f"{EICAR} hidden"), "application/zip")
    assert EICAR.encode() not in content
    (reply,) = machine.filter.send(content)
    assert reply.startswith("250 2.7.0 ")
    (entry,) = manage("mails", "list")
    assert sorted(entry["viruses"]) == ["EICAR-AV-Test", "Eicar-Test-Signature", "unnamed"]
    assert machine.shown[0] == content
    assert f"{EICAR} hidden".encode() in machine.shown
    assert not machine.sophie.complaints


def test_clean_mail_is_clean_to_all_of_them(machine: Machine, hop: NextHop) -> None:
    content = with_file("a.zip", zipped("nothing to see"), "application/zip")
    assert machine.filter.send(content)[0].startswith("250 2.0.0 ")
    assert b"X-Virus-Scanned" in (hop.delivered[0].content or b"")
    assert len(machine.sophie.asked) == 2


def test_a_site_may_run_without_and_then_says_so(
    machine: Machine, hop: NextHop, manage: Manage
) -> None:
    """V-5: no 451 and no X-Virus-Scanned."""
    with site_setting("virus_scanning", False):
        assert machine.filter.send(mail(EICAR))[0].startswith("250 2.0.0 ")
    copy = hop.delivered[0].content or b""
    assert b"X-Virus-Scanned" not in copy
    assert b"X-Postern-Unscanned: no virus scan" in copy
    assert not machine.shown


def test_scanning_without_any_scanner_is_a_failure(machine: Machine, manage: Manage) -> None:
    """V-5, P3: a mistake is no choice."""
    for name in ("clamd", "sophie", "grep"):
        ScannerRole.objects.create(name=name, role="off")
    assert machine.filter.send(mail())[0].startswith("451 4.3.0 ")
    (row,) = manage("mails", "list")[0]["recipients"]
    assert "no virus scanner is" in row["reasons"][0]


def test_the_site_says_who_is_asked(machine: Machine, manage: Manage) -> None:
    """V-2: from the next message on."""
    ScannerRole.objects.create(name="clamd", role="backup")
    ScannerRole.objects.create(name="grep", role="off")
    assert machine.filter.send(mail(EICAR))[0].startswith("250 2.7.0 ")
    assert manage("mails", "list")[0]["viruses"] == ["EICAR-AV-Test"]
    assert not machine.shown


def test_a_newsletter_is_scanned_once(machine: Machine, hop: NextHop) -> None:
    """Only trace and address fields differ; one of the two processes may not know it yet."""
    with site_setting("remember_seconds", 60):
        for number in range(5):
            content = mail("The same news for everybody.", Message_ID=f"<{number}@example.org>")
            assert machine.filter.send(content)[0].startswith("250 2.0.0 ")
    assert len(hop.delivered) == 5
    assert 1 <= len(machine.shown) <= 2
