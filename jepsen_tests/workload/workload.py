"""What a workload is."""

from abc import ABC, abstractmethod

from jepsen_tests.verdict import Checker
from jepsen_tests.world.trial import Trial


class Workload(ABC):
    """Clients that do one kind of thing; stateless, so that one object serves many runs."""

    name: str
    checkers: tuple[Checker, ...] = ()
    """Besides those that judge every run (`checkers.py`)."""
    compacts = False
    """Whether history is given up on purpose, so that a watch may miss some."""

    async def setup(self, trial: Trial) -> None:  # noqa: B027 - most need none
        """What has to be there before the clients begin."""

    @abstractmethod
    async def client(self, trial: Trial, number: int) -> None:
        """What one client does while the load lasts (`Trial.is_loading`)."""

    async def final(self, trial: Trial) -> None:  # noqa: B027 - everything is read anyway
        """The reads at the end, when all is well again."""
