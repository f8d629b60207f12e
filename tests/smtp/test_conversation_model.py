"""Whatever the order of commands, the session answers as a small model says (P4, E7, INV6).

The model knows what was said so far, and what a message has to consist of.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.upstream import Upstream
from tests.smtp.conftest import FakeHandler, Server

COMMANDS = [
    *("HELO", "EHLO", "LHLO", "MAIL", "BAD MAIL", "RCPT", "BAD RCPT", "DATA"),
    *("RSET", "XFORWARD", "NOOP", "XYZZY"),
]
MESSAGE = ["MAIL", "RCPT", "DATA"]

# Single commands, and whole messages, so that walks see many of them.
steps = st.one_of(st.sampled_from(COMMANDS).map(lambda command: [command]), st.just(MESSAGE))
walks = st.lists(steps, max_size=30).map(
    lambda steps: ["EHLO"] + [c for step in steps for c in step]
)


class Model:
    """The conversation in forty lines."""

    def __init__(self) -> None:
        self.greeting = ""
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.client: str | None = None
        self.messages: list[tuple[str, list[str], str | None, bytes]] = []

    def forget(self) -> None:
        self.sender, self.recipients, self.client = None, [], None

    def expect(self, command: str, number: int) -> tuple[str, str]:
        """Return the line to send and the code to expect."""
        match command:
            case "HELO" | "EHLO" | "LHLO":
                self.greeting = command
                self.forget()
                return f"{command} x.example", "250"
            case "MAIL":
                if not self.greeting or self.sender is not None:
                    return f"MAIL FROM:<s{number}@x.org>", "503"
                self.sender = f"s{number}@x.org"
                return f"MAIL FROM:<{self.sender}>", "250"
            case "BAD MAIL":
                return "MAIL FROM:nobody", "501" if self.greeting and self.sender is None else "503"
            case "RCPT":
                if self.sender is None:
                    return f"RCPT TO:<r{number}@x.org>", "503"
                self.recipients.append(f"r{number}@x.org")
                return f"RCPT TO:<r{number}@x.org>", "250"
            case "BAD RCPT":
                return "RCPT TO:<>", "503" if self.sender is None else "501"
            case "DATA":
                return "DATA", "354" if self.recipients else "503"
            case "RSET":
                self.forget()
                return "RSET", "250"
            case "XFORWARD":
                if self.sender is not None:
                    return f"XFORWARD NAME=c{number}", "503"
                self.client = f"c{number}"
                return f"XFORWARD NAME=c{number}", "250"
            case "NOOP":
                return "NOOP", "250"
        return command, "500"

    def take_message(self, content: bytes) -> int:
        """Note the message; return how many replies are due."""
        assert self.sender is not None
        self.messages.append((self.sender, self.recipients, self.client, content))
        due = len(self.recipients) if self.greeting == "LHLO" else 1
        self.forget()
        return due


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(walk=walks)
def test_every_walk_through_the_commands_is_answered_as_the_model_says(
    walk: list[str], server: Server, handler: FakeHandler
) -> None:
    model = Model()
    handler.envelopes.clear()
    handler.contents.clear()
    with Upstream(server.address) as client:
        for number, command in enumerate(walk):
            line, code = model.expect(command, number)
            assert client.say(line)[:3] == code, (walk, number)
            if code == "354":
                content = b"message %d\r\n" % number
                client.send(content + b".\r\n")
                for reply in client.replies(model.take_message(content)):
                    assert reply.startswith("250")
    seen = [
        (e.mail_from.text, [r.address.text for r in e.recipients], e.client.name, content)
        for e, content in zip(handler.envelopes, handler.contents, strict=True)
    ]
    assert seen == model.messages
