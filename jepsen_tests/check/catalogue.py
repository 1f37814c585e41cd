"""All checkers of etcd's API, in the order in which they are of use to a reader.

First that there is one truth at all, then what is told of it, then what is built upon it.
"""

from jepsen_tests.check.counts import COUNTS
from jepsen_tests.check.election import ELECTIONS
from jepsen_tests.check.event_log import EVENT_LOG
from jepsen_tests.check.hash import HASHES
from jepsen_tests.check.kv_metadata import KV_METADATA
from jepsen_tests.check.lease import LEASES
from jepsen_tests.check.liveness import LIVENESS
from jepsen_tests.check.lock import LOCKS
from jepsen_tests.check.memory import MEMORY
from jepsen_tests.check.reflector import REFLECTORS
from jepsen_tests.check.refusals import REFUSALS
from jepsen_tests.check.revisions import REVISIONS
from jepsen_tests.check.watch.guarantees import WATCH_GUARANTEES
from jepsen_tests.verdict import Checker

STORE_CHECKERS: tuple[Checker, ...] = (EVENT_LOG, REVISIONS, KV_METADATA, REFUSALS, COUNTS)
RECIPE_CHECKERS: tuple[Checker, ...] = (LEASES, LOCKS, ELECTIONS, REFLECTORS)
MEMBER_CHECKERS: tuple[Checker, ...] = (HASHES, MEMORY, LIVENESS)
API_CHECKERS: tuple[Checker, ...] = (
    *STORE_CHECKERS,
    *WATCH_GUARANTEES,
    *RECIPE_CHECKERS,
    *MEMBER_CHECKERS,
)
