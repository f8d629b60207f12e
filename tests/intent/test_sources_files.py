"""Files of keys, as amavisd's read_hash and Postfix have them, are read into rows and written."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.edit import add_domain, remove_domain
from appliance.domains.models import Domain
from appliance.errors import Refused, Unknown
from appliance.policies.edit import set_fields
from appliance.policies.models import PolicyChange, PolicyLayer, SenderRule
from appliance.policies.senders import add_sender, remove_sender
from appliance.policies.source import DatabasePolicySource
from appliance.policies.transfer import export_rows, import_rows
from appliance.sources.edit import add_file, remove_source
from appliance.sources.files import HOLDS, Entry, entries
from appliance.sources.models import Source
from appliance.sources.read import due_sources, read_source
from appliance.sources.values import is_true, typed_value
from appliance.sources.write import write_file
from smtpfilter.mail.address import parse_address
from smtpfilter.policy.resolve import is_local, resolve
from smtpfilter.policy.senders import match_senders
from smtpfilter.policy.settings import FIELDS

pytestmark = pytest.mark.django_db

WHO = {"actor": "test"}
BOB = parse_address(b"bob@example.com")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def read(file: Path, text: str, holds: str, *, force: bool = False, **how: Any) -> Source:
    """Put `text` into the file and read it as a source called "keys"."""
    file.write_text(text, encoding="utf-8")
    if not Source.objects.exists():
        add_file(name="keys", path=str(file), holds=holds, **how, **WHO)
    return read_source(name="keys", force=force, **WHO)


def domains() -> set[str]:
    return set(Domain.objects.filter(source="keys").values_list("name", flat=True))


def senders() -> dict[str, tuple[str, float]]:
    rules = SenderRule.objects.filter(source="keys")
    return {rule.sender: (rule.action, rule.points) for rule in rules}


# The format

LINES = [
    ("example.com", ("example.com", "1")),
    ("example.com OK", ("example.com", "OK")),
    ("example.com\t\t OK  ", ("example.com", "OK")),
    ("example.com OK # ours", ("example.com", "OK")),
    ("example.com # ours", ("example.com", "1")),
    ("example.com#ours", ("example.com", "1")),
    ('"a # b"@example.com 3', ('"a # b"@example.com', "3")),
    ('"a \\" # b"@example.com', ('"a \\" # b"@example.com', "1")),
    ("example.com a value of words", ("example.com", "a value of words")),
    ("example.com\r", ("example.com", "1")),
    ("# nothing", None),
    ("", None),
    ("   \t ", None),
    (" example.com", ("", "example.com")),
]


@pytest.mark.parametrize("line, expected", LINES, ids=[repr(case[0]) for case in LINES])
def test_a_line_is_a_key_and_a_value(line: str, expected: tuple[str, str] | None) -> None:
    """read_hash of amavisd (K-4): comments, blanks, quotes."""
    assert list(entries(line)) == ([Entry(1, *expected)] if expected else [])


@given(st.text(st.characters(exclude_characters="\n"), max_size=60))
def test_no_line_is_too_odd(line: str) -> None:
    """P6."""
    for entry in entries(line):
        assert entry.key or entry.value


BOOLEANS = [
    ("", False), (" ", False), ("\0", False), ("0", False), ("00 ", False), ("N", False),
    ("n ", False), ("F", False), ("f", False), ("FALSE", False), ("no", False), ("off", False),
    ("Y", True), ("1", True), ("TRUE", True), ("01", True), ("nn", True), ("x", True), (" 1", True),
]  # fmt: skip


@pytest.mark.parametrize("text, meaning", BOOLEANS, ids=[repr(case[0]) for case in BOOLEANS])
def test_booleans_are_spelt_as_in_amavisd(text: str, meaning: bool) -> None:
    """P-3, BB-32; "no", "off" and "false" are false, too."""
    assert is_true(text) is meaning
    assert typed_value("virus_lover", text) is meaning


VALUES = [
    ("spam_kill_level", "6.31", 6.31),
    ("spam_kill_level", "6.31abc", 6.31),
    ("spam_kill_level", " -1e1", -10.0),
    ("spam_kill_level", "", 0.0),
    ("spam_kill_level", "never", float("inf")),
    ("message_size_limit", "", 0),
    ("message_size_limit", "10000000 octets", 10000000),
    ("message_size_limit", "1.9", 1),
    ("spam_subject_tag2", "***SPAM*** ", "***SPAM*** "),
    ("spam_quarantine_to", "", ""),
    ("spam_destiny", "reject", "reject"),
]


@pytest.mark.parametrize("name, text, value", VALUES)
def test_other_values_are_read_as_in_amavisd(name: str, text: str, value: object) -> None:
    """P-3, BB-32: a number is what the text begins with, "" is 0; text keeps its blanks."""
    assert typed_value(name, text) == value


@pytest.mark.parametrize(
    "name, text", [("spam_kill_level", "high"), ("spam_destiny", "D_PASS"), ("virus_admin", "\0")]
)
def test_what_is_no_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(Refused):
        typed_value(name, text)


# Local domains


def test_local_domains_are_shared_with_postfix(file: Path) -> None:
    """K-4, K-11: the article's read_hash(\\%local_domains, '/etc/postfix/local_domains')."""
    source = read(
        file, "example.com OK\n.Example.ORG.\nbücher.de\n# old.example\n", "local_domains"
    )
    assert domains() == {"example.com", ".example.org", "xn--bcher-kva.de"}
    assert (source.entries, source.failed, source.last_result) == (3, False, "3 rows")
    book = DatabasePolicySource().load([], [BOB])
    assert is_local(book, BOB)
    read(file, "example.org\n.example.org\n", "local_domains")
    assert domains() == {"example.org", ".example.org"}


