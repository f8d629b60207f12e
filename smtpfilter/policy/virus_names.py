"""What virus scanners report that is no virus: names that are worth points instead (V-4).

Scanners also name phishing, spam, hoaxes and numbers of credit cards, by lists that err more often
than signatures of malware do.  Such a name adds to the score; the mail is infected all the same as
soon as a scanner reports one name that is worth nothing here.

A list is a sequence of regular expressions, searched for in the name; the first that matches
decides, so exceptions stand first.  An expression that takes too long decides that the name stays a
virus.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from smtpfilter.mail.findings import Findings, Virus
from smtpfilter.policy.banning import MOST_SECONDS, compiled
from smtpfilter.policy.site import NamePoints

_SUSPICION = 0.1  # shows in the tests of a mail and is next to nothing: more is the site's choice

BUILT_IN = (
    # ClamAV's own
    NamePoints(r"^Structured\.(SSN|CreditCardNumber)\b", _SUSPICION, "personal numbers in a text"),
    NamePoints(r"^Heuristics\.Structured\.", _SUSPICION, "personal numbers in a text"),
    NamePoints(r"^(Heuristics\.)?Phishing\.", _SUSPICION, "links that do not lead where they say"),
    NamePoints(r"^Heuristics\.Safebrowsing\.", _SUSPICION, "links on a list of bad sites"),
    NamePoints(r"^Safebrowsing\.", _SUSPICION, "links on a list of bad sites"),
    NamePoints(r"^(Email|HTML)\.Phishing\.", _SUSPICION, "phishing by its text"),
    NamePoints(r"^Email\.Spammail\b", _SUSPICION, "spam by its text"),
    NamePoints(r"^Email\.Spam\.Bounce\..*Sanesecurity", 0.0, "notices about somebody else's mail"),
    # Sanesecurity: malware first
    NamePoints(r"^Sanesecurity\.(Malware|Rogue|Trojan)\b", None, "malware of Sanesecurity"),
    NamePoints(r"^Sanesecurity\.Foxhole\b", None, "programs in archives, of Sanesecurity"),
    NamePoints(r"^Sanesecurity[._](PhishBar|TestSig)_", 0.0, "trials of Sanesecurity"),
    NamePoints(r"^Sanesecurity\.", _SUSPICION, "phishing, fraud and spam of Sanesecurity"),
    # SecuriteInfo: hoaxes and spam, the rest is malware
    NamePoints(r"^VX\.Honeypot-SecuriteInfo\.com\.Joke", _SUSPICION, "jokes of SecuriteInfo"),
    NamePoints(
        r"^VX\.not-virus_(Hoax|Joke)\..*-SecuriteInfo\.com\b",
        _SUSPICION,
        "hoaxes and jokes of SecuriteInfo",
    ),
    NamePoints(r"^Email\.Spam.*-SecuriteInfo\.com\b", _SUSPICION, "spam of SecuriteInfo"),
    NamePoints(r"^SecuriteInfo\.com\.(Spam|Phish|Hoax|Joke)", _SUSPICION, "spam of SecuriteInfo"),
    NamePoints(r"\bSecuriteInfo\.com\b", None, "malware of SecuriteInfo"),
    # Smaller lists of spam and fraud
    NamePoints(r"^MSRBL-(Images|SPAM)\b", _SUSPICION, "spam of MSRBL"),
    NamePoints(r"^winnow\.(phish|spam|scam|complex\.spam)\b", _SUSPICION, "spam of winnow"),
    NamePoints(r"^INetMsg\.SpamDomain", _SUSPICION, "domains of spammers, of INetMessage"),
    NamePoints(
        r"^Doppelstern\.(Spam|Scam|Phishing|Junk|Lott|Loan)", _SUSPICION, "fraud of Doppelstern"
    ),
    NamePoints(r"^Bofhland\.Malware\b", None, "malware of Bofhland"),
    NamePoints(r"^Bofhland\.(Phishing|Spam|Cracked)", _SUSPICION, "phishing of Bofhland"),
    NamePoints(r"^ScamNailer\.", _SUSPICION, "addresses of fraudsters, of ScamNailer"),
    NamePoints(r"^PORCUPINE_JUNK", _SUSPICION, "junk of Porcupine"),
)
"""The list that counts where the site has none of its own."""


def rated(viruses: Iterable[Virus], rules: Sequence[NamePoints]) -> tuple[Virus, ...]:
    """Return the findings with what their names are worth by `rules`, by BUILT_IN without any."""
    rules = tuple(rules) or BUILT_IN
    return tuple(replace(virus, points=_points(virus.name, rules)) for virus in viruses)


def infect(viruses: Iterable[Virus], rules: Sequence[NamePoints]) -> bool:
    """Tell whether one of the findings is a virus, and no mere sign of spam (V-4)."""
    return bool(Findings(viruses=rated(viruses, rules)).infections)


def deciding_rule(rules: Iterable[NamePoints], name: str) -> NamePoints | None:
    """Return the first rule that matches `name`; None where none does, or none did in time."""
    for rule in rules:
        pattern = compiled(rule.pattern)
        try:
            if pattern and pattern.search(name, timeout=MOST_SECONDS):
                return rule
        except TimeoutError:
            return None
    return None


@lru_cache(maxsize=256)  # the same few names come again and again
def _points(name: str, rules: tuple[NamePoints, ...]) -> float | None:
    rule = deciding_rule(rules, name)
    return rule.points if rule else None
