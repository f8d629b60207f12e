"""python -m appliance.stack VERB: the verbs of `./postern`, after its set-up is done."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from appliance.stack.environment import CHECKOUT, StackError, for_commands


def main(arguments: Sequence[str]) -> int:
    """Do the verb; 0 done, 1 refused or failed (one line on stderr), 2 usage."""
    verb, *rest = arguments or ("help",)
    try:
        return _do(verb, rest)
    except StackError as error:
        print(f"postern: {error}", file=sys.stderr)
        return 1


def _do(verb: str, rest: Sequence[str]) -> int:
    """Import only what the verb needs: `manage` and the demo mailbox start often."""
    if verb == "run":
        from appliance.stack.launcher import run

        return run(os.environ)
    if verb == "test":
        from appliance.stack.testing import test

        return test(rest, os.environ)
    if verb == "manage":
        return _manage(rest)
    if verb == "mailbox":
        from appliance.stack.mailbox import serve

        return serve(rest[0], Path(rest[1]))
    if verb == "demo":
        from appliance.stack.demo import demo

        return demo(os.environ)
    if verb == "corpus":
        from appliance.stack.corpus import corpus

        return corpus(rest, os.environ)
    if verb == "with-settings":
        from appliance.stack.testing import with_settings

        return with_settings(rest, os.environ)
    print(f"postern: no such verb: {verb}", file=sys.stderr)
    return 2


def _manage(arguments: Sequence[str]) -> NoReturn:
    """Become manage.py, with the settings of the stack that runs or ran last; given ones win."""
    command = [sys.executable, str(CHECKOUT / "manage.py"), *arguments]
    os.execve(command[0], command, for_commands(os.environ))  # noqa: S606 - no shell, and none is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
