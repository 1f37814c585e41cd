"""Transactions on lists: the anomalies of Adya, found as Elle finds them.

Reads of lists that are only appended to give the order of versions (`list_versions.py`), and that
gives what each transaction depends on: whom it followed (ww), whom it read (wr), whom it did not
see yet (rw); besides its client's order and real time. A store is strictly serializable only if
nothing depends on itself. A cycle is named by the kinds of its edges: G0 of ww alone, G1c with wr,
G-single with one rw, G2 with more; with `-process` or `-realtime` if it needs such an edge.
(Alvaro and Kingsbury: Elle, 2020.)
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from jepsen_tests.check.dependencies import Edge, Graph, Kind
from jepsen_tests.check.list_versions import Transaction, Versions, transactions_of
from jepsen_tests.check.words import in_words
from jepsen_tests.history import History, Status
from jepsen_tests.verdict import Finding, State, Verdict

FINDINGS_MAX: Final = 20
_SHOWN_MAX: Final = 8
_UNSEEN_MAX: Final = 8
_Writer: TypeAlias = tuple[Hashable, Transaction]
"""An element, and who appended it."""
_ORDERS = (0, Kind.PROCESS, Kind.PROCESS | Kind.REALTIME)


@dataclass(frozen=True, slots=True)
class Appends:
    """Checks `txn`, `append` and `read` on lists for strict serializability."""

    name: str = "append"

    def check(self, history: History) -> Verdict:
        """Every anomaly, each cycle by its shortest form."""
        versions = Versions(transactions_of(history.operations))
        graph = graph_of(versions)
        findings = [
            *versions.findings,
            *versions.intermediate_reads(),
            *versions.lost_updates(),
            *(
                finding
                for part in graph.components(_ALL)
                for finding in _cycles(graph, part, versions)
            ),
        ]
        left_out = sorted(history.by_function.keys() - {"txn", "append", "read"})
        notes = [f"left out: {', '.join(left_out)}"] if left_out else []
        if len(findings) > FINDINGS_MAX:
            notes.append(f"{len(findings) - FINDINGS_MAX} more of the same kinds")
        state = State.INVALID if findings else State.VALID
        return Verdict(self.name, state, tuple(findings[:FINDINGS_MAX]), "; ".join(notes))


_ALL = Kind.WW | Kind.WR | Kind.RW | Kind.PROCESS | Kind.REALTIME


def graph_of(versions: Versions) -> Graph:
    """What each transaction depends on."""
    graph = Graph(len(versions.transactions))
    unseen = _unseen(versions)
    _add_versions(graph, versions, unseen)
    _add_reads(graph, versions, unseen)
    _add_process(graph, versions.transactions)
    _add_realtime(graph, versions.transactions)
    return graph


def _add_versions(graph: Graph, versions: Versions, unseen: dict[str, list[_Writer]]) -> None:
    for key, order in versions.order.items():
        for element, following in pairwise(order):
            before = versions.writer.get((key, element))
            after = versions.writer.get((key, following))
            if before is not None and after is not None:
                graph.add(before.index, after.index, Kind.WW, (key, element, following))
        last = versions.writer.get((key, order[-1])) if order else None
        if last is not None:
            for element, after in unseen.get(key, ()):
                graph.add(last.index, after.index, Kind.WW, (key, order[-1], element))


def _unseen(versions: Versions) -> dict[str, list[_Writer]]:
    """By key, what was appended for certain and never read: it came after all that was.

    Of many, the ones that returned first: they are what a stale read should have seen.
    """
    seen = {key: frozenset(order) for key, order in versions.order.items()}
    unseen: dict[str, list[_Writer]] = {}
    by_return = sorted(
        (one for one in versions.transactions if one.status is Status.OK),
        key=lambda transaction: transaction.operation.return_ns or 0,
    )
    for transaction in by_return:
        for key, elements in transaction.appends.items():
            waiting = unseen.setdefault(key, [])
            if len(waiting) < _UNSEEN_MAX and elements[0] not in seen.get(key, frozenset()):
                waiting.append((elements[0], transaction))
    return unseen


def _add_reads(graph: Graph, versions: Versions, unseen: dict[str, list[_Writer]]) -> None:
    for transaction in versions.transactions:
        for key, version in transaction.reads.items():
            order = versions.order[key]
            length = len(version)
            if order[:length] != version:
                continue
            writer = versions.writer.get((key, version[-1])) if version else None
            if writer is not None:
                graph.add(writer.index, transaction.index, Kind.WR, (key, version[-1]))
            for element, after in _next_writers(versions, key, length, unseen):
                graph.add(transaction.index, after.index, Kind.RW, (key, version, element))


def _next_writers(
    versions: Versions, key: str, length: int, unseen: dict[str, list[_Writer]]
) -> list[_Writer]:
    """Who appended what comes after a version of this length."""
    order = versions.order[key]
    if length == len(order):
        return unseen.get(key, [])
    writer = versions.writer.get((key, order[length]))
    return [] if writer is None else [(order[length], writer)]


def _add_process(graph: Graph, transactions: list[Transaction]) -> None:
    last: dict[int, Transaction] = {}
    for transaction in sorted(transactions, key=lambda one: one.operation.call_ns):
        if transaction.status is Status.FAIL:
            continue
        process = transaction.operation.process
        if process in last:
            graph.add(last[process].index, transaction.index, Kind.PROCESS)
        last[process] = transaction


def _add_realtime(graph: Graph, transactions: list[Transaction]) -> None:
    """Adds what had returned before what was called, without what follows from other edges."""
    events: list[tuple[int, int, Transaction]] = []
    for transaction in transactions:
        operation = transaction.operation
        if transaction.status is not Status.FAIL:
            events.append((operation.call_ns, 0, transaction))
        if transaction.status is Status.OK:
            assert operation.return_ns is not None, "only info may never return"
            # At the same instant calls come first: intervals are closed.
            events.append((operation.return_ns, 1, transaction))
    events.sort(key=lambda event: event[:2])
    newest: dict[int, Transaction] = {}
    before: dict[int, list[int]] = {}
    for _, is_return, transaction in events:
        if not is_return:
            for earlier in newest:
                graph.add(earlier, transaction.index, Kind.REALTIME)
            if transaction.status is Status.OK:
                before[transaction.index] = list(newest)
            continue
        for earlier in before.pop(transaction.index):
            newest.pop(earlier, None)
        newest[transaction.index] = transaction


def _cycles(graph: Graph, component: list[int], versions: Versions) -> Iterator[Finding]:
    """The simplest cycle of a component: with as few and as weak assumptions as will do."""
    among = frozenset(component)
    for order in _ORDERS:
        suffix = "-realtime" if order & Kind.REALTIME else "-process" if order else ""
        for name, edges in (
            ("G0", graph.shortest_cycle(Kind.WW | order, among)),
            ("G1c", graph.shortest_cycle(Kind.WW | Kind.WR | order, among)),
            ("G-single", graph.cycle_with_one(Kind.RW, Kind.WW | Kind.WR | order, among)),
            ("G2", graph.shortest_cycle(Kind.WW | Kind.WR | Kind.RW | order, among)),
        ):
            if edges:
                yield _contradiction(f"{name}{suffix}", edges, graph, versions)
                return


def _contradiction(name: str, edges: list[Edge], graph: Graph, versions: Versions) -> Finding:
    """The cycle in words, as Elle says it."""
    operations = [versions.transactions[edge.before].operation for edge in edges]
    names = {edge.before: f"T{number}" for number, edge in enumerate(edges, start=1)}
    reasons = []
    for edge in edges:
        why = _reason(edge, names, graph, versions)
        reasons.append(f"{names[edge.before]} < {names[edge.after]} because {why}")
    what = f"{name}: {'; '.join(reasons[:-1])}; however, {reasons[-1]}: a contradiction."
    details = "\n".join(
        f"{names[edge.before]} = {in_words(operation)}"
        for edge, operation in zip(edges, operations, strict=True)
    )
    return Finding(what, tuple(operations[:_SHOWN_MAX]), details)


def _reason(edge: Edge, names: dict[int, str], graph: Graph, versions: Versions) -> str:
    before, after = names[edge.before], names[edge.after]
    evidence = graph.evidence.get((edge.before, edge.after, edge.kind))
    match edge.kind, evidence:
        case Kind.WW, (key, first, second):
            return f"{before} appended {first!r} to {key!r} before {after} appended {second!r}"
        case Kind.WR, (key, element):
            return f"{after} saw that {before} had appended {element!r} to {key!r}"
        case Kind.RW, (key, tuple(version), element):
            return (
                f"{before} read {key!r} as {list(version)}, without the {element!r} that {after} "
                "appended"
            )
        case Kind.PROCESS, _:
            process = versions.transactions[edge.before].operation.process
            return f"process {process} did {before} before {after}"
        case _:
            return f"{before} had returned before {after} was called"
