"""All promises of watches, the simplest first."""

from jepsen_tests.check.watch.atomic import ATOMIC
from jepsen_tests.check.watch.bookmarkable import BOOKMARKABLE
from jepsen_tests.check.watch.canceled import CANCELED
from jepsen_tests.check.watch.create_flag import CREATE_FLAG
from jepsen_tests.check.watch.filter import FILTER
from jepsen_tests.check.watch.fragments import FRAGMENTS
from jepsen_tests.check.watch.ordered import ORDERED
from jepsen_tests.check.watch.prev_kv import PREV_KV
from jepsen_tests.check.watch.reliable import RELIABLE
from jepsen_tests.check.watch.resumable import RESUMABLE
from jepsen_tests.check.watch.start import START
from jepsen_tests.check.watch.unique import UNIQUE
from jepsen_tests.verdict import Checker

WATCH_GUARANTEES: tuple[Checker, ...] = (
    FILTER,
    START,
    FRAGMENTS,
    ORDERED,
    UNIQUE,
    ATOMIC,
    RESUMABLE,
    RELIABLE,
    BOOKMARKABLE,
    CREATE_FLAG,
    PREV_KV,
    CANCELED,
)
