"""Where the shim of one member keeps its files, and how a member is started with it."""

from dataclasses import dataclass
from pathlib import Path

NOT_DATA = "lock.mdb"
"""LMDB maps its lock file and writes through the map; nothing in it has to survive."""


@dataclass(frozen=True, slots=True)
class ShimPlace:
    """The files of one member's shim."""

    library: Path
    data: Path
    """The directory whose files count."""
    journal: Path
    """Beside it, on the same file system."""

    def environment(self) -> dict[str, str]:
        """The variables with which a member has the shim; LD_PRELOAD may get more than this."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.journal.mkdir(parents=True, exist_ok=True)
        return {
            "LD_PRELOAD": str(self.library),
            "SHIM_ROOT": str(self.data),
            "SHIM_JOURNAL": str(self.journal),
            "SHIM_EXCEPT": NOT_DATA,
        }

    def unseen(self) -> str:
        """The files that the shim could not see being written; empty when there are none."""
        try:
            return ", ".join(sorted(set((self.journal / "unseen").read_text().split())))
        except FileNotFoundError:
            return ""
