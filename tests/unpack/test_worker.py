"""Unpacking in children: one that dies, hangs or takes too much costs itself, never the mail."""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smtpfilter.config import FilterConfig
from smtpfilter.errors import Overloaded
from smtpfilter.mail.findings import Part, Unchecked
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Limits
from smtpfilter.ports.unpacking import Unpacked
from smtpfilter.unpack import worker
from smtpfilter.unpack.files import NoRoom, PartFiles
from smtpfilter.unpack.limits import MEMORY_BYTES, Unlookable, allow_processor_time
from smtpfilter.unpack.worker import Unpacker
from tests.unpack.packing import PE, packed_only, written, zipped
from tests.unpack.test_mime import attachment, multipart

Spooled = Callable[[bytes], SpooledMail]

QUICK = Limits(seconds=1)


@pytest.fixture(scope="module")
def unpacker() -> Iterator[Unpacker]:
    shared = Unpacker(FilterConfig())
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture
def playing() -> Iterator[Callable[..., Unpacker]]:
    """Return a function that makes an unpacker whose children do one of the tasks below."""
    made: list[Unpacker] = []

    def make(task: worker.Task, patience: float = 30.0) -> Unpacker:
        made.append(Unpacker(FilterConfig(scan_timeout_seconds=patience), task=task))
        return made[-1]

    yield make
    for unpacker in made:
        unpacker.stop()


def dies(path: str, limits: Limits) -> Unpacked:
    os.kill(os.getpid(), signal.SIGKILL)
    return Unpacked()


def dies_once(path: str, limits: Limits) -> Unpacked:
    mark = Path(path + ".died")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    return worker.unpack_file(path, limits)


def burns(path: str, limits: Limits) -> Unpacked:
    allow_processor_time(limits)
    while True:
        pass


def sleeps(path: str, limits: Limits) -> Unpacked:
    time.sleep(60)
    return Unpacked()


def stumbles(path: str, limits: Limits) -> Unpacked:
    raise ValueError("words of the mail")


def finds_no_room(path: str, limits: Limits) -> Unpacked:
    raise NoRoom("spool: no space left")


def take_descriptor() -> None:
    """Take standard output of a process, our own for that matter (pidfd_getfd)."""
    taken = ctypes.CDLL(None).syscall(438, os.pidfd_open(os.getpid()), 1, 0)
    if taken < 0:
        raise OSError


def calls_out(path: str, limits: Limits) -> Unpacked:
    allowed = []
    for name, call in (
        ("socket", lambda: socket.socket(socket.AF_INET)),
        ("fork", os.fork),
        ("program", lambda: os.execv("/bin/true", ["true"])),
        ("descriptor of another process", take_descriptor),
    ):
        with contextlib.suppress(OSError):
            call()
            allowed.append(name)
    return Unpacked(unchecked=(Unchecked("failed", f"allowed: {allowed}"),))


def eats_memory(path: str, limits: Limits) -> Unpacked:
    return Unpacked(unchecked=(Unchecked("failed", str(len(b"x" * MEMORY_BYTES))),))


def test_parts_come_back_from_the_child(unpacker: Unpacker, spooled: Spooled) -> None:
    found = unpacker.unpack(spooled(b"Content-Type: text/plain; name=a.txt\r\n\r\nx"), Limits())
    assert found.parts == (
        Part(
            path="1",
            nodes=(("text/plain", ".dat", "a.txt"),),
            name="a.txt",
            mime_type="text/plain",
            size_bytes=1,
            sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
            short_types=(".dat",),
        ),
    )
    assert found.unchecked == ()


def test_an_empty_message_is_unpacked(unpacker: Unpacker, spooled: Spooled) -> None:
    found = unpacker.unpack(spooled(b""), Limits())
    assert [part.size_bytes for part in found.parts] == [0]
    assert found.unchecked == ()


def test_a_child_that_dies_is_tried_once_more(
    playing: Callable[..., Unpacker], spooled: Spooled
) -> None:
    found = playing(dies_once).unpack(spooled(b"Subject: hello\r\n\r\n"), Limits())
    assert len(found.parts) == 1
    assert found.unchecked == ()


def test_containers_are_opened_in_the_child(unpacker: Unpacker, spooled: Spooled) -> None:
    """A bomb costs that container only (X-2)."""
    zeros = packed_only(bytes(60_000_000), "gzip")
    inside = written("ustar", ("zeros.gz", zeros), ("x.zip", zipped(("x.exe", PE))))
    mail = multipart(attachment("a.tar", inside), attachment("b.zip", zipped(("y.exe", PE))))
    found = unpacker.unpack(spooled(mail), Limits())
    assert [part.name for part in found.parts if ".exe" in part.short_types] == ["x.exe", "y.exe"]
    assert found.unchecked == (
        Unchecked("limits", "part 1.1.1: the unpacked content is too large"),
    )


def test_a_message_that_kills_two_children_is_a_finding(
    playing: Callable[..., Unpacker], spooled: Spooled
) -> None:
    mail = spooled(b"Subject: hello\r\n\r\n")
    unpacker = playing(dies)
    for _ in range(2):  # the pool is as good as before
        assert unpacker.unpack(mail, QUICK) == Unpacked(
            unchecked=(Unchecked("failed", "unpacking failed twice: signal SIGKILL"),)
        )


