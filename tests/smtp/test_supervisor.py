"""The filter as processes: binding, workers, restart, drain (reliability 2.6: F20, F22, F32)."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.doubles.upstream import Upstream, send_mail
from tests.smtp.conftest import eventually

COMMAND = [sys.executable, "-m", "tests.smtp.filter_process"]
PASS_SOCKET = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Filter:
    def __init__(self, folder: Path, *arguments: str, listen: str, **settings: str) -> None:
        self.folder = folder
        self.pid_file = folder / "run" / "filter.pid"
        host, _, port = listen.rpartition(":")
        self.address = listen if listen.startswith("/") else (host, int(port))
        environment = {
            "PATH": os.environ["PATH"],
            "FILTER_LISTEN": listen,
            "FILTER_SPOOL_DIR": str(folder),
            "FILTER_PID_FILE": str(self.pid_file),
            "FILTER_WORKERS": "2",
            **settings,
        }
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stderr=subprocess.PIPE, text=True
        )

    def wait_until_up(self) -> None:
        def answers() -> bool:
            try:
                with Upstream(self.address, timeout=5) as client:
                    return client.greeting.startswith("220")
            except OSError:
                assert self.process.poll() is None
                return False

        eventually(answers)

    def end(self) -> tuple[int, str]:
        """Wait for the end; return exit code and what it said."""
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def run_filter(tmp_path: Path) -> Iterator[Callable[..., Filter]]:
    filters: list[Filter] = []

    def run(*arguments: str, listen: str = "", up: bool = True, **settings: str) -> Filter:
        filters.append(Filter(tmp_path, *arguments, listen=listen or free_port(), **settings))
        if up:
            filters[-1].wait_until_up()
        return filters[-1]

    yield run
    for running in filters:
        running.process.kill()
        running.process.communicate()


def begin_message(running: Filter, seconds: float) -> Upstream:
    """Have a message at work; return the client that waits for its reply."""
    client = Upstream(running.address)
    client.say("EHLO x.example")
    client.envelope("a@example.org", "b@example.com")
    client.say("DATA")
    client.send(b"seconds: %.1f\r\n.\r\n" % seconds)
    return client


def worker_of(reply: str) -> int:
    return int(reply.rpartition(" ")[2])


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_sigterm_lets_the_message_at_work_complete_and_says_421_to_idle_clients(
    run_filter: Callable[..., Filter],
) -> None:
    running = run_filter()
    idle = Upstream(running.address)
    busy = begin_message(running, 1.0)
    eventually(lambda: list(running.folder.glob("postern-*/*/message")))
    os.kill(int(running.pid_file.read_text()), signal.SIGTERM)
    assert idle.reply().startswith("421 4.3.2")
    assert idle.closed()
    assert busy.reply().startswith("250 2.0.0 worker")
    assert busy.reply().startswith("421 4.3.2")
    assert running.end() == (0, "")
    assert not running.pid_file.exists()
    assert not list(running.folder.glob("postern-*"))


def test_sigterm_while_a_worker_starts_leaves_nothing_behind(
    run_filter: Callable[..., Filter],
) -> None:
    running = run_filter(up=False, SECONDS_TO_START="1")
    eventually(lambda: len(list(running.folder.glob("postern-*"))) == 2)
    running.process.send_signal(signal.SIGTERM)
    assert running.end() == (0, "")
    assert not list(running.folder.glob("postern-*"))


def test_a_draining_filter_takes_no_new_connection(run_filter: Callable[..., Filter]) -> None:
    running = run_filter()
    busy = begin_message(running, 1.0)
    eventually(lambda: list(running.folder.glob("postern-*/*/message")))
    running.process.send_signal(signal.SIGTERM)

    def refused() -> bool:
        try:
            Upstream(running.address).close()
        except ConnectionRefusedError:
            return True
        return False

    eventually(refused)
    assert busy.reply().startswith("250")


def test_a_message_longer_than_the_time_to_drain_is_given_up_unanswered(
    run_filter: Callable[..., Filter],
) -> None:
    running = run_filter(FILTER_DRAIN_TIMEOUT_SECONDS="0.3")
    busy = begin_message(running, 30.0)
    eventually(lambda: list(running.folder.glob("postern-*/*/message")))
    running.process.send_signal(signal.SIGTERM)
    assert busy.reply() == ""
    assert running.end()[0] == 0


def test_a_killed_worker_is_replaced(run_filter: Callable[..., Filter]) -> None:
    running = run_filter(FILTER_WORKERS="1")
    first = worker_of(send_mail(running.address, b"seconds: 0\r\n")[0])
    os.kill(first, signal.SIGKILL)
    second = worker_of(send_mail(running.address, b"seconds: 0\r\n")[0])
    assert second != first
    running.process.send_signal(signal.SIGTERM)
    code, said = running.end()
    assert code == 0
    assert "1 worker(s) ended unexpectedly" in said


def test_the_spool_of_a_killed_worker_is_removed(run_filter: Callable[..., Filter]) -> None:
    running = run_filter(FILTER_WORKERS="1")
    (left_behind,) = running.folder.glob("postern-*")
    begin_message(running, 30.0)
    eventually(lambda: list(left_behind.glob("*/message")))
    os.kill(worker_pids(running)[0], signal.SIGKILL)
    send_mail(running.address, b"seconds: 0\r\n")
    assert not left_behind.exists()


def test_workers_die_with_a_killed_parent(run_filter: Callable[..., Filter]) -> None:
    running = run_filter()
    workers = worker_pids(running)
    assert len(workers) == 2
    running.process.kill()
    eventually(lambda: not any(alive(pid) for pid in workers))
    # Nothing stands in the way of the next start.
    again = run_filter(listen="{}:{}".format(*running.address))
    assert send_mail(again.address, b"seconds: 0\r\n")[0].startswith("250")


def test_a_second_filter_on_the_same_port_exits_with_one_clear_line(
    run_filter: Callable[..., Filter],
) -> None:
    first = run_filter()
    listen = "{}:{}".format(*first.address)
    second = run_filter(listen=listen, up=False)
    assert second.end() == (
        1,
        f"postern: filter: cannot listen on {listen}: another program listens there\n",
    )
    assert send_mail(first.address, b"seconds: 0\r\n")[0].startswith("250")
    assert first.pid_file.read_text() == f"{first.process.pid}\n"


def test_an_unknown_scan_group_stops_the_start(run_filter: Callable[..., Filter]) -> None:
    running = run_filter(up=False, FILTER_SCAN_GROUP="no-such-group")
    code, said = running.end()
    assert code == 1
    assert "there is no group 'no-such-group'" in said


def test_workers_that_cannot_start_do_not_keep_the_parent_from_ending(
    run_filter: Callable[..., Filter],
) -> None:
    running = run_filter(up=False, FAIL_TO_START="yes")
    eventually(running.pid_file.exists)
    for line in running.process.stderr or ():
        if "ended unexpectedly" in line:
            break
    running.process.send_signal(signal.SIGTERM)
    assert running.end()[0] == 0


def test_the_foreground_filter_is_one_process_and_drains(run_filter: Callable[..., Filter]) -> None:
    running = run_filter("--foreground")
    assert worker_of(send_mail(running.address, b"seconds: 0\r\n")[0]) == running.process.pid
    running.process.send_signal(signal.SIGINT)
    assert running.end() == (0, "")


def test_a_filter_out_of_file_descriptors_does_not_spin_and_recovers(
    run_filter: Callable[..., Filter],
) -> None:
    """F23."""
    running = run_filter(FILTER_WORKERS="1")
    (worker,) = worker_pids(running)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (20, 20))
    clients = [socket.create_connection(running.address) for _ in range(40)]
    time.sleep(0.3)
    before = cpu_seconds(worker)
    time.sleep(0.5)
    assert cpu_seconds(worker) - before < 0.1
    for client in clients:
        client.close()
    assert send_mail(running.address, b"seconds: 0\r\n")[0] == f"250 2.0.0 worker {worker}"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_unix_socket_left_by_a_dead_filter_is_taken_over(
    run_filter: Callable[..., Filter], tmp_path: Path
) -> None:
    path = str(tmp_path / "s")
    first = run_filter(listen=path)
    workers = worker_pids(first)
    first.process.kill()
    eventually(lambda: not any(alive(pid) for pid in workers))
    second = run_filter(listen=path)
    assert send_mail(second.address, b"seconds: 0\r\n")[0].startswith("250")
    third = run_filter(listen=path, up=False)
    assert "another program listens there" in third.end()[1]


def test_all_addresses_are_served_by_the_workers_and_left_tidy(
    run_filter: Callable[..., Filter], tmp_path: Path
) -> None:
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    running = run_filter(listen=first, FILTER_LISTEN=f"{first}, {second}")
    for address in (first, second):
        assert send_mail(address, b"seconds: 0\r\n")[0].startswith("250")
    running.process.send_signal(signal.SIGTERM)
    assert running.end()[0] == 0
    assert not Path(first).exists()
    assert not Path(second).exists()


def test_a_socket_of_systemd_is_taken_and_readiness_is_told(tmp_path: Path) -> None:
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(str(tmp_path / "notify"))
    notices.settimeout(20)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        process = subprocess.Popen(
            [sys.executable, "-c", PASS_SOCKET, str(listener.fileno()), *COMMAND],
            pass_fds=[listener.fileno()],
            env={
                "PATH": os.environ["PATH"],
                "LISTEN_FDS": "1",
                "NOTIFY_SOCKET": str(tmp_path / "notify"),
                "FILTER_SPOOL_DIR": str(tmp_path),
                "FILTER_LISTEN": "127.0.0.1:1",
            },
        )
    assert notices.recv(100) == b"READY=1"
    assert send_mail(address, b"seconds: 0\r\n")[0].startswith("250")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert notices.recv(100) == b"STOPPING=1"
    notices.close()


def worker_pids(running: Filter) -> list[int]:
    pid = running.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in children.read_text().split()]
