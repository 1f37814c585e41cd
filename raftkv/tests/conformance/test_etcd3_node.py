"""npm's etcd3, a Node client, sees the same on a real etcd and on ours."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from raftkv.tests.conformance.servers import Cluster

PACKAGE = "etcd3@1.1.2"
MODULES = Path(sys.prefix) / "node"
"""Where npm installs it, once for this environment."""
SCRIPT = Path(__file__).with_name("etcd3_client.js")


@pytest.fixture(scope="module")
def node() -> str:
    """Node's path; the package is there."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node's part is skipped: there is no node or no npm here")
    if not (MODULES / "node_modules" / "etcd3" / "package.json").exists():
        MODULES.mkdir(exist_ok=True)
        install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(MODULES), PACKAGE]
        done = subprocess.run(install, capture_output=True, text=True, timeout=100, check=False)
        if done.returncode != 0:
            pytest.skip(f"Node's part is skipped: npm could not install {PACKAGE}: {done.stderr}")
    return node


def story(node: str, cluster: Cluster) -> list[Any]:
    """What the script saw."""
    done = subprocess.run(
        [node, str(SCRIPT), cluster.members[0].endpoint],
        env={**os.environ, "NODE_PATH": str(MODULES / "node_modules")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: list[Any] = json.loads(done.stdout)
    return said


@pytest.mark.slow
def test_npm_etcd3_sees_no_difference(node: str, etcd: Cluster, raftkv: Cluster) -> None:
    theirs, ours = story(node, etcd), story(node, raftkv)
    assert without_headers(ours) == without_headers(theirs)
    assert len(ours) > 8


def without_headers(value: Any) -> Any:  # noqa: ANN401
    """What was seen without revisions and ids, which two clusters do not share."""
    if isinstance(value, dict):
        return {
            name: without_headers(each)
            for name, each in value.items()
            if name != "header" and not name.endswith("revision")
        }
    return [without_headers(each) for each in value] if isinstance(value, list) else value
