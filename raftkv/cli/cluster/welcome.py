"""What `raftkv cluster up` prints at last: where the cluster is, and what to try."""

import os
import shutil
import sys
from pathlib import Path

from raftkv.cli.cluster.layout import HOST, Directory, Layout


def welcome(layout: Layout, directory: Directory) -> str:
    """The text for a person who has just started this cluster."""
    endpoints = ",".join(f"{HOST}:{member.client_port}" for member in layout.members)
    members = "\n".join(f"  {member.name}  {member.client_url}" for member in layout.members)
    etcdctl, raftkv = _program("etcdctl"), _program("raftkv")
    options = (
        "" if directory.path == Path(".raftkv").absolute() else f" --data-dir {directory.path}"
    )
    return f"""The cluster is healthy. Its members:
{members}

Try:
  export ETCDCTL_API=3 ETCDCTL_ENDPOINTS={endpoints}
  {etcdctl} put greeting hello
  {etcdctl} get --prefix greet
  {etcdctl} endpoint status -w table
  {raftkv} cluster kill {layout.members[0].name}{options}      # it goes on without one
  {raftkv} cluster restart {layout.members[0].name}{options}
  {raftkv} cluster down{options}
"""


def _program(name: str) -> str:
    """How to call a program from here: by name, or by the path beside our Python."""
    beside = Path(sys.executable).parent / name
    if shutil.which(name) or not beside.exists():
        return name
    return os.path.relpath(beside)
