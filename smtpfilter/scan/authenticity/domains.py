"""Organisational domains and their limits (RFC 7489 3.2, by the public suffix list)."""

from functools import cache

from publicsuffixlist import PublicSuffixList


def organisation(domain: str) -> str:
    """Return the organisational domain of `domain`, an A-label; a public suffix is its own."""
    return _suffixes().privatesuffix(domain) or domain


def is_public_suffix(domain: str) -> bool:
    """Tell whether `domain` is no organisation's own: under it anybody may have a name."""
    return _suffixes().privatesuffix(domain) is None


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
