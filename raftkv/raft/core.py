"""The core as the loop uses it: `step` an event, any number of times, then `take_update`.

Here is only which handler meets which event, and where one concern's outcome is another's cause.
The concerns do not know each other.
"""

from collections.abc import Callable
from typing import Any

from raftkv.config import RaftConfig
from raftkv.raft import (
    acceptance,
    collection,
    election,
    read_index,
    reconfiguration,
    replication,
    snapshot,
    transfer,
)
from raftkv.raft.events import (
    Compact,
    Event,
    Hasten,
    PeerLost,
    Persisted,
    Propose,
    ProposeMembership,
    ReadIndex,
    Receive,
    SnapshotSent,
    Tick,
    TransferLeadership,
)
from raftkv.raft.log import Log
from raftkv.raft.membership import MembershipHistory
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    RequestVote,
    RequestVoteResponse,
    TimeoutNow,
)
from raftkv.raft.state import Role, State, membership_changed, restart_election_timer
from raftkv.raft.status import Status, picture
from raftkv.raft.terms import admit
from raftkv.raft.types import NO_MEMBER, HardState, Membership
from raftkv.raft.update import Update


class Raft:
    """One member's consensus state machine: equal events give equal updates."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a member remembers over a restart, no more
        self,
        member_id: int,
        config: RaftConfig,
        election_timeout: Callable[[], int],
        hard_state: HardState,
        snapshot_index: int,
        snapshot_term: int,
        membership: Membership,
        entries: list[bytes],
        applied_index: int,
    ) -> None:
        """Starts as a follower with what is on the disk.

        Args:
            member_id: Who this is; not 0.
            config: The tunables.
            election_timeout: Gives ticks by chance, from `election_timeout_ticks` to twice as many.
            hard_state: As stored last; zeros for a new member.
            snapshot_index: The log's entries start after it.
            snapshot_term: The term of the entry that was there.
            membership: As of `snapshot_index`; without voters for a member that is yet to be told.
            entries: The stored log.
            applied_index: What the stored state contains; entries after it that are known to be
                committed come with the first update.

        Raises:
            CorruptEntryError: An entry is damaged or out of place.
        """
        log = Log(snapshot_index, snapshot_term, entries, hard_state.term)
        assert snapshot_index <= applied_index <= log.last_index, (
            f"applied {applied_index} is not in the log {snapshot_index}..{log.last_index}"
        )
        history = MembershipHistory(snapshot_index, membership)
        history.read(entries)
        commit = max(min(hard_state.commit, log.last_index), applied_index)
        self._state = State(
            member_id=member_id,
            config=config,
            draw_election_timeout=election_timeout,
            log=log,
            history=history,
            term=hard_state.term,
            vote=hard_state.vote,
            commit=commit,
            handed_out=applied_index,
            stored=hard_state,
            verified=commit,
        )
        membership_changed(self._state)
        restart_election_timer(self._state)
        self._events = self._event_handlers()
        self._messages = self._message_handlers()

    def step(self, event: Event) -> None:
        """Lets one thing happen."""
        self._events[type(event)](event)

    def take_update(self) -> Update | None:
        """Gives what is to be done since the last time, None if nothing; see `update.py`."""
        state = self._state
        if state.role is Role.LEADER:
            if read_index.start_round(state):
                replication.broadcast_heartbeat(state)
            replication.send_due(state)
        else:
            acceptance.acknowledge(state)
        return collection.collect(state)

    @property
    def member_id(self) -> int:
        """Who this is."""
        return self._state.member_id

    @property
    def role(self) -> Role:
        """What this member is at the moment."""
        return self._state.role

    @property
    def leader(self) -> int:
        """Who leads, as far as is known here; 0 for nobody."""
        return self._state.leader

    @property
    def term(self) -> int:
        """The current term."""
        return self._state.term

    @property
    def vote(self) -> int:
        """For whom this member voted in the current term; 0 for nobody."""
        return self._state.vote

    @property
    def commit(self) -> int:
        """The commit index."""
        return self._state.commit

    @property
    def first_index(self) -> int:
        """The index of the log's first entry, or of the first one to come."""
        return self._state.log.first_index

    @property
    def last_index(self) -> int:
        """The index of the log's last entry."""
        return self._state.log.last_index

    @property
    def log_bytes(self) -> int:
        """What the log's entries weigh in memory."""
        return self._state.log.byte_size

    @property
    def membership(self) -> Membership:
        """The configuration that rules, committed or not."""
        return self._state.membership

    @property
    def hard_state(self) -> HardState:
        """Term, vote and commit index as of the last update taken."""
        return self._state.stored

    @property
    def status(self) -> Status:
        """A picture of everything that is worth showing; made anew at each call."""
        return picture(self._state)

    def term_at(self, index: int) -> int:
        """The term of the entry at `index`, from the one before `first_index` to the last."""
        term = self._state.log.term_at(index)
        assert term is not None, f"{index} is not in {self.first_index - 1}..{self.last_index}"
        return term

    def entry_at(self, index: int) -> bytes:
        """The entry at `index`, from `first_index` to the last."""
        return self._state.log.slice(index, index)[0]

    def membership_at(self, index: int) -> Membership:
        """The configuration as of `index`, from the one before `first_index` on."""
        membership = self._state.history.at(index)
        assert membership is not None, f"{index} is before {self.first_index - 1}"
        return membership

    def match_index(self, member: int) -> int:
        """Up to where a leader knows `member` to have its log, durably; 0 if nothing is known."""
        progress = self._state.progress.get(member)
        return 0 if progress is None else progress.match

    def _event_handlers(self) -> dict[type[Any], Callable[[Any], None]]:
        state = self._state
        return {
            Tick: self._on_tick,
            Receive: self._on_receive,
            Propose: lambda event: replication.propose(state, event.payloads),
            ProposeMembership: self._on_propose_membership,
            ReadIndex: lambda event: read_index.ask(state, event.context),
            Persisted: self._on_persisted,
            SnapshotSent: self._on_snapshot_sent,
            Compact: lambda event: snapshot.on_compact(state, event.index),
            TransferLeadership: lambda event: transfer.start(state, event.member),
            PeerLost: self._on_peer_lost,
            Hasten: self._on_hasten,
        }

    def _message_handlers(self) -> dict[type[Any], Callable[[Any], None]]:
        state = self._state
        return {
            RequestVote: lambda message: election.on_request_vote(state, message),
            RequestVoteResponse: self._on_request_vote_response,
            AppendEntries: lambda message: acceptance.on_append_entries(state, message),
            AppendEntriesResponse: self._on_append_entries_response,
            Heartbeat: lambda message: acceptance.on_heartbeat(state, message),
            HeartbeatResponse: self._on_heartbeat_response,
            InstallSnapshot: lambda message: snapshot.on_install_snapshot(state, message),
            TimeoutNow: self._on_timeout_now,
        }

    def _on_tick(self, _event: Tick) -> None:
        state = self._state
        if state.role is Role.LEADER:
            transfer.on_tick(state)
            replication.on_heartbeat_tick(state)
            election.on_leader_tick(state)
        elif election.on_tick(state):
            replication.on_elected(state)

    def _on_receive(self, event: Receive) -> None:
        message = event.message
        if admit(self._state, message):
            self._messages[type(message)](message)

    def _on_propose_membership(self, event: ProposeMembership) -> None:
        membership = reconfiguration.next_membership(self._state, event.changes)
        if membership is None:
            self._state.update.rejected.append(event.context)
        else:
            replication.append_change(self._state, membership, event.context)

    def _on_persisted(self, event: Persisted) -> None:
        if replication.on_persisted(self._state, event.term, event.index):
            self._on_committed()

    def _on_snapshot_sent(self, event: SnapshotSent) -> None:
        snapshot.on_sent(self._state, event.member, event.index if event.succeeded else 0)

    def _on_peer_lost(self, event: PeerLost) -> None:
        state = self._state
        if state.role is Role.LEADER:
            replication.on_peer_lost(state, event.member)
        elif event.member == state.leader:
            election.on_leader_lost(state)

    def _on_hasten(self, _: Hasten) -> None:
        if self._state.leader == NO_MEMBER:
            election.on_leader_lost(self._state)

    def _on_request_vote_response(self, message: RequestVoteResponse) -> None:
        if election.on_vote_response(self._state, message):
            replication.on_elected(self._state)

    def _on_append_entries_response(self, message: AppendEntriesResponse) -> None:
        state = self._state
        if replication.on_append_response(state, message):
            self._on_committed()
        if message.sender == state.transfer_target and not message.rejected:
            transfer.finish_if_caught_up(state)

    def _on_heartbeat_response(self, message: HeartbeatResponse) -> None:
        replication.on_heartbeat_response(self._state, message)
        read_index.on_heartbeat_response(self._state, message)

    def _on_timeout_now(self, message: TimeoutNow) -> None:
        state = self._state
        if transfer.is_from_leader(state, message.sender) and election.campaign_by_transfer(state):
            replication.on_elected(state)

    def _on_committed(self) -> None:
        """A leader's commit index moved: a change of configuration may have ended."""
        membership = reconfiguration.membership_after_joint(self._state)
        if membership is not None:
            replication.append_change(self._state, membership, b"")
        reconfiguration.step_down_if_removed(self._state)
