"""`manage.py learn`: teach the spam scanner what is spam and what is not."""

from argparse import Namespace
from pathlib import Path

from appliance.engines.learning import configured_scanner, learn_files
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand

_WHAT = {
    "spam": "the mail is spam",
    "ham": "the mail is wanted",
    "forget": "the mail was learnt by mistake: forget it",
}
_PATHS = "a file with one message, an mbox, a folder of these, or a Maildir"


class Command(SubjectCommand):
    help = "Teach the spam scanner with mail from files, mboxes, folders and Maildirs."

    def subcommands(self, add: Add) -> None:
        for kind, what in _WHAT.items():
            parser = add(kind, self.learn, what)
            parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help=_PATHS)

    def learn(self, options: Namespace) -> Answer:
        job = learn_files(
            kind=options.subcommand,
            paths=options.paths,
            actor=ACTOR,
            scanner=configured_scanner(),
        )
        done, known = "learned", "known before"
        if job.kind == job.Kind.FORGET:
            done, known = "forgotten", "not known"
        return Answer(
            {done: job.learnt, known.replace(" ", "_"): job.known, "failed": job.failed},
            [f"{done} {job.learnt} of {job.total}; {job.known} {known}, {job.failed} failed"],
            code=1 if job.failed else 0,
        )
