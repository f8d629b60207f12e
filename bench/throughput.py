"""`./postern bench`: messages per second and seconds per message through the running appliance.

Each kind of mail is sent in rounds that alternate between the filter and, as the floor, the next
hop alone, so that what else the machine does falls on both.  Every message is unique.  Compare
figures inside one run only; medians are of the rounds.
"""

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path

from appliance.stack.demo_mail import EICAR, GTUBE
from appliance.stack.environment import StackError, filter_address, for_commands, var_folder
from appliance.stack.launcher import running
from appliance.stack.sending import send

_WORDS = [
    "meeting",
    "project",
    "invoice",
    "lunch",
    "review",
    "paper",
    "train",
    "garden",
    "winter",
    "answer",
    "letter",
    "draft",
]
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Round:
    """One round: messages per second, seconds per message in order, CPU seconds of the filter."""

    rate: float
    seconds: list[float]
    cpu_seconds: float


def mail(text: str, attachment: bytes = b"") -> bytes:
    """Return a message that no cache has seen."""
    made = EmailMessage(policy=SMTP)
    made["From"] = "Bench <bench@example.org>"
    made["To"] = "bench@example.com"
    made["Subject"] = " ".join(random.choices(_WORDS, k=4))
    made["Message-ID"] = make_msgid(domain="bench.example.org")
    made.set_content(f"{' '.join(random.choices(_WORDS, k=80))}\n{text}\n")
    if attachment:
        made.add_attachment(
            attachment, maintype="application", subtype="octet-stream", filename="data.bin"
        )
    return made.as_bytes()


KINDS: Mapping[str, Callable[[], bytes]] = {
    "clean, 1 KB": lambda: mail("Kind regards"),
    "clean, 500 KB": lambda: mail("Kind regards", os.urandom(370_000)),
    "spam": lambda: mail(GTUBE),
    "virus": lambda: mail("See attached", EICAR.encode()),
}


def measure(address: str, make: Callable[[], bytes], count: int, at_once: int, pid: int) -> Round:
    """Send `count` messages over `at_once` connections.  Raises StackError if one is not taken."""
    mails = [make() for _ in range(count)]

    def one(octets: bytes) -> float:
        start = time.perf_counter()
        answer = send(address, "bench@example.org", ["bench@example.com"], octets)
        if answer.code != 250:
            raise StackError(f"{address} answered {answer}")
        return time.perf_counter() - start

    cpu, start = usage(pid)[0], time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        seconds = sorted(pool.map(one, mails))
    rate = count / (time.perf_counter() - start)
    return Round(rate, seconds, usage(pid)[0] - cpu)


def usage(parent: int) -> tuple[float, int]:
    """Return CPU seconds and resident octets of a process and its children (0, 0 if not here)."""
    cpu = resident = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if parent in (int(stat.parent.name), int(fields[1])):
            cpu += int(fields[11]) + int(fields[12])
            resident += int(fields[21]) * _PAGE_BYTES
    return cpu / _CLOCK_TICKS, resident


def filter_pid() -> int:
    """Return the filter's parent process, 0 if it is not known."""
    try:
        return int((var_folder(os.environ) / "run" / "filter.pid").read_text())
    except OSError:
        return 0


def report(kind: str, what: str, rounds: list[Round], count: int) -> None:
    """Print one row: the median of the rounds, and quantiles of all messages."""
    seconds = sorted(second for one in rounds for second in one.seconds)
    p50, p95 = (seconds[min(len(seconds) - 1, int(len(seconds) * q))] for q in (0.5, 0.95))
    rate = statistics.median(one.rate for one in rounds)
    cpu = 1000 * statistics.median(one.cpu_seconds for one in rounds) / count
    print(f"{kind:16}{what:10}{rate:10.1f}{p50 * 1000:10.1f}{p95 * 1000:10.1f}{cpu:12.1f}")


def main() -> int:
    """Measure every kind and print the table; 1 if no stack runs or a message was not taken."""
    parser = argparse.ArgumentParser(prog="./postern bench", description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="messages per round (40)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per kind (3)")
    parser.add_argument("--connections", type=int, default=4, help="messages at once (4)")
    given = parser.parse_args()
    if not running(var_folder(os.environ)):
        raise StackError("no stack runs: start one with ./postern run in another terminal")
    settings, pid = for_commands(os.environ), filter_pid()
    print(
        f"{'mail':16}{'through':10}{'mails/s':>10}{'p50 ms':>10}{'p95 ms':>10}{'CPU ms/mail':>12}"
    )
    for kind, make in KINDS.items():
        rounds: dict[str, list[Round]] = {"filter": [], "next hop": []}
        for _ in range(given.rounds):
            targets = {"filter": filter_address(settings), "next hop": settings["FILTER_RELAY"]}
            for what, address in targets.items():
                done = measure(address, make, given.count, given.connections, pid)
                rounds[what].append(done)
        for what, measured in rounds.items():
            report(kind, what, measured, given.count)
    print(f"memory of the filter's processes: {usage(pid)[1] / 1e6:.0f} MB resident")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (StackError, OSError) as error:
        sys.exit(f"postern: {error}")
