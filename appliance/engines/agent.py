"""The agent: brings the settings into force on its node and tells how that went (design 4.6).

It renders what Postgres holds, lets SpamAssassin lint it, puts the files in place, tells spamd and
asks it which configuration it runs.  Whatever is refused leaves the one before in force, and the
row of this node says why; it also holds the agent's latest sign of life.  Nothing else in Postern
writes the engines' files.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial

from django.db.models import Q
from django.utils import timezone

from appliance.domains.models import Network
from appliance.engines.machine import Machine, NotTold
from appliance.engines.models import Rendering
from appliance.engines.spamassassin import Choices, Configuration, Place, Unwritable, render
from appliance.policies.models import Profile
from appliance.status.models import SiteSettings
from smtpfilter.mail.findings import visible

ENGINE = "spamassassin"
LOOK_SECONDS = 2.0
SIGN_SECONDS = 15.0  # between two signs of life
RETRY_SECONDS = 60.0  # after a failure, whatever it was: an administrator may have mended it

_LONGEST_DETAIL = 2000  # characters
_STAYS = "the configuration before stays in force"

_log = logging.getLogger("postern.agent")


def choices() -> Choices:
    """Return what the site wants of SpamAssassin.

    Own networks are those from which mail counts as outgoing, as for the filter (K-10).
    """
    row = SiteSettings.load()
    names = [field.name for field in fields(Choices) if field.name != "networks"]
    foreign = Profile.objects.filter(originating=False).values("name")
    own = Network.objects.filter(Q(cidr__startswith="!") | ~Q(profile__in=foreign))
    networks = tuple(own.values_list("cidr", flat=True))
    return Choices(**{name: getattr(row, name) for name in names}, networks=networks)


class Agent:
    """One node's.  `step` looks once; errors of the database are raised."""

    def __init__(
        self, machine: Machine, place: Place, node: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._machine = machine
        self._place = place
        self._node = node
        self._clock = clock
        self._last: tuple[str, dict[str, str]] | None = None  # what was told: digest and missing
        self._ok = False
        self._again = 0.0
        self._next_sign = 0.0

    def step(self) -> None:
        """Bring the settings into force if they, or our files, have changed."""
        missing = self._machine.missing()
        try:
            wanted = render(choices(), self._place)
        except Unwritable as error:
            problem = f"{_STAYS}; the settings cannot be written: {error}"
            self._conclude("", missing, lambda: problem, settled=False)
            return
        settled = self._ok and self._machine.holds(wanted.files)
        bring = partial(self._bring_into_force, wanted)
        self._conclude(wanted.digest, missing, bring, settled=settled)

    def _conclude(
        self, digest: str, missing: dict[str, str], bring: Callable[[], str], *, settled: bool
    ) -> None:
        """Do and tell it, but for what was told before and is `settled`, or failed just now."""
        self._give_sign()
        rests = settled or (not self._ok and self._clock() < self._again)
        if rests and self._last == (digest, missing):
            return
        try:
            problem = bring()
        except OSError as error:
            problem = f"{_STAYS}; its files cannot be read or written: {error}"
        if problem:
            _log.error("SpamAssassin's configuration: %s", problem)
        else:
            _log.info("SpamAssassin runs with configuration %s", digest)
        Rendering.objects.update_or_create(
            node=self._node,
            engine=ENGINE,
            defaults={
                "digest": digest,
                "ok": not problem,
                "detail": visible(problem, _LONGEST_DETAIL),
                "missing": missing,
                "applied_at": timezone.now(),
                "seen_at": timezone.now(),
            },
        )
        self._last, self._ok = (digest, missing), not problem
        self._again = self._clock() + RETRY_SECONDS

    def _give_sign(self) -> None:
        """Say now and then that there is an agent; all is told anew if its row was forgotten."""
        if self._clock() < self._next_sign:
            return
        row = Rendering.objects.filter(node=self._node, engine=ENGINE)
        if not row.update(seen_at=timezone.now()):
            self._last = None
        self._next_sign = self._clock() + SIGN_SECONDS

    def _bring_into_force(self, wanted: Configuration) -> str:
        """Return "" where spamd runs with it, else why not."""
        machine, before = self._machine, self._machine.read()
        if before == wanted.files and machine.runs(wanted.digest):
            return ""
        if complaint := machine.lint(wanted.files):
            return f"{_STAYS}; SpamAssassin refuses the settings: {complaint}"
        machine.write(wanted.files)
        try:
            machine.reload()
            if machine.runs(wanted.digest):
                return ""
            machine.write(before)
            machine.reload()
        except NotTold as error:
            return f"written, but spamd could not be told to read it: {error}"
        return f"{_STAYS}; spamd did not answer with the new one"
