"""Whether a folder that comes to a node by a link has changed since the node read it.

ComfyUI asks a node for its state before it runs any, when nothing is known of what comes by links. So the folders that
were read are remembered, and looked at again then.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from ..plan.cell_key import SESSION
from .manifest import Manifest

KEPT = 32  # folders; each costs a look at its files before every run


class FoldersRead:
    """Folders of sweeps as they were when they were read."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, str] = OrderedDict()
        self._changes = 0

    def note(self, manifest: Manifest) -> None:
        """Nodes have read this folder."""
        self._see(manifest.folder, manifest.fingerprint())
        self._known.move_to_end(manifest.folder)

    def state(self) -> str:
        """Another text after any of the folders has changed, or is no longer remembered."""
        for folder in list(self._known):
            self._see(folder, _fingerprint(folder))
        while len(self._known) > KEPT:
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
