"""Plans and scenarios as JSON: what is written is read again; anything else is refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.history import MalformedError
from jepsen_tests.plan import FAULTS, At, Kill, Partition, Plan, name_of
from jepsen_tests.plan_json import plan_from_json, plan_to_json
from jepsen_tests.sim.harm.table import CAPABILITIES
from jepsen_tests.sim.scenario import Scenario, scenario_from_json
from jepsen_tests.tests.plans import plans, scenarios

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=30)
@given(plans())
def test_a_plan_is_read_as_it_was_written(plan: Plan) -> None:
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


@settings(max_examples=30)
@given(scenarios())
def test_a_scenario_is_read_as_it_was_written(scenario: Scenario) -> None:
    assert scenario_from_json(json.loads(json.dumps(scenario.to_json()))) == scenario


@settings(max_examples=50)
@given(ANYTHING)
def test_whatever_else_a_file_holds_is_refused(document: Any) -> None:  # noqa: ANN401
    for read in (plan_from_json, scenario_from_json):
        try:
            read(document)
        except MalformedError:
            continue
        assert document == []


@settings(max_examples=50)
@given(st.lists(st.fixed_dictionaries({"at": ANYTHING, "fault": st.sampled_from([*FAULTS])})))
def test_a_fault_at_any_time_is_read_or_refused(document: list[Any]) -> None:
    refused = ""
    try:
        plan_from_json(document)
    except MalformedError as error:
        refused = str(error)
    assert not refused or refused.startswith("fault ")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"at": 1}, "there is no fault None"),
        ({"at": 1, "fault": "earthquake"}, "there is no fault 'earthquake'"),
        ({"at": -1, "fault": "kill"}, "at is seconds from 0 to 86400.0, not -1"),
        ({"at": float("nan"), "fault": "kill"}, "at is seconds from 0 to 86400.0, not nan"),
        ({"at": True, "fault": "kill"}, "at is seconds from 0 to 86400.0, not True"),
        ({"at": 10**400, "fault": "kill"}, "at is seconds from 0 to 86400.0"),
        ({"at": 2, "until": 1, "fault": "kill"}, "ends at 1.0, before it begins at 2.0"),
        ({"at": 1, "fault": "kill", "victim": "m1"}, "kill has no 'victim'"),
        ({"at": 1, "fault": "kill", "target": 3}, "target is the name of a member or a word"),
        ({"at": 1, "fault": "kill", "target": ""}, "target is the name of a member or a word"),
        ({"at": 1, "fault": "loss", "chance": 2}, "chance is a number from 0.0 to 1.0, not 2"),
        ({"at": 1, "fault": "disk-error", "nth": 1.5}, "nth is a number from 1 to 1000000"),
        ({"at": 1, "fault": "partition", "shape": "star"}, "shape is one of majority-minority"),
        ({"at": 1, "fault": "partition", "groups": [["a"], "b"]}, "groups are lists of names"),
    ],
)
def test_a_fault_that_is_none_is_refused_with_the_reason(entry: Any, why: str) -> None:  # noqa: ANN401
    with pytest.raises(MalformedError) as refusal:
        plan_from_json([entry])
    assert str(refusal.value).startswith("fault 0: ")
    assert why in str(refusal.value)


def test_more_faults_than_anyone_means_are_refused() -> None:
    with pytest.raises(MalformedError, match="at most 1000 faults, not 1001"):
        plan_from_json([{"at": 1, "fault": "kill"}] * 1001)


def test_a_plan_is_put_in_the_order_of_time() -> None:
    late, early = At(2.0, Kill()), At(1.0, Partition("ring"))
    assert plan_from_json(plan_to_json((late, early))) == (early, late)


def test_each_kind_of_fault_has_its_own_name() -> None:
    assert FAULTS["power-loss"].__name__ == "PowerLoss"
    assert all(name_of(kind) == name for name, kind in FAULTS.items())


def test_the_simulation_makes_a_fault_or_says_why_not() -> None:
    of_clients = {"compact", "client-death"}
    assert CAPABILITIES.keys() | of_clients == FAULTS.keys()
