"""Calls of the webhook: over real TLS, to addresses that were looked at, never further."""

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.status.webhook import NotTaken, post


class Chat(BaseHTTPRequestHandler):
    got: ClassVar[list[tuple[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, json.loads(body)))
        self.send_response({"/moved": 302, "/broken": 500}.get(self.path, 204))
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(
        key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    return file


@pytest.fixture
def chat(certificate: Path) -> Iterator[str]:
    """Return the address of a server for calls."""
    Chat.got.clear()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), Chat) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def test_the_document_arrives_as_json(chat: str, trusting: ssl.SSLContext, settings: Any) -> None:
    settings.WEB_LOCAL_WEBHOOK = True

    post(f"{chat}/hook?key=1", {"alarm": "disk"}, trusting)

    assert Chat.got == [("/hook?key=1", {"alarm": "disk"})]


@pytest.mark.parametrize("path", ["/moved", "/broken"])
def test_redirects_and_errors_are_not_taken_and_not_followed(
    chat: str, trusting: ssl.SSLContext, settings: Any, path: str
) -> None:
    settings.WEB_LOCAL_WEBHOOK = True

    with pytest.raises(NotTaken, match="localhost answers"):
        post(chat + path, {}, trusting)

    assert [got for got, _ in Chat.got] == [path]


def test_a_name_that_is_this_machine_is_not_called(chat: str, trusting: ssl.SSLContext) -> None:
    with pytest.raises(NotTaken, match="which is not called"):
        post(chat, {}, trusting)

    assert Chat.got == []


def test_a_certificate_that_nobody_vouches_for_is_refused(chat: str, settings: Any) -> None:
    settings.WEB_LOCAL_WEBHOOK = True

    with pytest.raises(NotTaken, match="certificate"):
        post(chat, {})

    assert Chat.got == []
