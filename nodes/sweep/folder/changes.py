"""Whether a folder that comes to a node by a link has changed since the node read it.

ComfyUI asks all nodes for their state before it runs any. Nothing is known then of what comes by links. So the folders
that were read are remembered, and looked at again.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from ..plan.cell_key import SESSION
from .manifest import Manifest

MAX_FOLDERS = 32  # remembered; each costs a look at its files before every run


class FoldersRead:
    """Folders of sweeps as they were when they were read."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, str] = OrderedDict()
        self._changes = 0

    def note(self, manifest: Manifest) -> None:
        """Remember the folder as a node has read it."""
        self._see(manifest.folder, manifest.fingerprint())
        self._known.move_to_end(manifest.folder)

    def state(self) -> str:
        """A text that changes when one of the folders changes or is no longer remembered."""
        for folder in list(self._known):
            self._see(folder, _fingerprint(folder))
        while len(self._known) > MAX_FOLDERS:
            self._known.popitem(last=False)
            self._changes += 1
        return f"{SESSION}{self._changes}"

    def _see(self, folder: Path, fingerprint: str) -> None:
        if self._known.setdefault(folder, fingerprint) != fingerprint:
            self._known[folder] = fingerprint
            self._changes += 1


READ = FoldersRead()


def _fingerprint(folder: Path) -> str:
    try:
        return Manifest(folder).fingerprint()
    except OSError:
        return ""
