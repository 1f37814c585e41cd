"""The same requests, a real etcd and ours: the same answers, the same errors, the same revisions."""

from collections.abc import Iterator

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings

from raftkv.tests.conformance.servers import Cluster
from raftkv.tests.conformance.steps import sequences
from raftkv.tests.conformance.twins import Twins
