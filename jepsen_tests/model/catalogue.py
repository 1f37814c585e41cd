"""The models by their names."""

from typing import Any

from jepsen_tests.model.collections import AppendList, GrowingSet, KeyedStrings
from jepsen_tests.model.etcd import EtcdKey
from jepsen_tests.model.model import Model
from jepsen_tests.model.mutex import Mutex
from jepsen_tests.model.register import CasRegister, Register, VersionedRegister

_ALL: tuple[Model[Any], ...] = (
    Register(),
    CasRegister(),
    VersionedRegister(),
    KeyedStrings(),
    EtcdKey(),
    AppendList(),
    GrowingSet(),
    Mutex(),
)
MODELS = {model.name: model for model in _ALL}
