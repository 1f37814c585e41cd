"""What members are started with so that faults can be made later: small disks, shims."""

from dataclasses import dataclass
from pathlib import Path

from jepsen_tests.plan import ClockSkew, DiskError, DiskFull, Fault, PowerLoss, SlowDisk
from jepsen_tests.process import compiling, disks
from jepsen_tests.process.clock_shim.control import ClockControl
from jepsen_tests.process.members import Files
from jepsen_tests.process.servers.kind import ServerKind
from jepsen_tests.process.storage_shim.control import DiskControl, DiskCounts
from jepsen_tests.process.storage_shim.place import ShimPlace


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a run's faults need."""

    small_disks: bool = False
    storage_shim: bool = False
    clock_shim: bool = False


def needed(faults: tuple[Fault, ...], kind: ServerKind) -> Equipment:
    """What these faults need, as far as this kind of server can have it."""
    can_preload = not why_no_shim(kind)
    return Equipment(
        small_disks=any(isinstance(fault, DiskFull) for fault in faults),
        storage_shim=can_preload
        and any(isinstance(fault, PowerLoss | DiskError | SlowDisk) for fault in faults),
        clock_shim=can_preload and any(isinstance(fault, ClockSkew) for fault in faults),
    )


def why_no_shim(kind: ServerKind) -> str:
    """Why this kind of server can't have a shim here; empty if it can."""
    return kind.preload or compiling.why_not()


class Workshop:
    """Equips the members of one run."""

    def __init__(self, equipment: Equipment, directory: Path) -> None:
        self.equipment = equipment
        self._storage = directory / "storage_shim.so"
        self._clock = directory / "clock_shim.so"

    async def prepare(self) -> None:
        """Compiles what is needed; raises ProgramError."""
        if self.equipment.storage_shim:
            await compiling.compile_shim(compiling.STORAGE, self._storage)
        if self.equipment.clock_shim:
            await compiling.compile_shim(compiling.CLOCK, self._clock)

    async def equip(self, files: Files, mount_name: str) -> None:
        """Gives a new member its disk; raises ProgramError."""
        if self.equipment.small_disks:
            await disks.mount(mount_name, files.disk)

    async def pack(self, files: Files) -> None:
        """Puts a member's disk away, at the end; its files stay. Raises ProgramError."""
        if self.equipment.small_disks and files.disk.is_mount():
            await disks.unmount(files.disk)

    def environment(self, files: Files) -> dict[str, str]:
        """The variables that a member is started with."""
        libraries = []
        variables: dict[str, str] = {}
        if self.equipment.storage_shim:
            variables |= self.storage_of(files).environment()
            libraries.append(str(self._storage))
        if self.equipment.clock_shim:
            with ClockControl(files.clock):
                pass  # The file is there now.
            variables["SHIM_CLOCK"] = str(files.clock)
            libraries.append(str(self._clock))
        if libraries:
            variables["LD_PRELOAD"] = " ".join(libraries)
        return variables

    def storage_of(self, files: Files) -> ShimPlace:
        """Where a member's storage shim has its files."""
        return ShimPlace(self._storage, files.data, files.shim)

    def disk_counts(self, files: Files) -> DiskCounts | None:
        """What a member's storage shim has counted; None without one."""
        if not self.equipment.storage_shim or not files.shim.exists():
            return None
        with DiskControl(files.shim) as disk:
            return disk.counts()

    def heal(self, files: Files) -> None:
        """Makes a member's disk and clocks work again as they should."""
        if self.equipment.small_disks:
            disks.free(files.disk)
        if self.equipment.storage_shim and files.shim.exists():
            with DiskControl(files.shim) as disk:
                disk.heal()
        if self.equipment.clock_shim:
            with ClockControl(files.clock) as clock:
                clock.skew()
