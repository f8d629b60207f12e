"""Lists whose order is edited on a page: adding, moving and deleting without a script."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def moved(items: Sequence[Item], deed: str, new: Item) -> list[Item]:
    """Return the items after "add" (of `new`), "up:N", "down:N" or "delete:N"; N counts from 0."""
    verb, _, place = deed.partition(":")
    if verb == "add":
        return [*items, new]
    if not place.isdigit() or int(place) >= len(items):
        return list(items)
    number = int(place)
    rest = [*items[:number], *items[number + 1 :]]
    if verb == "delete":
        return rest
    target = max(0, number - 1) if verb == "up" else number + 1
    return [*rest[:target], items[number], *rest[target:]]
