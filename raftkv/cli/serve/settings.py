"""What was asked for, flag by flag, and where: the texts that every source is brought down to."""

from dataclasses import dataclass

from raftkv.cli.serve.flags import FLAGS, Kind
from raftkv.cli.serve.go_values import parse_boolean, parse_duration, parse_integer
from raftkv.cli.serve.refused import REFUSED, refusal

EXPERIMENTAL = "experimental-"


class FlagError(Exception):
    """A mistake in what was asked for; its text is one line for the person who asked."""


@dataclass(frozen=True, slots=True)
class Given:
    """A flag's value and where it was given: `--name`, `ETCD_NAME` or `name in FILE`."""

    text: str
    origin: str


class Settings:
    """Flag values by name, read as their kind; what was not given has its default."""

    def __init__(self, given: dict[str, Given]) -> None:
        """Takes what was given; only names of known flags."""
        self.given = given

    def origin(self, name: str) -> str:
        """Where the flag was given, for messages."""
        return self.given[name].origin if name in self.given else f"--{name}"

    def text(self, name: str) -> str:
        """The value as it was written, or the default."""
        return self.given[name].text if name in self.given else FLAGS[name].default

    def boolean(self, name: str) -> bool:
        """The value of a boolean flag."""
        try:
            return parse_boolean(self.text(name))
        except ValueError as error:
            raise FlagError(f"{self.origin(name)}: {error}") from error

    def integer(self, name: str, minimum: int | None = 1) -> int:
        """The value of a number flag, at least `minimum`."""
        try:
            number = parse_integer(self.text(name))
        except ValueError as error:
            raise FlagError(f"{self.origin(name)}: {error}") from error
        if minimum is not None and number < minimum:
            raise FlagError(f"{self.origin(name)}: {number} is too small, at least {minimum}")
        return number

    def milliseconds(self, name: str, minimum: int = 0) -> int:
        """The value of a duration flag, at least `minimum` milliseconds."""
        try:
            milliseconds = parse_duration(self.text(name)) // 1_000_000
        except ValueError as error:
            raise FlagError(f"{self.origin(name)}: {error}") from error
        if milliseconds < minimum:
            raise FlagError(f"{self.origin(name)}: at least {minimum}ms")
        return milliseconds


def known_name(name: str) -> str | None:
    """The flag that `name` means, or None; etcd 3.5 called some flags `experimental-` still."""
    for candidate in (name, name.removeprefix(EXPERIMENTAL)):
        if candidate in FLAGS or candidate in REFUSED:
            return candidate
    return None


def kind_of(name: str) -> Kind:
    """How the value of a known flag is written."""
    return FLAGS[name].kind if name in FLAGS else REFUSED[name][1]


def unknown(what: str, name: str) -> FlagError:
    """The error for a name that no flag has, with the nearest that one has."""
    from difflib import get_close_matches  # slow to import, seldom needed

    near = get_close_matches(name, [*FLAGS, *REFUSED], n=1)
    hint = f"; did you mean --{near[0]}?" if near else "; `raftkv serve --help` lists them"
    return FlagError(f"{what} is not a flag{hint}")


def without_refused(given: dict[str, Given]) -> Settings:
    """The settings that a member has.

    Raises:
        FlagError: Something was asked for that it cannot do.
    """
    for name, value in given.items():
        if name not in REFUSED:
            continue
        text = value.text
        if kind_of(name) is Kind.BOOLEAN:
            text = str(Settings(given).boolean(name)).lower()
        why = refusal(name, text)
        if why:
            raise FlagError(f"{value.origin}={value.text} is refused: {why}")
    return Settings({name: value for name, value in given.items() if name in FLAGS})
