"""Collects settings: the command line before the environment or, as in etcd, a file alone."""

from collections.abc import Iterator, Mapping, Sequence

from raftkv.cli.serve.config_file import read_config_file
from raftkv.cli.serve.flags import FLAGS, Kind
from raftkv.cli.serve.refused import REFUSED
from raftkv.cli.serve.settings import (
    EXPERIMENTAL,
    FlagError,
    Given,
    Settings,
    kind_of,
    known_name,
    unknown,
    without_refused,
)

ENVIRONMENT_PREFIX = "ETCD_"


def collect(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """The settings from all sources, and warnings about what was set without effect.

    Raises:
        FlagError: An unknown or refused flag, a value that cannot be read, or a file that cannot.
    """
    flags = from_arguments(arguments)
    variables, warnings = from_environment(environment)
    file = flags.get("config-file") or variables.get("config-file")
    if file and file.text:
        # Refused flags are an error even here: who asks for TLS must not get a member without it.
        without_refused(variables | flags)
        shadowed = sorted(
            value.origin for value in [*flags.values(), *variables.values()] if value is not file
        )
        warnings += [f"{origin} does not count beside {file.origin}" for origin in shadowed]
        return without_refused(read_config_file(file.text)), warnings
    warnings += [
        f"{variables[name].origin} does not count beside {flags[name].origin}"
        for name in sorted(variables.keys() & flags.keys())
    ]
    return without_refused(variables | flags), warnings


def from_arguments(arguments: Sequence[str]) -> dict[str, Given]:
    """Reads flags as Go's `flag` package: `-name x`, `--name x`, `-name=x`; the last one counts."""
    given: dict[str, Given] = {}
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            raise FlagError(f"{word!r} is not a flag; values follow one: --name=x or --name x")
        dashes = "--" if word.startswith("--") else "-"
        written, equals, text = word[len(dashes) :].partition("=")
        name = known_name(written)
        if name is None:
            raise unknown(dashes + written, written)
        if not equals:
            text = "true" if kind_of(name) is Kind.BOOLEAN else _following(words, word)
        given[name] = Given(text, dashes + written)
    return given


def _following(words: Iterator[str], flag: str) -> str:
    """The word after a flag, which is its value."""
    for word in words:
        return word
    raise FlagError(f"{flag} needs a value")


def from_environment(environment: Mapping[str, str]) -> tuple[dict[str, Given], list[str]]:
    """Reads `ETCD_*` variables; empty ones count as not set, unknown ones give a warning."""
    names = {
        ENVIRONMENT_PREFIX + name.upper().replace("-", "_"): name
        for known in (*FLAGS, *REFUSED)
        if known != "version"  # images set ETCD_VERSION, and mean a version
        for name in (known, EXPERIMENTAL + known)
    }
    given: dict[str, Given] = {}
    warnings = []
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or not environment[variable]:
            continue
        name = known_name(names.get(variable, ""))
        if name is None:
            warnings.append(f"{variable} is no flag's variable")
        else:
            given[name] = Given(environment[variable], variable)
    return given, warnings
