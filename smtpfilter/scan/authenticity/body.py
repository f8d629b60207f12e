"""A message's body in the forms that DKIM hashes (RFC 6376 3.4.3, 3.4.4).

dkimpy has them too, but needs half a minute for 64 MiB of empty lines, and hours for as many
blanks.  Here each step is one pass in C.
"""


def canonical_body(octets: bytes, *, relaxed: bool) -> bytes:
    """Return the canonical body.  A lone LF ends a line, and so does the body's end: that is how
    the mail is passed on.
    """
    lines = octets.replace(b"\r\n", b"\n")
    if relaxed:
        lines = lines.replace(b"\t", b" ")
        while b"  " in lines:
            lines = lines.replace(b"  ", b" ")
        lines = lines.replace(b" \n", b"\n").removesuffix(b" ")
    lines = lines.rstrip(b"\n")
    if lines or not relaxed:
        lines += b"\n"
    return lines.replace(b"\n", b"\r\n")