def test_bad_lines_are_told_and_the_others_read(file: Path) -> None:
    text = "example.com\nno domain at all\nuser@example.com\n indented.example\nx.example no\n-\n"
    source = read(file, text, "local_domains")
    assert domains() == {"example.com", "no"}
    for line in (
        "line 3:",
        "line 4: the line begins with a blank",
        "line 5: x.example is excepted",
    ):
        assert line in source.last_result
    assert "line 6" in source.last_result
    assert not source.failed


def test_at_most_ten_bad_lines_are_told(file: Path) -> None:
    source = read(file, "example.com\n" + "@@\n" * 25, "local_domains")
    assert source.last_result.endswith("and 15 more")
    assert source.last_result.count("line ") == 10


def test_a_domain_made_by_hand_stays_so(file: Path) -> None:
    add_domain(name="example.com", **WHO)
    read(file, "example.com\nexample.org\n", "local_domains")
    assert domains() == {"example.org"}
    remove_source(name="keys", **WHO)
    assert set(Domain.objects.values_list("name", flat=True)) == {"example.com"}


def test_what_a_source_brought_is_not_changed_by_hand(file: Path) -> None:
    read(file, "example.org\n", "local_domains")
    with pytest.raises(Refused, match="keys"):
        remove_domain(name="example.org", **WHO)
    remove_source(name="keys", **WHO)
    read(file, "ann@example.org\n", "allow")
    with pytest.raises(Refused, match="keys"):
        remove_sender(key="@.", sender="ann@example.org", **WHO)


# Lists of senders and settings


def test_white_and_black_lists_are_read(file: Path) -> None:
    """K-4, W-3: a value that is false excepts one from a wider entry (K-3)."""
    read(file, ".example.org\nann@example.org 0\nuser@ 1\n<> 1\n. 0\n", "allow", key="example.com")
    assert senders() == {
        ".example.org": ("allow", 0.0),
        "ann@example.org": ("score", 0.0),
        "user@": ("allow", 0.0),
        "": ("allow", 0.0),
        "@.": ("score", 0.0),
    }
    assert SenderRule.objects.filter(key="example.com", source="keys").count() == 5
    for sender, white in ((b"ann@example.org", False), (b"x@sub.example.org", True)):
        address = parse_address(sender)
        book = DatabasePolicySource().load([address], [BOB])
        assert match_senders(book, BOB, [address], NOW).white is white


def test_points_are_read(file: Path) -> None:
    """W-4: score_sender_maps."""
    source = read(file, "a@example.org -3.5\nexample.net 2\nb@example.org many\n", "score")
    assert senders() == {"a@example.org": ("score", -3.5), "example.net": ("score", 2.0)}
    assert "line 3" in source.last_result


