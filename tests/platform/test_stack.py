"""The private stack: it answers, it dies with its launcher however that ends, and it recovers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from appliance.stack import environment, launcher, process
from appliance.stack.identity import stack_folder
from appliance.stack.private import clamd, postgres, redis, spamd
from appliance.stack.stack import Part, Stack

LAUNCHER = """
import os, sys, time
from appliance.stack import environment, launcher, process
from appliance.stack.stack import Stack
var = environment.var_folder(os.environ)
environment.make_folders(var)
with launcher.only_launcher(var):
    process.end_leftovers(var)
    chosen = environment.choose(os.environ, free_ports=True)
    stack = Stack(chosen, chosen.exported(os.environ))
    stack.start_engines()
    stack.start_postgres()
    stack.wait()
    print("up", flush=True)
    time.sleep(600)
"""


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that must happen; the time is only for giving up."""
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, f"not in 30 s: {what}"
        time.sleep(0.02)


def parents() -> dict[int, int]:
    """Return the parent of every process that runs."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] not in ("Z", "X"):
            found[int(stat.parent.name)] = int(fields[1])
    return found


def descendants(pid: int) -> set[int]:
    """Return all processes below `pid`: children and grandchildren."""
    below, found = parents(), {pid}
    while more := {child for child, parent in below.items() if parent in found} - found:
        found |= more
    return found - {pid}


def reload_spamd(var: Path) -> None:
    """Let it read its configuration anew, as the agent does; it keeps its process id."""
    pid = int((var / "run" / "spamd.pid").read_text())
    log = var / "log" / "spamd.log"
    os.kill(pid, signal.SIGHUP)
    wait_until(
        lambda: log.read_text().count(f"[{pid}] info: spamd: server pid:") == 2, "its return"
    )


@pytest.fixture
def environ(var: Path) -> Mapping[str, str]:
    """An environment that asks for a private stack of its own."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return {**kept, "POSTERN_VAR": str(var), "PYTHONPATH": str(environment.CHECKOUT)}


