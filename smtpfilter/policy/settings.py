"""Every setting of a policy: one field per amavisd parameter (P-5), plus what amavisd lacks (a
destiny per category and layer, what DMARC decides, who hears of unchecked mail).

A field's help text is written here once; code, policy form and manual read it.  None means inherit;
what counts where no layer says anything stands in defaults.py.
"""

# ruff: noqa: RUF009 - the calls in PolicySettings make dataclass fields

import math
from dataclasses import dataclass, fields

from smtpfilter.policy import values
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.kinds import (
    Kind,
    admin,
    copy,
    destiny,
    extension,
    points,
    setting,
    tag,
    warning,
)
from smtpfilter.policy.values import BadValue as BadValue

NEVER = math.inf  # a level that no score reaches; written "never"


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """One layer's settings, or, with every field filled, the effective ones.

    Levels are SpamAssassin points, compared with >= (T-2); infinity is "never".  Destinies are
    Destiny values.
    """

    bypass_virus_checks: bool | None = setting("flag", "checks", "Do not scan for viruses.")
    bypass_spam_checks: bool | None = setting(
        "flag", "checks", "Do not score for spam; stops learning too."
    )
    bypass_banned_checks: bool | None = setting("flag", "checks", "Do not look for banned files.")
    bypass_header_checks: bool | None = setting(
        "flag", "checks", "Do not check the header section."
    )
    virus_lover: bool | None = setting("flag", "checks", "Deliver infected mail, marked.")
    spam_lover: bool | None = setting("flag", "checks", "Deliver spam, marked.")
    banned_files_lover: bool | None = setting(
        "flag", "checks", "Deliver mail with banned files, marked."
    )
    bad_header_lover: bool | None = setting(
        "flag", "checks", "Deliver mail with a bad header section."
    )
    unchecked_lover: bool | None = setting(
        "flag", "checks", "Deliver mail that could not be looked into."
    )

    spam_tag_level: float | None = setting(
        "level", "levels", "Score from which X-Spam headers are added."
    )
    spam_tag2_level: float | None = setting(
        "level", "levels", "Score from which mail is marked as spam."
    )
    spam_tag3_level: float | None = setting(
        "level", "levels", "Score from which the third subject tag is used."
    )
    spam_kill_level: float | None = setting(
        "level", "levels", "Score from which mail is blocked as spam."
    )
    spam_dsn_cutoff_level: float | None = setting(
        "level", "levels", "Score from which no notice goes to the sender."
    )
    spam_crediblefrom_dsn_cutoff_level: float | None = setting(
        "level",
        "levels",
        "Score from which no notice goes to a sender who is known to be himself: from an own"
        " network, logged in, or authenticated by DKIM or SPF.",
    )
    spam_notifyadmin_cutoff_level: float | None = setting(
        "level", "levels", "Score from which the administrator hears of no spam."
    )
    spam_quarantine_cutoff_level: float | None = setting(
        "level", "levels", "Score from which no copy of spam is kept."
    )

    virus_destiny: Destiny | None = destiny("infected mail")
    banned_destiny: Destiny | None = destiny("mail with banned files")
    spam_destiny: Destiny | None = destiny("spam, from the kill level on")
    bad_header_destiny: Destiny | None = destiny("mail with a bad header section")
    oversized_destiny: Destiny | None = destiny("mail over the recipient's size limit")
    unchecked_destiny: Destiny | None = destiny("mail that could not be looked into")
    unchecked_encrypted_destiny: Destiny | None = destiny(
        "encrypted content; follows unchecked_destiny where empty"
    )
    unchecked_limits_destiny: Destiny | None = destiny(
        "content over a limit; follows unchecked_destiny where empty"
    )
    unchecked_ambiguous_destiny: Destiny | None = destiny(
        "ambiguous content; follows unchecked_destiny where empty"
    )
    unchecked_undecodable_destiny: Destiny | None = destiny(
        "broken content; follows unchecked_destiny where empty"
    )
    scanner_failure_destiny: Destiny | None = destiny("mail while no virus scanner answers")
    spam_failure_destiny: Destiny | None = destiny("mail while the spam engine does not answer")

    dmarc_reject_destiny: Destiny | None = setting(
        "destiny",
        "authenticity",
        "What happens to mail that fails DMARC where its domain asks to reject such mail.",
    )
    dmarc_quarantine_destiny: Destiny | None = setting(
        "destiny",
        "authenticity",
        "What happens to mail that fails DMARC where its domain asks to quarantine such mail.",
    )
    spoofed_destiny: Destiny | None = setting(
        "destiny",
        "authenticity",
        "What happens to mail from outside whose author claims a local domain without proof.",
    )
    dmarc_reject_points: float | None = points("where DMARC fails and its domain asks to reject")
    dmarc_quarantine_points: float | None = points(
        "where DMARC fails and its domain asks to quarantine"
    )
    spoofed_points: float | None = points(
        "where mail from outside claims a local domain without proof"
    )

    virus_quarantine_to: str | None = copy("blocked infected mail")
    banned_quarantine_to: str | None = copy("blocked mail with banned files")
    spam_quarantine_to: str | None = copy("blocked spam")
    bad_header_quarantine_to: str | None = copy("blocked mail with a bad header section")
    unchecked_quarantine_to: str | None = copy("blocked mail that could not be looked into")

    clean_quarantine_to: str | None = copy("clean mail, beside its delivery,")
    archive_quarantine_to: str | None = copy("every mail, whatever happens to it,")

    spam_subject_tag: str | None = tag("Put before the subject from the tag level on.")
    spam_subject_tag2: str | None = tag("Put before the subject from the tag2 level on.")
    spam_subject_tag3: str | None = tag("Put before the subject from the tag3 level on.")
    virus_subject_tag: str | None = tag(
        "Put before the subject of infected mail that is delivered."
    )
    unchecked_subject_tag: str | None = tag(
        "Put before the subject of unchecked mail that is delivered."
    )

    remove_existing_spam_headers: bool | None = setting(
        "flag", "subject", "Remove X-Spam fields that the mail brings along."
    )
    remove_existing_x_scanned_headers: bool | None = setting(
        "flag", "subject", "Remove X-Virus-Scanned fields of others, too."
    )
    allowed_added_header_fields: str | None = setting(
        "text",
        "subject",
        "Names of the header fields that may be added, by comma, Received and Subject (for its tag)"
        " among them; `all` for all but X-Spam-Report, empty for none.",
        values.field_names,
    )

    addr_extension_virus: str | None = extension("infected mail")
    addr_extension_banned: str | None = extension("mail with banned files")
    addr_extension_spam: str | None = extension("spam")
    addr_extension_bad_header: str | None = extension("mail with a bad header section")
    forward_method: str | None = setting(
        "text",
        "filing",
        "Next hops for delivered mail, the first that answers is used: smtp:[10.0.0.1]:25 or"
        " lmtp:/path, by comma; empty for the site's own.",
        values.forward_method,
    )

    warnvirusrecip: bool | None = warning("infected mail")
    warnbannedrecip: bool | None = warning("mail with banned files")
    warnbadhrecip: bool | None = warning("mail with a bad header section")
    virus_admin: str | None = admin("infected mail")
    newvirus_admin: str | None = admin("a virus that was never seen here before")
    banned_admin: str | None = admin("mail with banned files")
    spam_admin: str | None = admin("spam")
    bad_header_admin: str | None = admin("mail with a bad header section")
    unchecked_admin: str | None = admin("mail that could not be looked into")
    viruses_that_fake_sender: str | None = setting(
        "text",
        "notices",
        "Viruses whose sender hears nothing, since he did not send them: `all`, `article` (16"
        " names of 2003), names by comma looked for anywhere in a virus's name, or empty for none.",
        values.virus_names,
    )
    tell_credible_sender: bool | None = setting(
        "flag",
        "notices",
        "Tell a sender from an own network, or logged in, when his mail is held or discarded."
        " All other senders learn nothing of held or discarded mail.",
    )
    notice_language: str | None = setting(
        "text", "notices", "Language of notices, such as en or de.", values.language
    )

    banned_rulenames: str | None = setting(
        "text",
        "files",
        "Names of ban rule sets, by comma, in order; empty for none.  With + before the first name"
        " they stand before the inherited ones, else in place of them.",
        values.rulenames,
    )
    sa_username: str | None = setting(
        "text",
        "engine",
        "Name under which SpamAssassin keeps preferences for these recipients; used where"
        " sa_userconf is sql:.",
        values.preference_name,
    )
    sa_userconf: str | None = setting(
        "text",
        "engine",
        "`sql:` to score by the preferences kept under sa_username, one scan for each such name;"
        " empty for the site's own.",
        values.preference_source,
    )

    message_size_limit: int | None = setting(
        "bytes",
        "files",
        "Largest message in octets, 65536 at least (RFC 5321); 0 for no limit of its own.",
    )

    @property
    def preferences(self) -> str:
        """The name whose SpamAssassin preferences count, "" for the site's (S-1)."""
        return self.sa_username or "" if self.sa_userconf == values.FROM_SQL else ""


