"""A member's /metrics page, read as a scraper does."""

import re
from typing import NamedTuple
from urllib.request import urlopen

_SAMPLE = re.compile(r"^([a-z_0-9]+)(\{.*\})? (\S+)$")


class MetricsPage(NamedTuple):
    """One scrape."""

    kinds: dict[str, str]
    """Name -> counter, gauge or histogram."""
    samples: dict[str, float]
    """Name, or name and labels as written -> value."""

    def value(self, name: str, *labels: str) -> float:
        """The sum of a name's samples that have these labels; 0 if there is none."""
        return sum(
            value
            for sample, value in self.samples.items()
            if sample.partition("{")[0] == name and all(label in sample for label in labels)
        )


def scrape(url: str) -> MetricsPage:
    """Reads the page of the member that serves at `url`."""
    with urlopen(f"{url}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    kinds: dict[str, str] = {}
    samples: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
        elif not line.startswith("#"):
            found = _SAMPLE.match(line)
            assert found is not None, line
            name, labels, value = found.groups()
            samples[name + (labels or "")] = float(value)
    return MetricsPage(kinds, samples)
