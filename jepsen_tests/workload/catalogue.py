"""All workloads, by name."""

from jepsen_tests.workload.append import AppendWorkload
from jepsen_tests.workload.bank import BankWorkload
from jepsen_tests.workload.compare_and_set import CompareAndSetWorkload
from jepsen_tests.workload.growing_set import SetWorkload
from jepsen_tests.workload.register import RegisterWorkload
from jepsen_tests.workload.workload import Workload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        RegisterWorkload(),
        CompareAndSetWorkload(),
        AppendWorkload(),
        SetWorkload(),
        BankWorkload(),
    )
}
