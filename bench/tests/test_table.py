"""What a person sees."""

from rich.console import Console

from bench.rows import P50, P99, PEAK_MEMORY, THROUGHPUT, rows_named
from bench.summary import Figures
from bench.table import print_tables


def printed(figures: Figures, stores: list[str]) -> str:
    console = Console(width=200, color_system="truecolor", force_terminal=True)
    with console.capture() as capture:
        print_tables(console, rows_named(["put-leader", "memory"]), figures, stores)
    return capture.get()


def test_a_kept_promise_is_green_and_a_broken_one_red() -> None:
    figures = Figures()
    figures.add("put-leader", "etcd", 0, {THROUGHPUT: 10_000.0, P50: 5.0, P99: 20.0})
    figures.add("put-leader", "raftkv", 0, {THROUGHPUT: 16_000.0, P50: 4.0, P99: 21.0})
    text = printed(figures, ["etcd", "raftkv"])
    assert "16,000" in text
    assert "\x1b[32m1.60\x1b[0m" in text
    assert "\x1b[31m1.05\x1b[0m" in text


def test_one_store_has_no_ratios() -> None:
    figures = Figures()
    figures.add("put-leader", "etcd", 0, {THROUGHPUT: 10_000.0, P50: 5.0, P99: 20.0})
    text = printed(figures, ["etcd"])
    assert "10,000" in text
    assert "least" not in text
    assert "promised" not in text


def test_memory_has_a_table_of_its_own() -> None:
    figures = Figures()
    for store, mib in (("etcd", 190.0), ("raftkv", 95.0)):
        figures.add("memory", store, 0, {PEAK_MEMORY: mib})
    text = printed(figures, ["etcd", "raftkv"])
    assert "at its peak" in text
    assert "0.50" in text
