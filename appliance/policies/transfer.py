"""Every runtime row as one JSON document, and back: `policy export` and `policy import [--plan]`.

A document says how each of its sections shall be; a section that is left out stays as it is.
Passwords are not in it: an account made by an import has none until one is set, and no import
removes an account.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.db import Error, transaction

from appliance.errors import Refused
from appliance.policies.revisions import flat, record
from appliance.policies.sections import SECTIONS, Key, Section
from smtpfilter.mail.findings import visible

VERSION = 1

Rows = dict[tuple[str, Key], dict[str, Any]]  # by section and key


def export_rows() -> dict[str, Any]:
    """Return everything that is configured at run time, as JSON."""
    return {"version": VERSION} | {section.name: section.rows() for section in SECTIONS}


def import_rows(*, document: object, actor: str, plan_only: bool = False) -> list[str]:
    """Make the rows what `document` says; return one line per difference, [] for no change.

    One transaction; with `plan_only` it is taken back, so that a plan is what really would change.
    Raises Refused.
    """
    wanted = _wanted(document)
    with transaction.atomic():
        before = _stored()
        _apply(before, wanted)
        after = _stored()
        lines = _difference(before, after, actor)
        transaction.set_rollback(plan_only)
    return lines


def _wanted(document: object) -> dict[Section, dict[Key, Mapping[str, Any]]]:
    if not isinstance(document, Mapping) or document.get("version") != VERSION:
        raise Refused(f"this is no export of version {VERSION}")
    names = [section.name for section in SECTIONS]
    for name in document:
        if name not in (*names, "version"):
            raise Refused(f"unknown section {name!r}; the sections are: {', '.join(names)}")
    return {s: _by_key(s, document[s.name]) for s in SECTIONS if s.name in document}


def _by_key(section: Section, rows: object) -> dict[Key, Mapping[str, Any]]:
    if not isinstance(rows, list):
        raise Refused(f"{section.name}: a list is expected")
    found: dict[Key, Mapping[str, Any]] = {}
    for row in rows:
        if not isinstance(row, dict) or not set(row) <= set(section.fields):
            raise Refused(f"{section.name}: an object of {', '.join(section.fields)} is expected")
        try:
            key = section.key(row)
        except (KeyError, AttributeError, TypeError):
            raise Refused(f"{section.name}: a row has no {section.fields[0]}") from None
        if key in found:
            raise Refused(f"{section.name}: {' '.join(key)} stands there twice")
        found[key] = row
    return found


def _stored() -> Rows:
    return {(section.name, section.key(row)): row for section in SECTIONS for row in section.rows()}


def _apply(before: Rows, wanted: dict[Section, dict[Key, Mapping[str, Any]]]) -> None:
    """Add and change in the order of sections, then remove backwards: layers before policies."""
    for section, rows in wanted.items():
        for key, row in rows.items():
            if before.get((section.name, key)) != row:
                _put(section, key, row)
    for section in reversed(wanted):
        for name, key in before:
            if name == section.name and section.drop and key not in wanted[section]:
                section.drop(key)


def _put(section: Section, key: Key, row: Mapping[str, Any]) -> None:
    where = f"{section.name} {' '.join(key)}"
    try:
        section.put(row)
    except Refused as error:
        raise Refused(f"{where}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"{where}: not complete, or of a wrong type ({error})") from None
    except Error as error:
        raise Refused(f"{where}: {str(error).splitlines()[0]}") from None


def _difference(before: Rows, after: Rows, actor: str) -> list[str]:
    """Return what changed as lines of a diff, and record it."""
    lines: list[str] = []
    for place in [*after, *(gone for gone in before if gone not in after)]:
        old, new = before.get(place), after.get(place)
        if old != new:
            section, key = place
            lines += _told(f"{section} {' '.join(key)}", old, new)
            record(who=actor, verb=f"import {section}", key=" ".join(key), before=old, after=new)
    return [visible(line) for line in lines]


def _told(where: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    if old is None or new is None:
        sign, row = ("-", old) if new is None else ("+", new)
        return [f"{sign} {where} {json.dumps(row, ensure_ascii=False)}"]
    was, now = flat(old), flat(new)
    return [
        f"~ {where} {name}: {json.dumps(was.get(name))} -> {json.dumps(now.get(name))}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]