def test_any_setting_is_read_by_recipient(file: Path) -> None:
    """K-8: what is made by hand goes before what a source says."""
    text = "bob@example.com\nexample.com 0\n"
    read(file, text, "virus_lover")
    book = DatabasePolicySource().load([], [BOB])
    policy = resolve(book, BOB)
    assert policy.settings.virus_lover is True
    set_fields(key="bob@example.com", values={"virus_lover": "no"}, **WHO)
    policy = resolve(DatabasePolicySource().load([], [BOB]), BOB)
    assert policy.settings.virus_lover is False


def test_of_a_key_that_comes_twice_the_last_counts(file: Path) -> None:
    read(file, "bob@example.com 5\nBob@Example.com 7\n", "spam_kill_level")
    (layer,) = PolicyLayer.objects.filter(source="keys")
    assert layer.spam_kill_level == 7


def test_a_changed_line_changes_its_row_and_keeps_its_hits(file: Path) -> None:
    read(file, "a@example.org 1\nb@example.org 2\n", "score")
    SenderRule.objects.filter(sender="a@example.org").update(hits=7)
    read(file, "a@example.org 3\nb@example.org 2\n", "score")
    assert SenderRule.objects.get(sender="a@example.org", source="keys").hits == 7
    assert senders()["a@example.org"] == ("score", 3.0)


# Nothing changes unless all is well


