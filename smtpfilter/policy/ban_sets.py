"""The ban rule sets that Postern brings along, by name (B-8).

A rule set is a sequence of regular expressions, tried in order; see banning.py.
"""

from smtpfilter.policy.layers import BanRule

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
