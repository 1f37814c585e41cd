# ruff: noqa: INP001 - Python looks for it by this name, in a directory that is no package
"""Run by Python itself at the start of every process with this directory on its path.

So a bug is planted into processes that somebody else starts: `raftkv serve`, a test, a probe.
"""

import os

from jepsen_tests.planted.processes import ENVIRONMENT_NAME, plant_for_good

_name = os.environ.get(ENVIRONMENT_NAME)
if _name:
    plant_for_good(_name)
