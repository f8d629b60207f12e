"""A local.cf that a site has, as Postern's settings; for moving over.  Pure.

Names that SpamAssassin 4.0 no longer takes (auto_learn and its thresholds, as the article has them)
are read as what they are called now.  Nothing of the file is kept but the settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from smtpfilter.mail.findings import visible

_LONGEST_LINE = 200  # characters, as shown
_TRUTHS = {"1": True, "yes": True, "0": False, "no": False}

RENAMED = {
    "auto_learn": "bayes_auto_learn",
    "auto_learn_threshold_nonspam": "bayes_auto_learn_threshold_nonspam",
    "auto_learn_threshold_spam": "bayes_auto_learn_threshold_spam",
}


def _truth(text: str) -> bool:
    return _TRUTHS[text.lower()]


def _opposite(text: str) -> bool:
    return not _truth(text)


# SpamAssassin's name: (our setting, what its value is to us)
_KNOWN: dict[str, tuple[str, Callable[[str], object]]] = {
    "use_bayes": ("use_bayes", _truth),
    "bayes_auto_learn": ("bayes_auto_learn", _truth),
    "bayes_auto_learn_threshold_nonspam": ("bayes_auto_learn_threshold_nonspam", float),
    "bayes_auto_learn_threshold_spam": ("bayes_auto_learn_threshold_spam", float),
    "skip_rbl_checks": ("dns_lists", _opposite),
    "use_razor2": ("razor", _truth),
    "use_pyzor": ("pyzor", _truth),
    "use_dcc": ("dcc", _truth),
}


@dataclass(slots=True)
class Read:
    """`settings`: the value of each of ours that the file sets.  `renamed`: old name to new.
    `left`: lines that say nothing to us, to be looked at by a person.
    """

    settings: dict[str, object] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def as_json(self) -> Mapping[str, object]:
        return {"settings": self.settings, "renamed": self.renamed, "left": self.left}


def read(text: str) -> Read:
    """Return what the file says; of a setting that stands there twice the last counts."""
    found = Read()
    for raw in text.splitlines():
        stripped = raw.partition("#")[0].strip()
        if not stripped:
            continue
        word, _, value = stripped.partition(" ")
        name = RENAMED.get(word.lower(), word.lower())
        try:
            setting, meaning = _KNOWN[name]
            found.settings[setting] = meaning(value.strip())
        except (KeyError, ValueError):
            found.left.append(visible(stripped, _LONGEST_LINE))
            continue
        if name != word.lower():
            found.renamed[word.lower()] = name
    return found
