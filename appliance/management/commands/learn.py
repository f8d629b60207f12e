"""`manage.py learn`: teach the spam scanner what is spam and what is not."""

from argparse import Namespace
from pathlib import Path

from appliance.errors import Refused
from appliance.management.command import Add, Answer, SubjectCommand
from smtpfilter.config import FilterConfig
from smtpfilter.ports import ScannerFailed
from smtpfilter.scan.spamd import Spamd


class Command(SubjectCommand):
    help = "Teach the spam scanner with mail from files, one message each."

    def subcommands(self, add: Add) -> None:
        for kind, what in (("spam", "the files are spam"), ("ham", "the files are wanted mail")):
            parser = add(kind, self.learn, what)
            parser.add_argument("files", metavar="FILE", nargs="+")

    def learn(self, options: Namespace) -> Answer:
        endpoint = FilterConfig.from_environment().spamd
        if endpoint is None:
            raise Refused("no spam scanner is configured (FILTER_SPAMD)")
        scanner = Spamd(endpoint)
        learned = 0
        for file in options.files:
            try:
                learned += scanner.learn(Path(file).read_bytes(), options.subcommand)
            except OSError as error:
                raise Refused(f"cannot read {file}: {error.strerror}") from None
            except ScannerFailed as error:
                raise Refused(f"the spam scanner did not learn {file}: {error}") from None
        count = len(options.files)
        return Answer(
            {"learned": learned, "known_before": count - learned},
            [f"learned {learned} of {count}; the others were known before"],
        )
