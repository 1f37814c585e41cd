"""One follower as its leader sees it: the modes, the window, and answers that come late."""

from hypothesis import given
from hypothesis import strategies as st

from raftkv.raft.progress import Mode, Progress


def replicating(match: int = 5) -> Progress:
    """A follower whose log is known to match."""
    progress = Progress(match + 1, recently_active=True)
    progress.sent(0, 0)
    progress.accepted(match, 1)
    assert progress.mode is Mode.REPLICATE, "one accepted append is enough"
    return progress


def test_the_first_accepted_append_ends_probing() -> None:
    progress = Progress(10, recently_active=False)
    progress.sent(3, 100)
    assert (progress.next, progress.probe_sent) == (10, True)

    assert progress.accepted(12, 1)

    assert (progress.mode, progress.match, progress.next) == (Mode.REPLICATE, 12, 13)


def test_an_old_acknowledgement_does_not_end_probing() -> None:
    progress = replicating(5)
    progress.sent(4, 10)
    progress.connection_lost()

    assert not progress.accepted(3, 1)

    assert (progress.mode, progress.next) == (Mode.PROBE, 6)


def test_the_window_opens_as_messages_are_answered() -> None:
    progress = replicating(5)
    for size in (10, 20, 30):
        progress.sent(2, size)
    assert (progress.next, progress.inflight_messages, progress.inflight_bytes) == (12, 3, 60)

    progress.accepted(8, 1)
    assert (progress.inflight_messages, progress.inflight_bytes) == (2, 50)
    progress.accepted(11, 1)

    assert (progress.inflight_messages, progress.inflight_bytes) == (0, 0)


def test_a_rejection_backs_off_at_least_one_entry_and_never_behind_match() -> None:
    for hint, expected in ((0, 6), (7, 8), (20, 9)):
        progress = replicating(5)
        progress.sent(4, 10)
        progress.rejected(9, hint)
        assert (progress.mode, progress.next) == (Mode.PROBE, expected)


def test_late_rejections_are_not_believed() -> None:
    progress = replicating(5)
    progress.sent(4, 10)
    for index in (0, 5, 10, 99):
        progress.rejected(index, 0)
    assert progress.mode is Mode.REPLICATE

    probing = Progress(10, recently_active=True)
    for index in (8, 10):
        probing.rejected(index, 0)
    assert probing.next == 10


def test_waiting_for_a_snapshot_nothing_else_counts() -> None:
    progress = Progress(5, recently_active=True)
    progress.become_snapshot()

    progress.rejected(4, 1)
    progress.connection_lost()
    progress.heard()
    assert not progress.accepted(0, 20)

    assert progress.mode is Mode.SNAPSHOT
    progress.snapshot_ended(30)
    assert (progress.mode, progress.next, progress.probe_sent) == (Mode.PROBE, 31, False)


def test_a_message_unanswered_for_a_whole_interval_seems_lost() -> None:
    progress = replicating(5)
    progress.tick()
    progress.sent(1, 10)
    progress.heard()
    assert not progress.empty_append_due, "it was only just sent"
    progress.tick()
    progress.heard()
    assert not progress.empty_append_due, "less than an interval ago"
    progress.tick()
    progress.heard()
    assert progress.empty_append_due


def test_answers_keep_coming_so_nothing_seems_lost() -> None:
    progress = replicating(5)
    progress.sent(1, 10)
    for index in range(6, 20):
        progress.tick()
        progress.sent(1, 10)
        progress.accepted(index, 1)
        progress.heard()
        assert not progress.empty_append_due


actions = st.one_of(
    st.tuples(st.just("sent"), st.integers(0, 3)),
    st.tuples(st.just("accepted"), st.integers(0, 12)),
    st.tuples(st.just("rejected"), st.integers(0, 12)),
    st.tuples(st.just("snapshot_ended"), st.integers(0, 12)),
    st.tuples(
        st.sampled_from(["heard", "tick", "connection_lost", "become_snapshot", "unreachable"]),
        st.just(0),
    ),
)


@given(st.lists(actions, max_size=40), st.integers(0, 12))
def test_whatever_happens_the_invariants_hold(what: list[tuple[str, int]], hint: int) -> None:
    progress = Progress(4, recently_active=False)
    match = 0
    for name, argument in what:
        if name == "sent":
            if progress.mode is not Mode.SNAPSHOT:
                progress.sent(argument, 10 * argument)
        elif name == "accepted":
            progress.accepted(argument, 1)
        elif name == "rejected":
            progress.rejected(argument, hint)
        elif name == "snapshot_ended":
            progress.snapshot_ended(argument)
        else:
            getattr(progress, name)()
        assert match <= progress.match < progress.next
        match = progress.match
        if progress.mode is not Mode.REPLICATE:
            assert progress.inflight_messages == progress.inflight_bytes == 0
