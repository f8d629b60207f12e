"""Which attachments are forbidden: ordered rules on names and types (B-1 to B-8).

A rule set is a sequence of regular expressions.  For each leaf of the message the rules are tried
in order on every string of every node from the root to the leaf; the first that matches decides, so
exceptions stand first.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from smtpfilter.mail.findings import Part
from smtpfilter.policy.layers import BanRule, PolicyBook

LONGEST_PATTERN = 1000  # characters


class BadPattern(ValueError):
    """The text is no pattern; `args[0]` is a sentence that says what is wrong."""


# B-8: the set of the article, word for word in meaning, the Microsoft list of 2003.
_ARTICLE = (
    BanRule(
        r"(?i)\.[a-zA-Z][a-zA-Z0-9]{0,3}\.(vbs|pif|scr|bat|com|exe|dll)$",
        comment="double extension",
    ),
    BanRule(
        r"(?i).\.(ade|adp|bas|bat|chm|cmd|com|cpl|crt|exe|hlp|hta|inf|ins|isp|js"
        r"|jse|lnk|mdb|mde|msc|msi|msp|mst|pcd|pif|reg|scr|sct|shs|shb|vb"
        r"|vbe|vbs|wsc|wsf|wsh)$",
        comment="dangerous extension",
    ),
    BanRule(r"(?i)^\.(exe|lha|tnef)$", comment="dangerous type"),
    BanRule(r"(?i)^application/x-msdownload$", comment="program"),
    BanRule(r"(?i)^message/partial$", comment="fragment of a message"),
    BanRule(r"(?i)^message/external-body$", comment="content kept elsewhere"),
)

_PROGRAMS = (
    "exe|com|bat|cmd|pif|scr|cpl|dll|ocx|sys|drv|vbs|vbe|vb|js|jse|wsf|wsh|wsc|sct|hta|lnk|msi"
)
_DANGEROUS = "|".join(
    (
        _PROGRAMS,
        # installers
        "msp|mst|msix|msixbundle|appx|appxbundle|application|appref-ms|gadget|xbap",
        # the article's list
        "ade|adp|bas|chm|crt|hlp|inf|ins|isp|mda|mdb|mde|mdt|mdw|mdz|accde|msc|pcd|reg|shs|shb|job",
        # scripts, and what the Windows shell runs
        "ps1|ps1xml|ps2|ps2xml|psc1|psc2|psm1|psd1|msh|msh1|msh2|ws|vbscript",
        "scf|url|website|theme|themepack|grp|diagcab",
        "settingcontent-ms|library-ms|search-ms|searchconnector-ms",
        # Office: add-ins, macros, queries, notebooks that carry programs
        "xll|xlam|xla|wll|ppam|ppa|xlm|docm|dotm|xlsm|xltm|xlsb|pptm|potm|ppsm|sldm",
        "iqy|oqy|rqy|dqy|slk|one|onepkg",
        # disk images and containers that open by a click
        "iso|img|vhd|vhdx|udf|daa|wim|cab",
        # Java, Python on Windows; macOS, Android, Linux
        "jar|jnlp|class|pyw|pyz|pyzw",
        "app|command|workflow|action|osx|dmg|pkg|scpt|scptd|applescript|terminal|apk|elf",
    )
)
_TYPES = "|".join(
    (
        "exe|exe-ms|exe-unix|exe-vms|dll|so|elf|macho|msi|lha|cab",
        "lnk|hta|reg|scf|wsf|js|vbs|bat|ps1|chm|iqy|slk|settingcontent|library-ms",
        "url|apk|java|ooxml-macro|ole-macro|xll|jar|jnlp|iso|udf|vhd|vhdx|one",
    )
)

# B-8: Debian's modern set, the article's extensions, and what has learnt to run since.
_CURRENT = (
    BanRule(rf"(?i)\.(?=[^./]*[a-z])[^./]*\.\s*({_PROGRAMS})[.\s]*$", comment="double extension"),
    BanRule(
        r"(?i)\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", comment="class identifier in a name"
    ),
    BanRule(
        r"(?i)^application/(x-msdownload|x-msdos-program|hta|x-ms-shortcut|x-ms-installer|x-msi)$",
        comment="program",
    ),
    BanRule(rf"(?i).\.({_DANGEROUS})[.\s]*$", comment="dangerous extension"),
    BanRule(rf"(?i)^\.({_TYPES})$", comment="dangerous type"),
    BanRule(r"(?i)^message/partial$", comment="fragment of a message"),
    BanRule(r"(?i)^message/external-body$", comment="content kept elsewhere"),
)

BUILT_IN = {"current": _CURRENT, "article": _ARTICLE}


def rules_for(book: PolicyBook, rulenames: str) -> tuple[BanRule, ...]:
    """Return the rules of the named sets, in order; the site's rules stand before the built-in ones
    of the same name.

    `rulenames`: names by comma (the field banned_rulenames).  Unknown names are no rules (B-4).
    """
    names = (name.strip() for name in rulenames.split(","))
    return tuple(
        rule for name in names for rule in (*book.ban_sets.get(name, ()), *BUILT_IN.get(name, ()))
    )


@lru_cache(maxsize=8)  # the recipients of a message mostly share their rules
def banned_paths(
    rules: tuple[BanRule, ...], parts: tuple[Part, ...]
) -> tuple[tuple[str, str], ...]:
    """Return (path, reason) of every forbidden part; the reason is the rule's comment and the
    leaf's strings (B-6).
    """
    patterns = [
        (rule, pattern) for rule in rules if (pattern := _compiled(rule.pattern)) is not None
    ]
    found = ((part, _deciding(patterns, part)) for part in parts)
    return tuple(
        (part.banned_path, _reason(rule, part)) for part, rule in found if rule and rule.banned
    )


def check_pattern(text: str) -> None:
    """Raise BadPattern where `text` cannot be a rule's pattern."""
    if not text or len(text) > LONGEST_PATTERN:
        raise BadPattern(f"A pattern has between 1 and {LONGEST_PATTERN} characters.")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"This is no regular expression: {error}.") from None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return the pattern, None where it is none: screens refuse those, an import may still bring
    one.
    """
    try:
        check_pattern(pattern)
    except BadPattern:
        return None
    return re.compile(pattern)


def _deciding(patterns: Sequence[tuple[BanRule, re.Pattern[str]]], part: Part) -> BanRule | None:
    strings = [string for node in part.nodes for string in node]
    return next((rule for rule, pattern in patterns if _matches(pattern, strings)), None)


def _matches(pattern: re.Pattern[str], strings: Iterable[str]) -> bool:
    return any(pattern.search(string) for string in strings)


def _reason(rule: BanRule, part: Part) -> str:
    leaf = ",".join(part.nodes[-1]) if part.nodes else part.name
    return f"{rule.comment}: {leaf}" if rule.comment else leaf
