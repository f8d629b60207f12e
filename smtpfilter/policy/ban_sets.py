"""The ban rule sets that Postern brings along, by name (B-8).

A rule set is a sequence of regular expressions, tried in order; banning.py says on what.  Sites
make sets of their own; one with the name of a set in here takes its place.
"""

from smtpfilter.policy.layers import BanRule

# The article's six lines, flags included; each type of its third line is a row of its own.
_ARTICLE = (
    BanRule(
        r"(?i)\.[a-zA-Z][a-zA-Z0-9]{0,3}\.(vbs|pif|scr|bat|com|exe|dll)$",
        comment="double extension",
    ),
    BanRule(
        r"""(?ix).\.(ade|adp|bas|bat|chm|cmd|com|cpl|crt|exe|hlp|hta|inf|ins|isp|js|
          jse|lnk|mdb|mde|msc|msi|msp|mst|pcd|pif|reg|scr|sct|shs|shb|vb|
          vbe|vbs|wsc|wsf|wsh)$""",
        comment="dangerous extension",
    ),
    BanRule(r"(?i)^\.(exe)$", comment="program"),
    BanRule(r"(?i)^\.(lha)$", comment="LHA archive"),
    BanRule(
        r"(?i)^\.(tnef)$",
        comment="winmail.dat (Outlook users who like to send TNEF attachments: remove this row)",
    ),
    BanRule(r"(?i)^application/x-msdownload$", comment="program"),
    BanRule(r"(?i)^message/partial$", comment="fragment of a message"),
    BanRule(r"(?i)^message/external-body$", comment="content kept elsewhere"),
)

# What Debian ships for amavisd-new in 20-debian_defaults, without what is commented out there.
_DEBIAN = (
    BanRule(r"(?i)\.[^./]*\.(exe|vbs|pif|scr|bat|cmd|com|cpl|dll)\.?$", comment="double extension"),
    BanRule(
        r"(?i)\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", comment="class identifier in a name"
    ),
    BanRule(r"(?i)^application/x-msdownload$", comment="program"),
    BanRule(r"(?i)^application/x-msdos-program$", comment="program"),
    BanRule(r"(?i)^application/hta$", comment="HTML application"),
    BanRule(r"(?i).\.(exe|vbs|pif|scr|bat|cmd|com|cpl)$", comment="dangerous extension"),
    BanRule(r"^\.(exe-ms)$", comment="Windows program"),
)

_RUNS = "exe|com|bat|cmd|pif|scr|cpl|dll|ocx|sys|drv|vbs|vbe|vb|js|jse|wsf|wsh|wsc|sct|hta|lnk|msi"
_TAIL = r"(::\$DATA)?[.\s]*$"  # Windows drops trailing points and spaces, and the stream's name


def _names(comment: str, extensions: str) -> BanRule:
    return BanRule(rf"(?i).\.({extensions}){_TAIL}", comment=comment)


def _types(comment: str, types: str) -> BanRule:
    return BanRule(rf"^\.({types})$", comment=comment)


# What Postern starts with: all that Outlook blocks today, and what has learnt to run since.
# winmail.dat is opened instead of banned.
_CURRENT = (
    BanRule(
        rf"(?i)\.(?=[^./]*[a-z])[^./]*\.\s*({_RUNS}){_TAIL}",
        comment="double extension",
    ),
    BanRule(
        r"(?i)\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", comment="class identifier in a name"
    ),
    BanRule(r"[\u202d\u202e]", comment="name with its direction turned round"),
    BanRule(rf"(?i)\.({_RUNS})\s*(\ufffd|%00)", comment="name that ends early for some programs"),
    _names(
        "program", f"{_RUNS}|msp|mst|msu|msix|msixbundle|appx|appxbundle|app|gadget|prg|sis|xbap"
    ),
    _names(
        "script",
        "ps1|ps1xml|ps2|ps2xml|psc1|psc2|psm1|psd1|psdm1|pssc|cdxml|msh|msh1|msh2|mshxml|msh1xml"
        "|msh2xml|ws|vbscript|vbp|vsmacros|bas|asp|aspx|sh|bash|csh|ksh|zsh|pl|htc|fxp|job|wsb",
    ),
    _names(
        "shortcut or setting that Windows acts on",
        "scf|url|website|theme|themepack|grp|diagcab|application|appref-ms|appcontent-ms"
        "|settingcontent-ms|library-ms|search-ms|searchconnector-ms|reg|inf|ins|isp|its|msc|pcd|prf"
        "|xnk|osd|ops|mcf|shs|shb|printerexport|webpnp|udl|bgi|asx|vsw|plg|rdp",
    ),
    _names("help file that can run programs", "chm|hlp|hpj|cnt"),
    _names(
        "Access database",
        "ade|adp|mad|maf|mag|mam|maq|mar|mas|mat|mau|mav|maw|mda|mdb|mde|mdt|mdw|mdz|accde|accda",
    ),
    _names("certificate", "cer|crt|der"),
    _names("file that Outlook blocks", "pst|tmp"),
    _names("Office document with macros", "docm|dotm|xlsm|xltm|xlsb|pptm|potm|ppsm|sldm"),
    _names(
        "Office add-in, query or notebook",
        "xll|xlam|xla|wll|ppam|ppa|xlm|iqy|oqy|rqy|dqy|slk|one|onepkg",
    ),
    _names("disk image", "iso|img|vhd|vhdx|udf|daa|wim|cab|dmg"),
    _names("Java or Python program", "jar|jnlp|class|py|pyc|pyo|pyw|pyz|pyzw"),
    _names(
        "program of macOS, Android or Linux",
        "command|workflow|action|osx|pkg|scpt|scptd|applescript|terminal|apk|elf|desktop|appimage|run",
    ),
    BanRule(
        r"(?i)^application/(x-msdownload|x-msdos-program|hta|x-ms-shortcut|x-ms-installer|x-msi)$",
        comment="program",
    ),
    BanRule(
        r"(?i)^application/vnd\.ms-[a-z.]+\.macroenabled\.12$",
        comment="Office document with macros",
    ),
    _types("program", "exe|exe-ms|exe-unix|exe-vms|dll|so|elf|macho|dex|java|msi|apk|jar"),
    _types("script", "sh"),
    _types("shortcut or help file", "lnk|chm|url|scf|reg|bat"),
    _types("disk image or old archive", "iso|img|udf|vhd|vhdx|dmg|wim|cab|lha"),
    _types("notebook that can carry programs", "one"),
    _types("macros", "macro|ooxml-macro|ole-macro"),
    _types("document that starts programs", "dde"),
    _types("page or picture with a program in it", "html-smuggling|svg-script"),
    _types("content that belies its name", "misnamed"),
    BanRule(r"(?i)^message/partial$", comment="fragment of a message"),
    BanRule(r"(?i)^message/external-body$", comment="content kept elsewhere"),
)

BUILT_IN = {"current": _CURRENT, "article": _ARTICLE, "debian": _DEBIAN}
