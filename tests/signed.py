"""Signed messages, and keys for them that are made once for each run."""

import base64
import functools
import subprocess

import dkim


@functools.cache
def private_key(bits: int = 2048) -> bytes:
    return _openssl("genrsa", "-traditional", str(bits))


@functools.cache
def key_record(bits: int = 2048, flags: str = "") -> str:
    """Return what stands in DNS for private_key(bits); `flags` are further tags, with semicolon."""
    public = _openssl("rsa", "-pubout", "-outform", "DER", standard_input=private_key(bits))
    return f"v=DKIM1; k=rsa; {flags}p={base64.b64encode(public).decode()}"


def signed(
    content: bytes, domain: str, selector: str = "s1", bits: int = 2048, **how: object
) -> bytes:
    """Return the message with a signature of `domain` at its top."""
    how = {"canonicalize": (b"relaxed", b"relaxed"), **how}
    field = dkim.sign(content, selector.encode(), domain.encode(), private_key(bits), **how)
    return bytes(field) + content


def _openssl(*words: str, standard_input: bytes = b"") -> bytes:
    """Run openssl, which makes keys that are too short, too."""
    return subprocess.run(
        ["openssl", *words], input=standard_input, capture_output=True, check=True
    ).stdout
