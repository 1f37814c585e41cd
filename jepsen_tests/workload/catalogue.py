"""The workloads by their names."""

from jepsen_tests.workload.append import AppendWorkload
from jepsen_tests.workload.bank import BankWorkload
from jepsen_tests.workload.compaction import CompactionWorkload
from jepsen_tests.workload.compare_and_set import CompareAndSetWorkload
from jepsen_tests.workload.election import ElectionWorkload
from jepsen_tests.workload.growing_set import SetWorkload
from jepsen_tests.workload.kubernetes import KubernetesWorkload
from jepsen_tests.workload.lease import LeaseWorkload
from jepsen_tests.workload.lock import LockWorkload
from jepsen_tests.workload.register import RegisterWorkload
from jepsen_tests.workload.watch import WatchWorkload
from jepsen_tests.workload.workload import Workload

_ALL: tuple[Workload, ...] = (
    RegisterWorkload(),
    CompareAndSetWorkload(),
    AppendWorkload(),
    SetWorkload(),
    BankWorkload(),
    WatchWorkload(),
    LeaseWorkload(),
    LockWorkload(),
    ElectionWorkload(),
    KubernetesWorkload(),
    CompactionWorkload(),
)
WORKLOADS = {workload.name: workload for workload in _ALL}
