"""Names of viruses that are worth points, and those that stay viruses (V-4, BB-47)."""

import pytest

from smtpfilter.mail.findings import Findings, Virus
from smtpfilter.policy.banning import check_pattern
from smtpfilter.policy.site import NamePoints
from smtpfilter.policy.virus_names import BUILT_IN, deciding_rule, rated

PHISH, SCAM = "Heuristics.Phishing.Email.SpoofedDomain", "Sanesecurity.Scam.123"
WORM = "Win.Worm.Klez-1"


def points(name: str, *rules: NamePoints) -> float | None:
    (virus,) = rated([Virus(name, "clamd")], rules)
    return virus.points


@pytest.mark.parametrize(
    ("name", "worth"),
    [
        ("Structured.SSN", 0.1),
        ("Structured.CreditCardNumber", 0.1),
        ("Heuristics.Structured.SSN", 0.1),
        (PHISH, 0.1),
        ("Phishing.Heuristics.Email.Cloaked", 0.1),
        ("Email.Phishing.VOF1-6297806-1", 0.1),
        ("HTML.Phishing.Bank-1", 0.1),
        ("Safebrowsing.Suspected-malware_safebrowsing.clamav.net", 0.1),
        (SCAM, 0.1),
        ("Sanesecurity.Malware.24430.ZipHeur", None),
        ("Sanesecurity.Rogue.0hr.1", None),
        ("Sanesecurity.Trojan.7", None),
        ("Sanesecurity.Foxhole.Zip_fs1", None),
        ("Sanesecurity_PhishBar_1", 0.0),
        ("Email.Spam.Bounce.7.Sanesecurity.1", 0.0),
        ("MSRBL-SPAM.1", 0.1),
        ("VX.not-virus_Hoax.Win32.1-SecuriteInfo.com.2", 0.1),
        ("Email.Spam.9-SecuriteInfo.com", 0.1),
        ("SecuriteInfo.com.Trojan.Agent.1", None),
        ("winnow.spam.ts.1", 0.1),
        ("winnow.malware.1", None),
        ("INetMsg.SpamDomain-2w.x_com", 0.1),
        ("Doppelstern.Scam.1", 0.1),
        ("Bofhland.Phishing.1", 0.1),
        ("Bofhland.Malware.URL.1", None),
        ("ScamNailer.Phish.x", 0.1),
        ("PORCUPINE_JUNK.1", 0.1),
        ("Win.Test.EICAR_HDB-1", None),
        ("Eicar-Test-Signature", None),
        ("Win.Trojan.Phishing.Heuristics.Phishing.1", None),  # only a beginning counts
        ("unnamed", None),
        ("", None),
    ],
)
def test_the_list_that_we_bring_along(name: str, worth: float | None) -> None:
    """V-4: what fraud and spam is called is worth points, what malware is called is a virus."""
    assert points(name) == worth


def test_every_pattern_of_ours_is_one_that_a_screen_would_take() -> None:
    for rule in BUILT_IN:
        check_pattern(rule.pattern)
        assert rule.comment


def test_the_first_that_matches_decides_and_a_list_of_the_site_replaces_ours() -> None:
    """V-4."""
    rules = (NamePoints("^Sanesecurity", None), NamePoints("Scam", 2.5))

    assert points(SCAM, *rules) is None
    assert points("Other.Scam", *rules) == 2.5
    assert points(PHISH, *rules) is None
    assert deciding_rule(rules, "Other.Scam") is rules[1]
    assert deciding_rule(rules, WORM) is None


@pytest.mark.parametrize("pattern", ["(", "", "(a+)+$"])
def test_a_pattern_that_is_none_or_takes_too_long_leaves_the_name_a_virus(pattern: str) -> None:
    """P3: however it came into the list."""
    slow = "a" * 500 + "!"
    assert points(slow, NamePoints(pattern, 1.0)) is None
    after = points(slow, NamePoints(pattern, 1.0), NamePoints("a", 2.0))
    assert after == (None if pattern.startswith("(a") else 2.0)


CLAMD_PHISH, CLAMD_SCAM = Virus(PHISH, "clamd"), Virus(SCAM, "clamd")
CLAMD_WORM, OTHER_WORM = Virus(WORM, "clamd"), Virus(WORM, "sophie")


@pytest.mark.parametrize(
    ("found", "infections", "signs"),
    [
        ((), "", ""),
        ((CLAMD_PHISH, CLAMD_SCAM), "", f"{PHISH} {SCAM}"),
        ((CLAMD_PHISH, CLAMD_WORM), f"{PHISH} {WORM}", ""),
        ((CLAMD_PHISH, OTHER_WORM), WORM, PHISH),
        ((OTHER_WORM,), WORM, ""),
    ],
)
def test_one_name_that_is_worth_nothing_makes_a_scanners_finding_a_virus(
    found: tuple[Virus, ...], infections: str, signs: str
) -> None:
    """V-4: by scanner; what one calls a sign of spam clears nothing that another found."""
    findings = Findings(viruses=rated(found, ()))

    assert " ".join(virus.name for virus in findings.infections) == infections
    assert " ".join(virus.name for virus in findings.signs_of_spam) == signs


def test_what_nobody_rated_is_a_virus() -> None:
    """P3: findings of an earlier Postern, too."""
    assert Findings(viruses=(CLAMD_PHISH,)).infections == (CLAMD_PHISH,)
    assert Findings(viruses=None).infections == Findings(viruses=None).signs_of_spam == ()
