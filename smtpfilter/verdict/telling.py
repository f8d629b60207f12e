"""Who is told of a message: may its sender be (N-1), and who else is (N-5, N-6).

Whether a sender who may be told really is, depends on how it ends: verdict/reply.py.
"""

from collections.abc import Iterator

from smtpfilter.mail.address import parse_mailbox
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.settings import NEVER
from smtpfilter.verdict.category import Category, foremost
from smtpfilter.verdict.seen import Seen, reaches
from smtpfilter.verdict.stops import Stop
from smtpfilter.verdict.verdict import Case, NoticeOrder

ARTICLE_VIRUSES = (  # $viruses_that_fake_sender_re of 2003
    "nimda", "hybris", "klez", "bugbear", "yaha", "braid", "sobig", "fizzer",
    "palyh", "peido", "holar", "tanatos", "lentin", "bridex", "mimail", "trojan.dropper",
)  # fmt: skip

_ADMINS = {
    Category.VIRUS: "virus_admin",
    Category.BANNED: "banned_admin",
    Category.UNCHECKED: "unchecked_admin",
    Category.SPAM: "spam_admin",
    Category.BAD_HEADER: "bad_header_admin",
}
_WARNINGS = {
    Category.VIRUS: "warnvirusrecip",
    Category.BANNED: "warnbannedrecip",
    Category.BAD_HEADER: "warnbadhrecip",
}


def suppressed(case: Case, seen: Seen, blocking: Stop | None) -> str:
    """Return why no notice may go to the sender, "" where one may: the first reason in the order of
    N-1.

    A sender of ours hears of what he did send; of all others it is not known whether they sent it.
    A virus in an own network may name any sender: he hears of it where he logged in or is local.
    """
    settings = case.policy.settings
    if not case.mail_from.octets:
        return "null sender"
    if blocking and not case.recipient.wants_failure_notice:
        return "not asked for"
    ours = case.origin.credible
    discarded = blocking is not None and blocking.destiny is Destiny.DISCARD
    if discarded and not (ours and settings.tell_credible_sender):
        return "discarded"
    himself = case.origin.authenticated or (ours and case.sender_local)
    if not himself and any(fakes_sender(virus.name, case) for virus in seen.viruses):
        return "faked sender"
    if seen.doubts:
        return "doubtful sender"
    if any(ban.rule.silent for ban in seen.banned):
        return "silent ban rule"
    credible = settings.spam_crediblefrom_dsn_cutoff_level
    if reaches(seen.score, credible if case.credible else settings.spam_dsn_cutoff_level):
        return "score"
    if case.sender.black and not case.sender.white:
        return "blocked sender"
    return "bulk mail" if case.bulk and seen.categories[0] > Category.CLEAN else ""


def fakes_sender(virus: str, case: Case) -> bool:
    """Tell whether a virus of this name writes a sender who did not send it, as the policy has
    it.
    """
    written = (case.policy.settings.viruses_that_fake_sender or "").lower()
    names = [name.strip() for name in written.split(",") if name.strip()]
    if "all" in names:
        return True
    sought = [name for name in names if name != "article"]
    if "article" in names:
        sought += ARTICLE_VIRUSES
    return any(name in virus.lower() for name in sought)


def orders(case: Case, seen: Seen, blocking: Stop | None) -> tuple[NoticeOrder, ...]:
    """Return who is to be told beside the sender.

    Administrators hear of mail that passed, too.  Nobody hears of mail that comes again, and
    recipients not of a bounce: the null sender sends those, and they may be about a notice.
    """
    if blocking and blocking.destiny is Destiny.TEMPFAIL:
        return ()
    return (*_to_admins(case, seen, blocking), *_to_recipient(case, seen, blocking))


def _to_admins(case: Case, seen: Seen, blocking: Stop | None) -> Iterator[NoticeOrder]:
    category = foremost(blocking.category if blocking else None, seen.categories, _ADMINS)
    if category and not (category is Category.SPAM and _too_much(case, seen)):
        yield from _orders(case, _ADMINS[category])
    if seen.viruses:  # then VIRUS is the main category
        names = tuple(dict.fromkeys(virus.name for virus in seen.viruses))
        yield from _orders(case, "newvirus_admin", names)


def _to_recipient(case: Case, seen: Seen, blocking: Stop | None) -> Iterator[NoticeOrder]:
    category = foremost(blocking.category if blocking else None, seen.categories, _WARNINGS)
    if not category or not case.policy.local or not case.mail_from.octets:
        return
    field = _WARNINGS[category]
    if getattr(case.policy.settings, field):
        yield NoticeOrder(field, case.recipient.address.canonical, _language(case))


def _orders(case: Case, field: str, names: tuple[str, ...] = ()) -> Iterator[NoticeOrder]:
    """Yield an order for each address of the field, which has them by comma; what is none is left
    out.
    """
    written = (getattr(case.policy.settings, field) or "").split(",")
    addresses = [parse_mailbox(text.strip().encode()) for text in written if text.isprintable()]
    for to in dict.fromkeys(address.canonical for address in addresses if address):
        yield NoticeOrder(field, to, _language(case), names)


def _too_much(case: Case, seen: Seen) -> bool:
    """Tell whether the administrator does not want to hear of so clear a case of spam (T-2)."""
    cut_off = case.policy.settings.spam_notifyadmin_cutoff_level
    black = case.sender.black and not case.sender.white
    return reaches(seen.score, cut_off) or (black and cut_off not in (None, NEVER))


def _language(case: Case) -> str:
    return case.policy.settings.notice_language or "en"
