"""The commands of the golden traces: a line does one thing to a `World`, which tells the rest.

A script is blocks of command lines, `---`, the lines that they led to; `#` starts a comment. The
command `quiet` before another one leaves its trace out.
"""

from typing import TYPE_CHECKING

from raftkv.config import RaftConfig
from raftkv.raft.events import (
    MembershipChange,
    PeerLost,
    Propose,
    ProposeMembership,
    ReadIndex,
    Tick,
    TransferLeadership,
)
from raftkv.raft.types import HardState, Membership, encode_entry
from raftkv.tests.raft import describe
from raftkv.tests.raft.describe import Parcel
from raftkv.tests.raft.world import Disk, World

if TYPE_CHECKING:
    from collections.abc import Callable


def rewritten(script: str) -> str:
    """The script with the traces that its commands lead to now."""
    runner = Script()
    blocks = []
    for block in script.strip().split("\n\n"):
        commands = block.partition("\n---")[0].strip()
        lines = runner.run(commands.splitlines())
        is_comment = all(line.startswith("#") for line in commands.splitlines())
        blocks.append(commands if is_comment else "\n".join([commands, "---", *lines]))
    return "\n\n".join(blocks) + "\n"


class Script:
    """Runs commands on one world."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.world = World((), tell=self.lines.append)

    def run(self, commands: list[str]) -> list[str]:
        """Runs some lines; returns what happened."""
        self.lines.clear()
        for command in commands:
            words = command.split("#")[0].split()
            if words:
                self._run(words)
        return list(self.lines)

    def _run(self, words: list[str]) -> None:
        before = len(self.lines)
        quiet = words[0] == "quiet"
        name, *arguments = words[1:] if quiet else words
        command: Callable[..., None] = getattr(self, f"do_{name}")
        command(*arguments)
        if quiet:
            del self.lines[before:]

    # -- the cluster

    def do_cluster(self, *options: str) -> None:
        """Starts over: voters=1,2,3 learners=4 and tunables of `RaftConfig`."""
        given = dict(option.split("=") for option in options)
        voters, learners = numbers(given.pop("voters")), numbers(given.pop("learners", ""))
        tunables = {
            name: value == "yes" if value in {"yes", "no"} else int(value)
            for name, value in given.items()
        }
        self.world = World(
            voters,
            learners=learners,
            config=RaftConfig(**tunables),  # type: ignore[arg-type]
            tell=self.lines.append,
        )

    def do_disk(self, member: str, *options: str) -> None:
        """Restarts a member with a disk of this content: term=3 vote=1 commit=2 log=1,1,3."""
        given = dict(option.split("=") for option in options)
        terms = numbers(given.get("log", ""))
        entries = [
            encode_entry(term, index, 0, b"old%d" % index) for index, term in enumerate(terms, 1)
        ]
        hard_state = HardState(
            int(given.get("term", terms[-1] if terms else 0)),
            int(given.get("vote", 0)),
            int(given.get("commit", 0)),
        )
        place = self.world.members[int(member)]
        place.crash()
        place.disk = Disk(hard_state, self.world.membership, entries=entries)
        place.start()

    def do_join(self, member: str) -> None:
        """Starts a member with an empty disk that knows no cluster."""
        self.world.add_member(int(member), Membership(frozenset()))

    def do_crash(self, member: str, writes_done: str = "0") -> None:
        """Stops a member; some of its oldest writes may have become durable."""
        self.world.members[int(member)].crash(int(writes_done))

    def do_restart(self, member: str) -> None:
        """Starts a crashed member, and shows what it does of itself."""
        self.world.members[int(member)].start()
        self.world.step(int(member))

    # -- time and clients

    def do_tick(self, members: str, count: str = "1") -> None:
        """Lets the clocks of members tick, one after the other."""
        for _ in range(int(count)):
            for member in numbers(members):
                self.world.step(member, Tick())

    def do_elect(self, member: str) -> None:
        """Makes a member leader, and lets everything settle."""
        self.world.elect(int(member))
        self.world.settle()

    def do_propose(self, member: str, *payloads: str) -> None:
        """Proposes commands in one step."""
        self.world.step(int(member), Propose([payload.encode() for payload in payloads]))

    def do_read(self, member: str, *contexts: str) -> None:
        """Asks for reads in one step."""
        self.world.step(int(member), *[ReadIndex(int(context)) for context in contexts])

    def do_change(self, member: str, *words: str) -> None:
        """Proposes a change: add_voter=4 remove=2, and a word for the context."""
        pairs = [word.split("=") for word in words if "=" in word]
        context = " ".join(word for word in words if "=" not in word)
        changes = tuple(MembershipChange(action, int(member)) for action, member in pairs)
        self.world.step(int(member), ProposeMembership(changes, context.encode()))

    def do_transfer(self, member: str, target: str) -> None:
        """Asks a leader to hand over."""
        self.world.step(int(member), TransferLeadership(int(target)))

    def do_compact(self, member: str, index: str) -> None:
        """Cuts a member's log back."""
        self.world.compact(int(member), int(index))

    # -- network and disk

    def do_deliver(self, link: str = "", count: str = "1000") -> None:
        """Delivers what waits on a link (1->2, or all), oldest first; not what that leads to."""
        for parcel in self._waiting(link)[: int(count)]:
            self.world.deliver(parcel)

    def do_deliver_newest(self, link: str) -> None:
        """Delivers the newest message on a link before the others."""
        self.world.deliver(self._waiting(link)[-1])

    def do_repeat(self, link: str) -> None:
        """Delivers what waits on a link, and leaves it there to come again."""
        for parcel in self._waiting(link):
            self.world.deliver(parcel, keep=True)

    def do_drop(self, link: str = "") -> None:
        """Loses what waits on a link."""
        for parcel in self._waiting(link):
            self.world.drop(parcel)

    def do_settle(self) -> None:
        """Delivers and writes until nothing is left to do."""
        self.world.settle()

    def do_cut(self, *links: str) -> None:
        """Lets `settle` lose everything on these links: 1->2, or 1-2 for both ways."""
        for link in links:
            one, two = numbers(link.replace("->", ",").replace("-", ","))
            self.world.cuts.add((one, two))
            if "->" not in link:
                self.world.cuts.add((two, one))

    def do_isolate(self, member: str) -> None:
        """Cuts a member off from everybody."""
        self.do_cut(*[f"{member}-{other}" for other in self.world.members if other != int(member)])

    def do_heal(self) -> None:
        """Ends all cuts."""
        self.world.cuts.clear()

    def do_lose(self, member: str, other: str) -> None:
        """Tells a member that its connection to another closed."""
        self.world.step(int(member), PeerLost(int(other)))

    def do_slow(self, member: str) -> None:
        """From now on a member's writes wait for `write`."""
        self.world.members[int(member)].slow_disk = True

    def do_write(self, member: str) -> None:
        """Makes the oldest write of a member durable."""
        self.world.finish_write(int(member))

    # -- looking

    def do_log(self, member: str) -> None:
        """Shows a member's log."""
        raft = self.world.raft(int(member))
        entries = [raft.entry_at(at) for at in range(raft.first_index, raft.last_index + 1)]
        self.lines.append(f"m{member} has {describe.entries(entries) or 'nothing'}")

    def do_status(self, *members: str) -> None:
        """Shows members as they see themselves."""
        for member in members:
            status = self.world.raft(int(member)).status
            role = status.role.name.lower().replace("_", "-")
            log = f"log={status.first_index}..{status.last_index} commit={status.commit}"
            self.lines.append(
                f"m{member} is {role} term={status.term} leader={status.leader} {log}"
            )
            for peer in status.peers:
                mode, place = peer.mode.name.lower(), f"match={peer.match} next={peer.next}"
                flight = f"in flight={peer.inflight_messages}"
                self.lines.append(f"  m{peer.member} {mode} {place} {flight}")

    def _waiting(self, link: str) -> list[Parcel]:
        ends = numbers(link.replace("->", ",")) if link else []
        return [
            parcel
            for parcel in self.world.network
            if not ends or [parcel.sender, parcel.to] == ends
        ]


def numbers(text: str) -> list[int]:
    """Numbers between commas."""
    return [int(number) for number in text.split(",") if number]