@pytest.fixture
def start(environ: Mapping[str, str]) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a launcher of the private services; returns when they are ready."""
    started: list[subprocess.Popen[str]] = []

    def start_launcher() -> subprocess.Popen[str]:
        launcher_ = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER], env=environ, stdout=subprocess.PIPE, text=True
        )
        started.append(launcher_)
        assert launcher_.stdout is not None
        assert launcher_.stdout.readline() == "up\n"
        return launcher_

    yield start_launcher
    for launcher_ in started:
        launcher_.kill()
        launcher_.wait()
        assert launcher_.stdout is not None
        launcher_.stdout.close()
    process.end_leftovers(environment.var_folder(environ))


def test_no_process_outlives_a_killed_launcher_and_the_next_start_recovers(
    start: Callable[[], subprocess.Popen[str]], environ: Mapping[str, str]
) -> None:
    first = start()
    below = descendants(first.pid)
    assert len(below) >= 10  # five services, and the processes that Postgres and spamd made
    url = environment.database_url(
        environment.socket_folder(environment.var_folder(environ)) / "postgres"
    )
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE remembered ()")
    connection.close()

    reload_spamd(environment.var_folder(environ))
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_until(lambda: not below & parents().keys(), f"the end of {below}")

    start()
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM remembered")
        assert cursor.fetchone() == (0,)
    connection.close()


def test_a_second_launcher_on_the_same_folder_is_refused(
    start: Callable[[], subprocess.Popen[str]], environ: Mapping[str, str]
) -> None:
    var = environment.var_folder(environ)
    assert not launcher.running(var)
    start()
    assert launcher.running(var)
    with pytest.raises(environment.StackError, match="already"), launcher.only_launcher(var):
        pass


def test_a_stack_ends_when_told_and_leaves_no_socket_that_answers(
    environ: Mapping[str, str],
) -> None:
    chosen = environment.choose(environ, free_ports=True)
    stack = Stack(chosen, chosen.exported(environ))
    try:
        stack.start_engines()
        stack.start_postgres(durable=False)
        stack.wait()
        pids = {child.process.pid for child in (part.child for part in stack.parts)}
        answers = [clamd.ready(chosen), spamd.ready(chosen), redis.ready(chosen)]
    finally:
        stack.stop()
    assert answers == [True, True, True]
    assert not pids & parents().keys()
    assert [clamd.ready(chosen), spamd.ready(chosen), redis.ready(chosen)] == [False] * 3
    assert not postgres.ready(chosen)
    assert not list((chosen.var / "run").glob("*.pid"))


@pytest.mark.parametrize(
    ("others", "page"),
    [({}, "readyz"), ({"DEMO_MAILBOX": "no"}, "healthz"), ({"FILTER_CLAMD": "/none"}, "healthz")],
    ids=["all ours", "another next hop", "another scanner"],
)
def test_ready_waits_for_the_flow_of_mail_only_if_all_services_are_ours(
    environ: Mapping[str, str], others: dict[str, str], page: str
) -> None:
    chosen = environment.choose({**environ, **others}, free_ports=True)
    assert Stack(chosen, chosen.exported(environ)).ready_page() == page


def test_a_part_that_ends_by_itself_is_named_and_started_again(environ: Mapping[str, str]) -> None:
    chosen = environment.choose(environ, free_ports=True)
    command = ["sh", "-c", "echo all my last words; exit 3"]
    make = partial(process.start, "part", command, var=chosen.var, environ=environ)
    part = Part(make, make())
    for pause in (0.5, 2.0, 6.0):
        child = part.child
        wait_until(child.ended, "the end of it")
        told = part.look(time.monotonic())
        assert told.startswith(f"part ended (status 3), starts again in {pause} s")
        assert "all my last words" in told
        assert part.look(time.monotonic()) == ""
        assert part.child is child
        part.look(time.monotonic() + pause)
        assert part.child is not child
    part.child.stop()
    chosen.forget()


def test_a_scanner_that_was_killed_comes_back(environ: Mapping[str, str]) -> None:
    chosen = environment.choose(environ, free_ports=True)
    stack = Stack(chosen, chosen.exported(environ))
    stack.start_engines()
    stack.wait()
    (part,) = (part for part in stack.parts if part.child.name == clamd.NAME)
    os.kill(part.child.process.pid, signal.SIGKILL)
    wait_until(part.child.ended, "the end of clamd")
    assert part.look(time.monotonic()).startswith("clamd ended (status -9)")
    part.look(time.monotonic() + 1.0)
    wait_until(lambda: clamd.ready(chosen), "clamd again")
    stack.stop()


def test_a_program_that_ignores_its_stop_signal_is_killed_with_its_group(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "run").mkdir()
    script = "trap '' TERM; sleep 600 & echo started; wait; wait"
    child = process.start(
        "deaf", ["sh", "-c", script], var=tmp_path, environ=os.environ, grace_seconds=0.2
    )
    wait_until(lambda: b"started" in child.log.read_bytes(), "the start")
    group = descendants(child.process.pid) | {child.process.pid}
    assert len(group) == 2
    child.stop()
    wait_until(lambda: not group & parents().keys(), f"the end of {group}")


def test_a_stale_lock_of_postgres_with_a_reused_process_id_does_not_stop_it(
    environ: Mapping[str, str],
) -> None:
    chosen = environment.choose(environ, free_ports=True)
    stack = Stack(chosen, chosen.exported(environ))
    try:
        stack.start_postgres(durable=False)
        lock = next(p for p in (chosen.var, stack_folder(chosen.var)) if (p / "postgres").exists())
        lock = lock / "postgres" / "data" / "postmaster.pid"
        text = lock.read_text()
        stack.stop()
        lock.write_text(f"{os.getpid()}\n" + text.split("\n", 1)[1])
        stack.start_postgres(durable=False)
        assert postgres.ready(chosen)
    finally:
        stack.stop()


def test_spamd_starts_configured_and_keeps_what_the_agent_wrote(
    environ: Mapping[str, str],
) -> None:
    """Design 4.6: the first configuration is there before Postgres; all others are the agent's."""
    chosen = environment.choose(environ, free_ports=True)
    stack = Stack(chosen, chosen.exported(environ))
    try:
        stack.start_engines()
        stack.wait()
        folder = Path(spamd.agent_settings(chosen)["AGENT_SPAMASSASSIN_FOLDER"])
        first = (folder / "postern.cf").read_text()
        (folder / "postern.cf").write_text(f"{first}# the agent's\n")
        stack.stop()
        stack.start_engines()
        stack.wait()
        kept = (folder / "postern.cf").read_text()
    finally:
        stack.stop()
    assert f"host={postgres.socket_folder(chosen)}\n" in first
    assert kept == f"{first}# the agent's\n"


def test_eicar_is_known_inside_a_mail_and_nothing_else_is(environ: Mapping[str, str]) -> None:
    import pyclamd

    address = os.environ["FILTER_CLAMD"].removeprefix("unix:")
    engine = pyclamd.ClamdUnixSocket(address)
    eicar = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
    assert "Eicar-Test-Signature" in str(engine.scan_stream(b"Subject: x\r\n\r\n" + eicar))
    assert engine.scan_stream(b"Subject: x\r\n\r\nharmless\r\n") is None


def test_spamd_reports_every_rule_with_its_points_and_description() -> None:
    """The form that smtpfilter/scan/report.py reads; engines/spamassassin.py has the template."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["FILTER_SPAMD"].removeprefix("unix:"))
        gtube = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
        mail = b"Subject: x\r\n\r\n" + gtube + b"\r\n"
        connection.sendall(b"REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n%s" % (len(mail), mail))
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = body.decode().splitlines()
    assert head.startswith(b"SPAMD/1.1 0 EX_OK")
    assert lines[0] == "POSTERN-REPORT 1"
    assert lines[1].startswith("score 10")
    assert "GTUBE=1000" in lines[2].removeprefix("tests ").split(",")
    assert any(line.startswith("1000 GTUBE ") for line in lines[3:])