def refused(file: Path, text: str | bytes, holds: str = "local_domains") -> str:
    """Read a file that has to be refused; return what is kept of the reason."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = domains()
    with pytest.raises(Refused):
        read_source(name="keys", **WHO)
    source = Source.objects.get()
    assert source.failed
    assert domains() == before
    return source.last_result


def test_an_unreadable_file_changes_nothing(file: Path) -> None:
    read(file, "example.com\n", "local_domains")
    last = Source.objects.get().last_read_at
    file.unlink()
    with pytest.raises(Refused, match="cannot read"):
        read_source(name="keys", **WHO)
    source = Source.objects.get()
    assert (source.failed, source.last_read_at, source.entries) == (True, last, 1)
    assert source.last_result.startswith("nothing changed: cannot read")
    assert domains() == {"example.com"}
    file.mkdir()
    with pytest.raises(Refused, match="cannot read"):
        read_source(name="keys", **WHO)


def test_an_empty_file_needs_force_where_there_were_rows(file: Path) -> None:
    read(file, "", "local_domains")
    read(file, "example.com\n", "local_domains")
    assert "--force" in refused(file, "# all gone\n")
    read(file, "", "local_domains", force=True)
    assert domains() == set()
    assert not Source.objects.get().failed


def test_a_file_that_was_cut_off_needs_force(file: Path) -> None:
    read(file, "".join(f"d{n}.example\n" for n in range(20)), "local_domains")
    assert "9 rows where there were 20" in refused(
        file, "".join(f"d{n}.example\n" for n in range(9))
    )
    read(file, "".join(f"d{n}.example\n" for n in range(10)), "local_domains")
    assert len(domains()) == 10


def test_a_file_that_changes_while_it_is_read_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(file, "example.com\n", "local_domains")
    real = os.fstat
    calls: list[int] = []

    def fstat(number: int) -> os.stat_result:
        calls.append(number)
        if len(calls) == 2:
            os.utime(file, (1, 1))
        return real(number)

    monkeypatch.setattr("appliance.sources.files.os.fstat", fstat)
    with pytest.raises(Refused, match="while it was read"):
        read_source(name="keys", **WHO)


def test_a_file_that_is_too_large_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.sources.files.LONGEST_FILE_BYTES", 100)
    read(file, "example.com\n", "local_domains")
    assert "larger than" in refused(file, "x" * 101)


def test_octets_that_are_no_text_are_bad_lines(file: Path) -> None:
    read(file, "example.com\n", "local_domains")
    file.write_bytes(b"example.com\n\xff\xfe\x00@\n")
    source = read_source(name="keys", **WHO)
    assert "line 2" in source.last_result
    assert domains() == {"example.com"}


# The record, and names


def test_a_reading_is_recorded_where_it_changed_something(file: Path) -> None:
    read(file, "example.com\nexample.net\n", "local_domains")
    change = PolicyChange.objects.first()
    assert (change.verb, change.key, change.before) == ("sources read", "keys", {"rows": 0})
    assert change.after["added"] == ["domain example.com", "domain example.net"]
    number = change.number
    read_source(name="keys", **WHO)
    assert PolicyChange.objects.first().number == number


def test_names_and_places_are_checked(file: Path) -> None:
    how = {"path": str(file), "holds": "allow", **WHO}
    for name in ("", " keys", "a\nb", "x" * 101):
        with pytest.raises(Refused):
            add_file(name=name, **how)
    with pytest.raises(Unknown, match="local_domains"):
        add_file(**{**how, "name": "keys", "holds": "nonsense"})
    with pytest.raises(Refused, match="whole path"):
        add_file(**{**how, "name": "keys", "path": "keys"})
    with pytest.raises(Refused):
        add_file(**{**how, "name": "keys", "key": "<>"})
    add_file(name="keys", **how)
    with pytest.raises(Refused, match="already"):
        add_file(name="keys", **how)
    with pytest.raises(Unknown, match="keys"):
        read_source(name="other", **WHO)
    assert {"local_domains", "allow", "block", "score", *FIELDS} == set(HOLDS)


def test_a_row_that_is_neither_file_nor_directory_cannot_be_stored() -> None:
    with pytest.raises(Exception, match="source_is_a_file_or_a_directory"):
        Source.objects.create(name="odd", kind="file", path="relative", holds="allow")


def test_sources_are_exported_and_the_rows_that_they_bring_are_not(file: Path) -> None:
    read(file, "example.com\n", "local_domains", every_minutes=5)
    export = export_rows()
    assert export["domains"] == []
    (row,) = export["sources"]
    assert (row["name"], row["path"], row["every_minutes"]) == ("keys", str(file), 5)
    remove_source(name="keys", **WHO)
    import_rows(document=export, **WHO)
    assert export_rows() == export
    read_source(name="keys", **WHO)
    assert domains() == {"example.com"}
    import_rows(document={**export, "sources": [{**row, "every_minutes": 7}]}, **WHO)
    assert Source.objects.get().every_minutes == 7
    assert domains() == {"example.com"}
    directory = {"name": "keys", "kind": "ldap", "url": "ldap://127.0.0.1", "base_dn": "dc=x"}
    import_rows(document={**export, "sources": [directory]}, **WHO)
    assert Source.objects.get().path == ""
    import_rows(document={**export, "sources": []}, **WHO)
    assert not Source.objects.exists()
    assert domains() == set()
    for wrong in ({"path": "keys"}, {"path": 7}, {"every_minutes": "x"}, {"kind": "odd"}):
        with pytest.raises(Refused):
            import_rows(document={**export, "sources": [{**row, **wrong}]}, **WHO)


# The schedule


def test_what_is_due_is_read_and_nothing_else(file: Path) -> None:
    now = datetime.now(UTC)
    add_file(name="new", path=str(file), holds="allow", **WHO)
    add_file(name="rare", path=str(file), holds="allow", every_minutes=90, **WHO)
    add_file(name="by hand", path=str(file), holds="allow", every_minutes=0, **WHO)
    Source.objects.filter(name="rare").update(tried_at=now - timedelta(minutes=89))
    assert [source.name for source in due_sources(now)] == ["new"]
    assert [source.name for source in due_sources(now + timedelta(minutes=2))] == ["new", "rare"]


def test_the_schedule_reads_and_keeps_what_went_wrong(file: Path, settings: Any) -> None:
    from appliance.celery import app
    from appliance.sources.tasks import read_due

    assert "sources.read_due" in {task["task"] for task in app.conf.beat_schedule.values()}
    app.conf.task_always_eager = True
    try:
        add_file(name="keys", path=str(file), holds="allow", **WHO)
        read_due()
        assert Source.objects.get().failed
        file.write_text("ann@example.org\n")
        read_due()
        assert senders() == {}, "it is not due yet"
        Source.objects.update(tried_at=datetime.now(UTC) - timedelta(hours=2))
        read_due()
        assert senders() == {"ann@example.org": ("allow", 0.0)}
        assert PolicyChange.objects.first().who == "schedule"
    finally:
        app.conf.task_always_eager = False


# Writing


def test_local_domains_are_written_for_postfix_and_read_again(tmp_path: Path, file: Path) -> None:
    """K-4: one with all below is written in both forms, as Postfix needs it."""
    for name in ("example.com", ".example.org"):
        add_domain(name=name, **WHO)
    target = tmp_path / "local_domains"
    target.write_text("old")
    target.chmod(0o640)
    assert write_file(holds="local_domains", path=str(target)) == 3
    lines = target.read_text().splitlines()
    assert lines[1:] == [".example.org\tOK", "example.com\tOK", "example.org\tOK"]
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_written_list_is_read_as_the_same_rows(tmp_path: Path, file: Path) -> None:
    """K-4."""
    names = ("ann@example.org", ".example.net", "user@", "<>", "@.", '"a \\" # b"@example.org')
    for action in ("allow", "block", "2.5"):
        SenderRule.objects.all().delete()
        holds = action if action.isalpha() else "score"
        for sender in names:
            add_sender(key="example.com", sender=sender, action=action, **WHO)
        target = tmp_path / holds
        assert write_file(holds=holds, path=str(target), key="example.com") == len(names)
        Source.objects.all().delete()
        read(file, target.read_text(), holds, key="example.com")
        by_hand = {
            rule.sender: (rule.action, rule.points) for rule in SenderRule.objects.filter(source="")
        }
        assert senders() == by_hand


def test_entries_that_a_file_cannot_say_are_left_out(tmp_path: Path) -> None:
    """W-8: an allow entry that asks for proof must not become one that does not."""
    add_sender(key="@.", sender="a@example.org", action="allow", authenticated=True, **WHO)
    over = datetime(2020, 1, 1, tzinfo=UTC)
    add_sender(key="@.", sender="b@example.org", action="allow", expires_at=over, **WHO)
    assert write_file(holds="allow", path=str(tmp_path / "allow")) == 0


def test_a_file_that_cannot_be_written_is_left_as_it_is(tmp_path: Path, file: Path) -> None:
    with pytest.raises(Refused, match="cannot write"):
        write_file(holds="allow", path=str(tmp_path / "nowhere" / "file"))
    with pytest.raises(Refused, match="cannot write"):
        write_file(holds="allow", path=str(tmp_path))
    with pytest.raises(Unknown):
        write_file(holds="spam_lover", path=str(tmp_path / "x"))
    read(file, "", "allow")
    with pytest.raises(Refused, match="is read by"):
        write_file(holds="allow", path=str(file))
    assert list(tmp_path.iterdir()) == [file]


# The command


def test_the_command_adds_reads_lists_writes_and_removes(run: Any, file: Path) -> None:
    file.write_text("ann@example.org\n")
    added = run("sources", "add", "keys", "--file", str(file), "--holds", "allow", "--json")
    assert (added.code, added.document["kind"], added.document["key"]) == (0, "file", "@.")
    assert "not read yet" in run("sources", "list").out
    done = run("sources", "read", "keys", "--json").document
    assert (done["entries"], done["failed"], done["last_result"]) == (1, False, "1 row")
    assert "1 row" in run("sources", "list").out
    file.write_text("")
    failed = run("sources", "read", "keys")
    assert (failed.code, failed.err.count("\n")) == (1, 1)
    assert "FAILED" in run("sources", "list").out
    assert run("sources", "read", "keys", "--force").code == 0
    written = file.with_name("out")
    assert run("sources", "write", "allow", str(written), "--json").document["lines"] == 0
    assert run("sources", "remove", "keys").code == 0
    assert run("sources", "list", "--json").document == []


@pytest.mark.parametrize(
    "arguments, code",
    [
        (("add", "keys"), 2),
        (("add", "keys", "--file", "/x"), 1),
        (("add", "keys", "--file", "/x", "--holds", "nonsense"), 2),
        (("add", "keys", "--ldap", "ldap://127.0.0.1"), 1),
        (("add", "keys", "--file", "/x", "--holds", "allow", "--every", "-1"), 1),
        (("read", "nothing"), 2),
        (("remove", "nothing"), 2),
        (("write", "nonsense", "/x"), 2),
    ],
)
def test_the_command_refuses(run: Any, arguments: tuple[str, ...], code: int) -> None:
    assert run("sources", *arguments).code == code
    assert not Source.objects.exists()


def test_a_reading_is_one_step_for_the_filter(file: Path) -> None:
    """No message sees half of a source: all rows change in one transaction."""
    read(file, "a.example\nb.example\n", "local_domains")
    with pytest.raises(Exception, match="sources_source"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sources_source ADD CONSTRAINT no CHECK (entries < 3)")
        read(file, "c.example\nd.example\ne.example\n", "local_domains")
