"""The spool on its own: budget, leftovers, the scanners' group (F22, O-2)."""

import grp
import os
from pathlib import Path

import pytest

from smtpfilter.config import ConfigError
from smtpfilter.errors import SpoolFull
from smtpfilter.smtp.spool import Spool


def test_a_message_can_be_read_until_it_is_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100)
    file = spool.open()
    file.write(b"hello ")
    file.write(b"world")
    mail = file.finish()
    assert bytes(mail.octets) == mail.path.read_bytes() == b"hello world"
    assert mail.path.parent == mail.folder
    file.remove()
    assert not mail.folder.exists()
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_the_budget_is_of_all_messages_together_and_comes_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    first, second = spool.open(), spool.open()
    first.write(b"123456")
    assert spool.has_room(4)
    assert not spool.has_room(5)
    with pytest.raises(SpoolFull):
        second.write(b"12345")
    second.write(b"1234")
    first.remove()
    first.remove()
    assert spool.has_room(6)
    assert not spool.has_room(7)
    spool.close()


def test_a_view_that_is_still_held_does_no_harm(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    file = spool.open()
    file.write(b"hello")
    view = memoryview(file.finish().octets)
    file.remove()
    assert bytes(view) == b"hello"
    view.release()
    spool.close()


def test_only_the_folders_of_the_dead_are_removed(tmp_path: Path) -> None:
    dead = tmp_path / "postern-dead"
    (dead / "message").mkdir(parents=True)
    (dead / "message" / "0001").write_text("x")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "postern-link").symlink_to(elsewhere)
    (tmp_path / "postern-file").write_text("not ours")
    living = Spool(tmp_path, 10)
    file = living.open()
    another = Spool(tmp_path, 10)
    assert not dead.exists()
    assert elsewhere.exists()
    assert (tmp_path / "postern-file").exists()
    file.write(b"here")
    assert file.finish().path.exists()
    living.close()
    another.close()


def test_the_scanners_group_may_read_and_nobody_else(tmp_path: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    spool = Spool(tmp_path, 10, group)
    file = spool.open()
    mail = file.finish()
    for folder in (mail.folder, mail.folder.parent):
        assert folder.stat().st_mode & 0o7777 == 0o2750
        assert folder.stat().st_gid == os.getgid()
    assert mail.path.stat().st_mode & 0o777 == 0o640
    spool.close()


def test_an_unknown_group_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="FILTER_SCAN_GROUP: there is no group 'nobody-here'"):
        Spool(tmp_path, 10, "nobody-here")