FIELDS: dict[str, Kind] = {f.name: f.metadata["kind"] for f in fields(PolicySettings)}

FOLLOWS_UNCHECKED = tuple(
    f"unchecked_{kind}_destiny" for kind in ("encrypted", "limits", "ambiguous", "undecodable")
)


def field_help(name: str) -> str:
    """Return the one-line meaning of the field `name`."""
    return str(PolicySettings.__dataclass_fields__[name].metadata["help"])


def field_group(name: str) -> str:
    return str(PolicySettings.__dataclass_fields__[name].metadata["group"])


def parse_value(name: str, text: str) -> bool | float | int | str | Destiny:
    """Return the value that a person wrote for the field `name`.  Raises BadValue, or KeyError for
    an unknown field.

    Accepted: yes|no for flags, a number or "never" for levels, a number of points, a destiny, a
    whole number of octets, text as the field's help says.
    """
    parsed: bool | float | int | str | Destiny
    parsed = PolicySettings.__dataclass_fields__[name].metadata["parse"](text)
    return parsed


def format_value(value: bool | float | str | None) -> bool | float | str | None:
    """Return `value` as JSON shows it: infinity as "never", destinies as their names."""
    if isinstance(value, float) and value == NEVER:
        return "never"
    return str(value) if isinstance(value, Destiny) else value
