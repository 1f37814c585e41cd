"""The metrics page's format and names."""

import re
from collections.abc import Iterable

import pytest

from raftkv.gateway.metric_names import METRICS
from raftkv.gateway.metrics import Distribution, Figure, Metric, page

TABLE = {
    "things": Metric("gauge", "Things."),
    "seconds": Metric("histogram", "Seconds."),
    "by_member": Metric("counter", "By member."),
}


class Source:
    def __init__(self, *figures: Figure) -> None:
        self._figures = figures

    def figures(self) -> Iterable[Figure]:
        return self._figures


def test_a_page_in_the_text_format() -> None:
    text = page(
        TABLE,
        [
            Source(
                Figure("things", 2.0), Figure("seconds", Distribution((0.5, 1), (3, 0, 1), 2.25))
            ),
            Source(Figure("by_member", 7, (("To", 'a"b\\c\nd'),))),
        ],
    )
    assert text.decode().splitlines() == [
        "# HELP things Things.",
        "# TYPE things gauge",
        "things 2",
        "# HELP seconds Seconds.",
        "# TYPE seconds histogram",
        'seconds_bucket{le="0.5"} 3',
        'seconds_bucket{le="1"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 2.25",
        "seconds_count 4",
        "# HELP by_member By member.",
        "# TYPE by_member counter",
        'by_member{To="a\\"b\\\\c\\nd"} 7',
    ]


def test_a_metric_without_a_figure_is_left_out() -> None:
    text = page(TABLE, [Source(Figure("things", 1))]).decode()
    assert text == "# HELP things Things.\n# TYPE things gauge\nthings 1\n"


def test_a_name_that_is_not_in_the_table_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="wrong"):
        page(TABLE, [Source(Figure("wrong", 1))])


def test_every_name_is_one_that_prometheus_takes() -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in METRICS)
    assert "etcd_server_has_leader" in METRICS
    assert "etcd_debugging_mvcc_current_revision" in METRICS
