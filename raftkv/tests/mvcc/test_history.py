"""The flat history of one key against a list of (main, sub, is tombstone)."""

import gc

from hypothesis import given
from hypothesis import strategies as st

from raftkv.mvcc import history
from raftkv.mvcc.revision import row_key

Entry = tuple[int, int, bool]


def build(entries: list[Entry]) -> history.History:
    flat: history.History | None = None
    create_revision = version = 0
    for main, sub, is_tombstone in entries:
        if is_tombstone:
            flat = history.ended(flat, row_key(main, sub))
            create_revision = version = 0
        else:
            create_revision = create_revision or main
            version += 1
            flat = history.extended(flat, row_key(main, sub), create_revision, version)
    assert flat is not None
    return flat


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Puts and tombstones at rising revisions, with a put first and no two tombstones in a row."""
    entries: list[Entry] = []
    main = draw(st.integers(2, 5))
    sub = 0
    for _ in range(draw(st.integers(1, 12))):
        may_end = bool(entries) and not entries[-1][2]
        entries.append((main, sub, may_end and draw(st.booleans())))
        step = draw(st.integers(0, 3))
        main, sub = (main + step, 0) if step else (main, sub + 1)
    return entries


def newest_at(entries: list[Entry], revision: int) -> Entry | None:
    found = [entry for entry in entries if entry[0] <= revision]
    return found[-1] if found else None


@given(histories(), st.integers(0, 50))
def test_the_row_at_a_revision_is_the_newest_put_unless_a_tombstone_follows(
    entries: list[Entry], revision: int
) -> None:
    flat = build(entries)
    entry = newest_at(entries, revision)
    expected = None if entry is None or entry[2] else row_key(entry[0], entry[1])
    assert history.at_revision(flat, revision) == expected
    last = entries[-1]
    assert history.newest(flat) == (None if last[2] else row_key(last[0], last[1]))


@given(histories())
def test_the_newest_row_s_create_revision_and_version_are_at_hand(
    entries: list[Entry],
) -> None:
    create_revision = version = 0
    for main, _, is_tombstone in entries:
        create_revision = 0 if is_tombstone else create_revision or main
        version = 0 if is_tombstone else version + 1
    assert history.create_and_version(build(entries)) == (create_revision, version)


@given(histories(), st.integers(0, 50))
def test_trimming_keeps_the_newest_row_at_the_compact_revision_and_what_comes_after(
    entries: list[Entry], compact_revision: int
) -> None:
    kept = [entry for entry in entries if entry[0] > compact_revision]
    at = newest_at(entries, compact_revision)
    if at is not None and (not at[2] or at[0] == compact_revision):
        kept.insert(0, at)
    flat = build(entries)
    for main, sub, is_tombstone in entries:
        if main <= compact_revision and not (is_tombstone and main == compact_revision):
            expected = (main, sub, is_tombstone) in kept
            key = row_key(main, sub)
            assert history.is_kept(flat, key, compact_revision) == expected
    trimmed = history.trimmed(flat, compact_revision)
    assert (trimmed is None) == (not kept)
    if trimmed is None:
        return
    for revision in range(compact_revision, 60):
        entry = newest_at(kept, revision)
        expected_row = None if entry is None or entry[2] else row_key(entry[0], entry[1])
        assert history.at_revision(trimmed, revision) == expected_row
    untrimmed = build(entries)
    assert history.create_and_version(trimmed) == history.create_and_version(untrimmed)


def test_a_key_that_was_put_once_has_nothing_but_its_row_key() -> None:
    key = row_key(5, 0)
    assert build([(5, 0, False)]) == key
    assert history.extended(None, key, 5, 1) is key
    twice = build([(5, 0, False), (6, 0, False), (7, 0, True), (8, 0, False)])
    assert history.trimmed(twice, 8) == row_key(8, 0)


def test_histories_are_nothing_to_the_garbage_collector() -> None:
    histories_by_key = {b"a": build([(5, 0, False)]), b"b": build([(5, 1, False), (6, 0, True)])}
    assert not any(gc.is_tracked(flat) for flat in histories_by_key.values())
    assert not gc.is_tracked(histories_by_key)
