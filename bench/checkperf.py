"""`etcdctl check perf` against a store: what a Go client that is not ours says about it."""

import subprocess

from bench.clusters import program

SECONDS_MAX = 180.0


def check_perf(endpoints: list[str], load: str = "s") -> list[str]:
    """Its verdicts, such as `PASS: Throughput is 149 writes/s`; it takes a minute.

    Args:
        endpoints: `host:port` of each member.
        load: s, m, l or xl.
    """
    command = [program("etcdctl"), f"--endpoints={','.join(endpoints)}", "check", "perf"]
    process = subprocess.run(
        [*command, f"--load={load}"],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    # The progress bar uses the same output; its lines end with a carriage return.
    lines = process.stdout.replace("\r", "\n").splitlines() + process.stderr.splitlines()
    verdicts = [line.strip() for line in lines if line.strip().startswith(("PASS", "FAIL", "Slow"))]
    return verdicts or [f"FAIL: exit code {process.returncode}: {process.stderr.strip()[-200:]}"]
