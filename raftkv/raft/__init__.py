"""Consensus: a deterministic function of (state, event), after the Raft paper and Ongaro's thesis.

No clock, randomness, socket, thread or file. The loop steps events (`events.py`), then takes one
update (`update.py`) for all of them and carries it out; the order of writing and sending is part
of what an update says. Sections of the paper, or of the thesis, are cited where a line implements
them.

Where to find what, from the top down:

- `core.py`: which handler meets which event; the outside of it all
- `terms.py`: what a message's term and sender mean, before its content counts (5.1, stickiness)
- `election.py`: pre-votes, votes, timeouts, the check that a leader reaches a quorum (5.2, 5.4.1)
- `replication.py`: proposals, appends, back-off, committing: the leader's side (5.3, 5.4.2)
- `acceptance.py`: what a follower takes and answers (5.3)
- `read_index.py`: linearizable reads without the log (thesis 6.4)
- `reconfiguration.py`: when the members may change, and who steps down then (6, thesis 4)
- `snapshot.py`, `transfer.py`: section 7; thesis 3.10
- `collection.py`: the next update; `status.py`: a picture for people
- `state.py`: what a member knows, and how its role changes
- `log.py`, `progress.py`, `membership.py`, `quorum.py`: the parts, each with its own invariants

Caveats:

- Members are trusted to follow the protocol. Damaged or senseless messages are ignored, but a
  member that lies in well-formed ones can break promises.
- A voter whose disk was lost must not come back under its id: its vote could elect a leader
  without entries that it once acknowledged. Remove it and add it again. Its leader never goes back
  behind what it once acknowledged, so that it stays without new entries until then.
- Reads cost a round of messages; there are no leases, so no clock can make them stale.
"""