def test_idle_children_that_were_killed_are_replaced(
    playing: Callable[..., Unpacker], spooled: Spooled
) -> None:
    unpacker = playing(worker.unpack_file)
    unpacker.start()
    for process in worker.multiprocessing.active_children():
        process.kill()
        process.join()
    assert len(unpacker.unpack(spooled(b"Subject: hello\r\n\r\n"), Limits()).parts) == 1


def test_processor_time_is_limited(
    playing: Callable[..., Unpacker], spooled: Spooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GRACE_SECONDS", 60.0)  # a busy machine must not stop it earlier
    assert playing(burns, patience=90.0).unpack(spooled(b""), QUICK) == Unpacked(
        unchecked=(Unchecked("limits", "unpacking takes too much processor time"),)
    )


def test_time_by_the_clock_is_limited(
    playing: Callable[..., Unpacker], spooled: Spooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GRACE_SECONDS", 0.0)
    assert playing(sleeps).unpack(spooled(b""), QUICK) == Unpacked(
        unchecked=(Unchecked("limits", "not unpacked within 1 seconds"),)
    )


def test_an_error_of_a_parser_is_a_finding_without_its_text(
    playing: Callable[..., Unpacker], spooled: Spooled
) -> None:
    assert playing(stumbles).unpack(spooled(b""), QUICK) == Unpacked(
        unchecked=(Unchecked("failed", "unpacking failed: ValueError"),)
    )


def test_a_child_can_reach_nobody_and_start_nothing(
    playing: Callable[..., Unpacker], spooled: Spooled
) -> None:
    assert playing(calls_out).unpack(spooled(b""), QUICK) == Unpacked(
        unchecked=(Unchecked("failed", "allowed: []"),)
    )


def test_a_full_spool_puts_the_mail_off(playing: Callable[..., Unpacker], spooled: Spooled) -> None:
    """X-8: it is no fault of the mail."""
    with pytest.raises(Overloaded):
        playing(finds_no_room).unpack(spooled(b""), QUICK)


HIDING = multipart(
    attachment("a.txt", b"open"), attachment("b.zip", zipped(("../../x.exe", PE), ("y.txt", b"y")))
)


def test_hidden_contents_become_files(unpacker: Unpacker, spooled: Spooled) -> None:
    """X-4: called by numbers, readable for the group of the scanners."""
    mail = spooled(HIDING)
    found = unpacker.unpack(mail, Limits())
    assert [(file.path, file.path.read_bytes(), file.hidden) for file in found.files] == [
        (mail.folder / "parts" / "0001", PE, True),
        (mail.folder / "parts" / "0002", b"y", True),
    ]
    assert {file.path.stat().st_mode & 0o7777 for file in found.files} == {0o640}
    assert (mail.folder / "parts").stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in mail.folder.rglob("*")) == [
        "0001",
        "0002",
        "message",
        "parts",
    ]


@pytest.mark.parametrize(
    "mail",
    [
        multipart(attachment("a.txt", b"open"), kind="signed"),
        multipart(multipart(attachment("a.txt", b"open"), boundary="c"), kind="signed"),
        multipart(attachment("a.txt", b"open"), kind="parallel"),
        attachment("a.txt", b"open", "message/delivery-status"),
    ],
)
def test_what_a_scanner_of_mail_passes_over_becomes_a_file(
    unpacker: Unpacker, spooled: Spooled, mail: bytes
) -> None:
    """M7: ClamAV looks into one text of a signed mail, whatever is attached to it."""
    files = unpacker.unpack(spooled(mail), Limits()).files
    assert [(file.path.read_bytes(), file.hidden) for file in files] == [(b"open", True)]


def test_all_contents_become_files_for_a_scanner_that_reads_paths(spooled: Spooled) -> None:
    unpacker = Unpacker(FilterConfig(), all_files=True)
    try:
        files = unpacker.unpack(spooled(HIDING), Limits()).files
    finally:
        unpacker.stop()
    assert [(file.path.read_bytes(), file.hidden) for file in files] == [
        (b"open", False),
        (PE, True),
        (b"y", True),
    ]


def test_a_second_attempt_begins_afresh(tmp_path: Path) -> None:
    for _attempt in range(2):
        files = PartFiles(tmp_path, 10, all_files=False)
        files.keep(b"abc", hidden=True)
        files.keep(b"abc", hidden=True)  # once is enough
        files.keep(b"open", hidden=False)
        assert [file.path.name for file in files.written] == ["0001"]
    with pytest.raises(Unlookable):
        files.keep(b"too much", hidden=True)


def test_what_the_disk_does_not_take_is_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, mode: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(NoRoom):
        PartFiles(tmp_path, 10, all_files=True).keep(b"abc", hidden=True)


def test_memory_is_limited(playing: Callable[..., Unpacker], spooled: Spooled) -> None:
    assert playing(eats_memory).unpack(spooled(b""), QUICK) == Unpacked(
        unchecked=(Unchecked("failed", "unpacking failed: MemoryError"),)
    )


def test_waiting_for_a_child_ends_and_the_mail_is_put_off(
    playing: Callable[..., Unpacker], spooled: Spooled
) -> None:
    with pytest.raises(Overloaded):
        playing(sleeps, patience=0.5).unpack(spooled(b""), Limits())


def test_after_a_stop_it_starts_again(unpacker: Unpacker, spooled: Spooled) -> None:
    unpacker.stop()
    assert len(unpacker.unpack(spooled(b"Subject: hello\r\n\r\n"), Limits()).parts) == 1
