"""Is there room where messages are at work and where the appliance keeps its things?"""

import shutil
from pathlib import Path

from appliance.status.probe import Probe

LITTLE, NONE = 0.10, 0.02  # of the whole: look at it; a fault
_GIGABYTE = 1e9


def disk(*folders: Path) -> Probe:
    """Tell the free room of each folder's disk; folders that are not there are left out.  Raises
    OSError.
    """
    free, told = 1.0, {}
    for folder in folders:
        if folder.is_dir():
            room = shutil.disk_usage(folder)
            share = room.free / room.total if room.total else 0.0
            free = min(free, share)
            told[folder.stat().st_dev] = (
                f"{room.free / _GIGABYTE:.1f} GB of {room.total / _GIGABYTE:.1f} free at {folder}"
            )
    return Probe(free > NONE, "; ".join(told.values()) or "not known", warns=free <= LITTLE)
