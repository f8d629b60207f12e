"""One SMTP or LMTP conversation with Postfix (RFC 5321, 2033, 2920, 3461, 6531; E-1 to E-4, E-9).

The verbs, on the hardened protocol.  LHLO makes the session LMTP: then each recipient gets a reply
of its own.  What the pipeline sees is an Envelope and the octets in the spool.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future

from smtpfilter.config import FilterConfig
from smtpfilter.errors import FilterError, MessageTooBig, Overloaded, SpoolFull
from smtpfilter.mail.envelope import Client, Envelope, Protocol
from smtpfilter.mail.reply import Reply
from smtpfilter.smtp.peer import is_allowed, listening_port, peer_address
from smtpfilter.smtp.pool import Pool
from smtpfilter.smtp.protocol import HardenedProtocol, log
from smtpfilter.smtp.spool import Spool, SpoolFile
from smtpfilter.smtp.transaction import Refused, Transaction, parse_mail, parse_rcpt
from smtpfilter.smtp.transparency import Unstuffer
from smtpfilter.smtp.xforward import ATTRIBUTES, BadAttribute, update_client

SLOWEST_BYTES_PER_SECOND = 500  # of a message, averaged over the idle timeout (E5)

_OK = Reply(250, "2.0.0", "Ok")
_BAD_SEQUENCE = Reply(503, "5.5.1", "Bad sequence of commands")
_FAULT = Reply(451, "4.3.0", "Temporary processing error, try again later")


class Session(HardenedProtocol):
    """One client's conversation.  `pool` and `spool` are the process's."""

    def __init__(
        self,
        config: FilterConfig,
        pool: Pool,
        spool: Spool,
        open_sessions: set[HardenedProtocol],
    ) -> None:
        super().__init__(config.hostname, config.idle_timeout_seconds, open_sessions)
        self._config = config
        self._pool = pool
        self._spool = spool
        self._protocol: Protocol | None = None  # None until the client has said hello
        self._helo = ""
        self._client = Client()
        self._transaction: Transaction | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._peer, self._port = peer_address(transport), listening_port(transport)
        super().connection_made(transport)

    def _greet(self) -> None:
        if is_allowed(self._peer, self._config.allowed_clients):
            self._say(Reply(220, "", f"{self.hostname} ESMTP Postern ready"))
        else:
            log.warning("refused a connection from %s", self._peer)
            self._hang_up(Reply(554, "5.7.1", "Access denied"))

    # Greetings

    async def smtp_HELO(self, name: bytes) -> None:
        if self._hello("SMTP", name):
            self._say(Reply(250, "", self.hostname))

    async def smtp_EHLO(self, name: bytes) -> None:
        if self._hello("ESMTP", name):
            self._say_extensions()

    async def smtp_LHLO(self, name: bytes) -> None:
        if self._hello("LMTP", name):
            self._say_extensions()

    def _hello(self, protocol: Protocol, name: bytes) -> bool:
        if self._input.waiting:
            self._refuse_early_talk()
            return False
        if not name or not name.isascii() or not name.decode("ascii").isprintable():
            self._refuse_junk(Reply(501, "5.5.4", "Say who you are"))
            return False
        self._reset_transaction()
        self._protocol = protocol
        self._helo = name.decode("ascii")
        return True

    def _say_extensions(self) -> None:
        self._say_lines(
            250,
            [
                self.hostname,
                "PIPELINING",
                f"SIZE {self._config.message_size_limit_bytes}",
                "ENHANCEDSTATUSCODES",
                "8BITMIME",
                "SMTPUTF8",
                "DSN",
                f"XFORWARD {' '.join(ATTRIBUTES)}",
            ],
        )

    def _refuse_early_talk(self) -> None:
        """Whoever talks before our answer to EHLO or DATA may be smuggling (P3)."""
        log.warning("%s talked before it was answered", self._peer)
        self._hang_up(Reply(554, "5.5.0", "Talking too early"))

    # The envelope

    async def smtp_XFORWARD(self, argument: bytes) -> None:
        if self._transaction:
            self._say(_BAD_SEQUENCE)
            return
        try:
            self._client = update_client(self._client, argument)
        except BadAttribute as error:
            self._say(Reply(501, "5.5.4", f"XFORWARD: {error}"))
        else:
            self._say(_OK)

    async def smtp_MAIL(self, argument: bytes) -> None:
        self._say(self._mail(argument))

    def _mail(self, argument: bytes) -> Reply:
        if not self._protocol:
            return Reply(503, "5.5.1", "Send EHLO, HELO or LHLO first")
        if self._transaction:
            return _BAD_SEQUENCE
        try:
            transaction = parse_mail(argument)
        except Refused as refusal:
            return refusal.reply
        if transaction.parameters.size_bytes > self._config.message_size_limit_bytes:
            return MessageTooBig.reply
        if self._pool.full:
            return Overloaded.reply
        if not self._spool.has_room(transaction.parameters.size_bytes):
            return SpoolFull.reply
        self._transaction = transaction
        return Reply(250, "2.1.0", "Ok")

    async def smtp_RCPT(self, argument: bytes) -> None:
        self._say(self._rcpt(argument))

    def _rcpt(self, argument: bytes) -> Reply:
        if not self._transaction:
            return _BAD_SEQUENCE
        try:
            recipient = parse_rcpt(argument, smtputf8=self._transaction.parameters.smtputf8)
        except Refused as refusal:
            return refusal.reply
        if len(self._transaction.recipients) >= self._config.recipient_limit:
            return Reply(452, "4.5.3", "Too many recipients")
        self._transaction.recipients.append(recipient)
        return Reply(250, "2.1.5", "Ok")

    # The message

    async def smtp_DATA(self, argument: bytes) -> None:
        if argument:
            self._say(Reply(501, "5.5.4", "DATA takes no argument"))
        elif not self._transaction or not self._transaction.recipients:
            self._say(_BAD_SEQUENCE)
        elif self._input.waiting:
            self._refuse_early_talk()
        else:
            await self._transfer(self._transaction)

    async def _transfer(self, transaction: Transaction) -> None:
        try:
            file = self._spool.open()
        except SpoolFull as error:
            log.warning("%s", error.detail)
            self._say(error.reply)
            return
        self._at_work = True
        try:
            self._say(Reply(354, "", "End data with <CR><LF>.<CR><LF>"))
            await self._flush()
            envelope = transaction.envelope(
                self._peer,
                self._protocol or "SMTP",
                self._client,
                helo=self._helo,
                port=self._port,
            )
            self._say_outcome(envelope, await self._take_message(envelope, file))
        finally:
            self._at_work = False
        self._reset_transaction()
        self._junk = 0

    def _say_outcome(self, envelope: Envelope, replies: Sequence[Reply]) -> None:
        wanted = len(envelope.recipients) if envelope.lmtp else 1
        if len(replies) != wanted:
            log.error("%s: %d replies where %d were due", envelope.mail_id, len(replies), wanted)
            replies = [_FAULT] * wanted
        for reply in replies:
            self._say(reply)

    async def _take_message(self, envelope: Envelope, file: SpoolFile) -> Sequence[Reply]:
        """Receive the message and have it processed; whatever goes wrong with us is a 4xx."""
        try:
            try:
                await self._receive(file)
                future = self._pool.submit(envelope, file)
            except BaseException as error:
                file.remove()
                log.warning("%s: not taken: %s %s", envelope.mail_id, type(error).__name__, error)
                raise
            return await self._outcome(envelope, future)
        except FilterError as error:
            reply = error.reply
        return [reply] * (len(envelope.recipients) if envelope.lmtp else 1)

    async def _receive(self, file: SpoolFile) -> None:
        """Read the message into the spool.  Raises MessageTooBig, SpoolFull, EndOfInput."""
        unstuffer = Unstuffer()
        limit = self._config.message_size_limit_bytes
        refused: FilterError | None = None
        size_bytes = unclocked_bytes = 0
        self._reset_timeout()
        while unstuffer.rest is None:
            chunk = await self._input.chunk()
            content = unstuffer.feed(chunk)
            size_bytes += len(content)
            unclocked_bytes += len(chunk)
            if unclocked_bytes > SLOWEST_BYTES_PER_SECOND * self._config.idle_timeout_seconds:
                self._reset_timeout()
                unclocked_bytes = 0
            if refused:
                continue
            try:
                if size_bytes > limit:
                    raise MessageTooBig
                file.write(content)
            except FilterError as error:
                refused = error  # the answer is due after the end (RFC 5321 4.2.5)
                file.remove()
        self._pause_timeout()
        self._input.push_back(unstuffer.rest)
        if refused:
            raise refused

    async def _outcome(
        self, envelope: Envelope, future: Future[Sequence[Reply]]
    ) -> Sequence[Reply]:
        """Wait for the pool.  Raises FilterError.

        If the client is lost, a message that still waits for a thread is dropped; one at work is
        finished.
        """
        try:
            return await asyncio.wrap_future(future)
        except FilterError:
            raise
        except Exception as error:
            log.exception("%s: fault while processing", envelope.mail_id)
            raise FilterError(f"fault: {type(error).__name__}") from error

    # The rest

    async def smtp_RSET(self, argument: bytes) -> None:
        if argument:
            self._say(Reply(501, "5.5.4", "RSET takes no argument"))
            return
        self._reset_transaction()
        self._say(_OK)

    async def smtp_NOOP(self, argument: bytes) -> None:
        self._say(_OK)

    async def smtp_VRFY(self, argument: bytes) -> None:
        self._say(Reply(252, "2.0.0", "Send some mail, it will be tried"))

    async def smtp_QUIT(self, argument: bytes) -> None:
        self._hang_up(Reply(221, "2.0.0", "Bye"))

    def _reset_transaction(self) -> None:
        """Forget the envelope, and what XFORWARD said with it, as Postfix does."""
        self._transaction = None
        self._client = Client()
