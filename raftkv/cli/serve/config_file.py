"""Reads `--config-file`: YAML with the flags' names as keys, as etcd's `etcd.conf.yml`.

etcd takes durations here as nanoseconds only; we take `10m` as well. A key that no flag has is an
error, because a setting that is silently without effect is worse than none.
"""

from pathlib import Path
from typing import Any

from raftkv.cli.serve.flags import Kind
from raftkv.cli.serve.settings import FlagError, Given, kind_of, known_name, unknown

SECTIONS = {"client-transport-security": "", "peer-transport-security": "peer-"}
"""Nested blocks of etcd's file, and what their keys are called as flags."""
SECTION_KEYS = {
    "cert-file": "cert-file",
    "key-file": "key-file",
    "client-cert-file": "client-cert-file",
    "client-key-file": "client-key-file",
    "client-cert-auth": "client-cert-auth",
    "trusted-ca-file": "trusted-ca-file",
    "auto-tls": "auto-tls",
    "allowed-cn": "cert-allowed-cn",
    "allowed-hostname": "cert-allowed-hostname",
    "skip-client-san-verification": "skip-client-san-verification",
}


def read_config_file(path: str) -> dict[str, Given]:
    """The flags that the file sets.

    Raises:
        FlagError: The file cannot be read, is no YAML mapping, or has an unknown key.
    """
    document = _load(path)
    given: dict[str, Given] = {}
    for key, value in document.items():
        if key in SECTIONS:
            if not isinstance(value or {}, dict):
                raise FlagError(f"{key} in {path}: must hold keys and values")
            for inner, inner_value in (value or {}).items():
                name = SECTIONS[key] + SECTION_KEYS.get(inner, inner)
                _add(given, name, inner_value, f"{key}.{inner} in {path}")
        else:
            _add(given, str(key), value, f"{key} in {path}")
    return given


def _load(path: str) -> dict[Any, Any]:
    """The file's top mapping."""
    import yaml  # most members start without a file

    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise FlagError(f"--config-file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FlagError(f"--config-file {path}: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise FlagError(f"--config-file {path}: must hold keys and values")
    return document


def _add(given: dict[str, Given], written: str, value: object, origin: str) -> None:
    """Adds one key; a key without a value counts as not set."""
    name = known_name(written)
    if name is None or name == "config-file":
        raise unknown(origin, written)
    if value is not None:
        given[name] = Given(_text(value, kind_of(name), origin), origin)


def _text(value: object, kind: Kind, origin: str) -> str:
    """A YAML value as it would stand on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and kind is Kind.DURATION:
        return f"{value}ns"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    raise FlagError(f"{origin}: {value!r} is no value for a flag")
