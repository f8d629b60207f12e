"""A folder for a stack whose path is short enough for sockets, unlike pytest's own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.stack.identity import stack_folder


@pytest.fixture
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="postern-var."))
    yield folder
    for made in (folder, stack_folder(folder)):
        shutil.rmtree(made, ignore_errors=True)
