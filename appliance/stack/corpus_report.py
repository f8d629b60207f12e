"""What is printed of a corpus run: found versus expected per class, every miss by name, the slowest
mails.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from appliance.stack import delivered
from appliance.stack.claims import KINDS, Claim, Entry, claims
from appliance.stack.samples import Sample
from appliance.stack.sending import Answer

_LISTED = 40  # mails shown by name in each list
_SLOWEST = 10


@dataclass(frozen=True)
class Trial:
    """One mail and what came of it.

    `answer`: code 0 where the connection broke.  `entry`: empty where the journal has none.
    `copies`: what the demo mailbox got, None where it is not ours.  `seconds`: until the answer.
    """

    mail: Sample
    answer: Answer
    entry: Entry
    copies: Sequence[bytes] | None
    seconds: float = field(default=0.0)

    @property
    def recipient(self) -> Entry:
        recipients: Sequence[Entry] = self.entry.get("recipients", ())
        return recipients[0] if recipients else {}

    @property
    def refused(self) -> bool:
        return self.mail.readable and not 200 <= self.answer.code < 500

    @property
    def unknown(self) -> bool:
        return self.answer.code == 250 and not self.recipient

    @property
    def changed(self) -> bool:
        """Tell whether the mailbox differs from the journal: one copy with its body, or none."""
        if self.copies is None:
            return False
        expected = 1 if self.recipient.get("outcome") == "delivered" else 0
        if len(self.copies) != expected:
            return True
        return not all(delivered.unchanged(self.mail.octets, copy) for copy in self.copies)

    @property
    def failed(self) -> bool:
        """Tell whether a fault of ours decided over it."""
        kinds = {item["kind"] for item in self.entry.get("findings", {}).get("unchecked", ())}
        return self.answer.code // 100 == 4 or "failed" in kinds

    @property
    def false_alarm(self) -> bool:
        """Tell whether a virus was named where none is; ClamAV's heuristics name oddities."""
        named = [v for v in self.entry.get("viruses", ()) if not v.startswith("Heuristics.")]
        return self.mail.eicar == "no" and bool(named)

    @cached_property
    def claims(self) -> Sequence[Claim]:
        return claims(self.mail, self.entry)


def report(trials: Sequence[Trial], exceptions: Sequence[str]) -> bool:
    """Print all of it; return whether anything went wrong or was missed."""
    _print_table(trials)
    wrong = [
        _print_list("readable mail refused or not answered", [t for t in trials if t.refused]),
        _print_list("accepted but unknown to the journal", [t for t in trials if t.unknown]),
        _print_list("lost, doubled or changed on its way", [t for t in trials if t.changed]),
        _print_list("deferred or held by a fault of ours", [t for t in trials if t.failed]),
        _print_list("virus found where none is", [t for t in trials if t.false_alarm]),
        _print_misses(trials),
    ]
    print(f"exceptions in the filter's log: {len(exceptions)}", *exceptions, sep="\n  ")
    print("slowest:")
    for trial in sorted(trials, key=lambda trial: -trial.seconds)[:_SLOWEST]:
        print(f"  {trial.seconds:6.2f} s  {trial.mail.name}")
    return any(wrong) or bool(exceptions)


def _print_table(trials: Sequence[Trial]) -> None:
    """Print one row per class: the answers, and of each kind of claim how many were met."""
    print(
        f"{'class':16}" + "".join(f"{word:>6}" for word in ("mails", "2xx", "4xx", "5xx")), end=""
    )
    print("".join(f"{kind:>11}" for kind in KINDS))
    for group in [*sorted({trial.mail.group for trial in trials}), "all"]:
        rows = [trial for trial in trials if group in (trial.mail.group, "all")]
        codes = [trial.answer.code // 100 for trial in rows]
        counts = [len(rows), *(codes.count(code) for code in (2, 4, 5))]
        print(f"{group:16}" + "".join(f"{count:>6}" for count in counts), end="")
        print("".join(f"{_found(rows, kind):>11}" for kind in KINDS))


def _found(trials: Sequence[Trial], kind: str) -> str:
    made = [claim for trial in trials for claim in trial.claims if claim.kind == kind]
    return f"{sum(claim.met for claim in made)}/{len(made)}" if made else "-"


def _print_list(title: str, trials: Sequence[Trial]) -> bool:
    print(f"{title}: {len(trials)}")
    for trial in trials[:_LISTED]:
        print(f"  {trial.mail.name}: {trial.answer}")
    return bool(trials)


def _print_misses(trials: Sequence[Trial]) -> bool:
    """Print every claim that was not met, with what the journal has instead."""
    missed = [(t, claim) for t in trials for claim in t.claims if not claim.met]
    print(f"missed: {len(missed)}")
    for trial, claim in missed:
        category = trial.recipient.get("category", "not in the journal")
        print(f"  {trial.mail.name}: {claim.kind} {claim.text} ({category})")
    return bool(missed)
