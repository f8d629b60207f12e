"""Recipients whose mail ends differently: one reply for all by SMTP, each his own by LMTP (F-1,
F-2, F-5, F-6, O-7 to O-9, X-9; BB-9, BB-19, BB-26, BB-27).
"""

from itertools import combinations

import pytest

from quarantine.models import Notice
from tests.flows.black_box import Box
from tests.flows.mails import mail

PASSED = r"250 2.0.0 from MTA(smtp:[127.0.0.1]:{port}): 250 2.0.0 Ok: queued as Q1"
DISCARDED = "250 2.7.0 Ok, discarded, id={id} - spam"
BOUNCED = "250 2.5.0 Ok, id={id}, BOUNCE"
REJECTED = "554 5.7.0 Reject, id={id} - spam"
BY_LMTP = {
    "pass": "250 2.0.0 Ok: queued as Q1",
    "discard": DISCARDED,
    "bounce": "250 2.5.0 Ok <{address}>, DSN was sent (554 5.7.0 Bounce, id={id} - spam)",
    "reject": REJECTED,
}
OUTCOMES = {"pass": "delivered", "discard": "held", "bounce": "bounced", "reject": "rejected"}

# One recipient for each word, the last one doubled where there would be fewer than three: the reply
# of F-1, and for how many recipients a notice goes to the sender.
MIXES = {
    "pass": (PASSED, 0),
    "discard": (DISCARDED, 0),
    "bounce": (BOUNCED, 3),
    "reject": (REJECTED, 0),
    "pass discard": (f"{PASSED}, but 2 DISCARD", 0),
    "pass bounce": (f"{PASSED}, but 2 BOUNCE", 2),
    "pass reject": (f"{PASSED}, but 2 REJECT", 2),
    "discard bounce": ("250 2.5.0 Ok, id={id}, 2 BOUNCE, and 1 DISCARD", 2),
    "discard reject": ("250 2.5.0 Ok, id={id}, 2 REJECT, and 1 DISCARD", 2),  # no 554 for all
    "bounce reject": ("250 2.5.0 Ok, id={id}, 1 BOUNCE, and 2 REJECT", 3),
    "pass discard bounce": (f"{PASSED}, but 1 BOUNCE, and 1 DISCARD", 1),
    "pass discard reject": (f"{PASSED}, but 1 REJECT, and 1 DISCARD", 1),
    "pass bounce reject": (f"{PASSED}, but 1 BOUNCE, and 1 REJECT", 2),
    "discard bounce reject": ("250 2.5.0 Ok, id={id}, 1 BOUNCE, and 1 REJECT, and 1 DISCARD", 2),
    "pass discard bounce reject": (f"{PASSED}, but 1 BOUNCE, and 1 REJECT, and 1 DISCARD", 2),
}


def test_the_table_has_all_mixes() -> None:
    destinies = ("pass", "discard", "bounce", "reject")
    mixes = [" ".join(mix) for size in range(1, 5) for mix in combinations(destinies, size)]
    assert sorted(MIXES) == sorted(mixes)
    assert len(mixes) == 15


def recipients(box: Box, mix: str) -> dict[str, str]:
    """Return three recipients or more with their destinies; the mail will be spam for all."""
    words = mix.split()
    words += words[-1:] * (3 - len(words))
    found = {f"r{number}@example.com": word for number, word in enumerate(words)}
    for address, word in found.items():
        box.set(address, f"spam_destiny={word}")
    box.engines.says(score=10)
    return found


def check_ends(box: Box, mix: dict[str, str], told: int) -> None:
    """Each ended as his policy says, and one notice tells the sender of as many as it should."""
    for address, word in mix.items():
        assert box.row(address)["outcome"] == OUTCOMES[word]
        assert box.got(address) is (word == "pass")
    reports = box.reports()
    assert len(reports) == bool(told)
    assert sum(str(report).count("Final-Recipient: ") for report in reports) == told


@pytest.mark.parametrize("mix", MIXES)
def test_smtp_has_one_reply_for_the_mixture(box: Box, mix: str) -> None:
    """BB-19, F-1, F-6."""
    expected, told = MIXES[mix]
    found = recipients(box, mix)
    reply = box.send(mail(), *found)
    assert reply == expected.format(id=box.entry()["mail_id"], port=box.hop.address[1])
    check_ends(box, found, told)


@pytest.mark.parametrize("mix", MIXES)
def test_lmtp_has_a_reply_for_each(box: Box, mix: str) -> None:
    """BB-19, BB-27, F-2: what is rejected is passed back, so only bounces are told."""
    found = recipients(box, mix)
    replies = box.send_each(mail(), *found)
    mail_id = box.entry()["mail_id"]
    assert replies == [
        BY_LMTP[word].format(id=mail_id, address=address) for address, word in found.items()
    ]
    check_ends(box, found, told=list(found.values()).count("bounce"))


def test_a_retry_repeats_no_copy_no_held_copy_and_no_notice(box: Box) -> None:
    """BB-26, O-8, O-9: amavisd delivers the first group twice."""
    queued = {"xforward": "IDENT=4ABC ADDR=192.0.2.1"}
    box.engines.says(score=10)
    one, two, three, held, bounced = (f"{n}@example.com" for n in ("1", "2", "3", "4", "5"))
    for number, address in enumerate((one, two, three)):
        box.set(address, "spam_destiny=pass", f"spam_subject_tag2=[{number}] ")
    box.set(held, "spam_destiny=discard", "spam_admin=admin@example.com")
    box.set(bounced, "spam_destiny=bounce")
    everyone = (one, two, three, held, bounced)
    box.hop.script.rcpt[two] = "450 4.2.1 busy"

    assert box.send(mail(), *everyone, **queued).startswith("450 4.2.1 ")
    assert [box.got(address) for address in everyone] == [True, False, False, False, False]
    assert not box.reports()
    box.hop.script.rcpt.clear()
    reply = box.send(mail(), *everyone, **queued)
    assert reply.endswith("but 1 BOUNCE, and 1 DISCARD")
    assert [box.got(address) for address in everyone] == [True, True, True, False, False]
    assert box.send(mail(), *everyone, **queued)[:3] == "250"

    assert [box.got(address) for address in everyone] == [True, True, True, False, False]
    assert len(box.reports()) == 1
    kept = box.manage("quarantine", "list")
    assert [entry["recipient"] for entry in kept] == [held, bounced]
    assert len(box.manage("mails", "list")) == 1
    assert Notice.objects.count() == 1  # to the administrator
