"""Recorded changes are found by what they are about: no verb is missing from its kind."""

import re
from pathlib import Path

from appliance.policies.kinds import KINDS

ROOT = Path(__file__).parents[2]
EVENTS = {"alarm", "learn", "node", "queue"}  # deeds that change no row of the policy
_RECORDED = re.compile(r'\bverb="([a-z ]+)"')


def test_every_recorded_verb_is_of_a_kind() -> None:
    """Who filters by "Accounts" must not miss a new link or a dropped second factor."""
    sources = [file for area in ("appliance", "quarantine") for file in (ROOT / area).rglob("*.py")]
    recorded = {verb for file in sources for verb in _RECORDED.findall(file.read_text())}
    known = {verb for kind in KINDS for verb in kind.verbs}

    assert {"policy change", "users link"} <= recorded
    assert {verb for verb in recorded - known if verb.split()[0] not in EVENTS} == set()
