"""The dialogues in MANUAL.md, typed line by line as the article has it: into the filter, and into
the next hop.
"""

import re
from pathlib import Path

import pytest

from tests.doubles.next_hop import NextHop
from tests.doubles.upstream import Upstream
from tests.flows.mails import EICAR
from tests.flows.running import RunningFilter

MANUAL = Path(__file__).resolve().parents[2] / "MANUAL.md"
DIALOGS = re.findall(r"```dialog (\d+)\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)


def test_the_manual_has_the_dialogues_of_both_ports() -> None:
    assert [port for port, _ in DIALOGS] == ["10025", "10025", "10026"]


@pytest.mark.parametrize(
    "port, dialog", DIALOGS, ids=[f"{n}-{d[0]}" for n, d in enumerate(DIALOGS)]
)
def test_a_dialogue_goes_as_the_manual_says(
    postern: RunningFilter, hop: NextHop, port: str, dialog: str
) -> None:
    address = {"10025": postern.address, "10026": hop.address}[port]
    lines = (
        dialog.replace("{EICAR}", EICAR)
        .replace("10026): 250", f"{hop.address[1]}): 250")
        .splitlines()
    )
    assert lines.pop(0).startswith("$ telnet ")
    with Upstream(address) as client:
        heard = client.greeting
        for line in lines:
            said = line[2:]
            if line.startswith("<"):
                heard = heard or client.reply()
                assert re.fullmatch(re.escape(said).replace(r"\.\.\.", ".*"), heard, re.DOTALL), (
                    heard
                )
                heard = ""
            else:
                client.send(said.encode() + b"\r\n")
