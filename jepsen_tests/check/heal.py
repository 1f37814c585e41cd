"""When the last fault was over: what has to become true again does so within a bound after that."""

from jepsen_tests.history import History


def healed_ns(history: History) -> int | None:
    """The end of the last fault, 0 if there was none; None if one lasted to the end."""
    ends = [band.end_ns for band in history.faults if not band.skipped]
    if None in ends:
        return None
    return max((end for end in ends if end is not None), default=0)


def end_ns(history: History) -> int:
    """The last moment of the run that its history tells of."""
    return max(
        [
            0,
            *(operation.return_ns or operation.call_ns for operation in history.operations),
            *(response.received_ns for response in history.watches),
            *(state.at_ns for state in history.members),
        ]
    )
