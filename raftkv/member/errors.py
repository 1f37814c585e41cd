"""Why a member can't run."""


class StartupError(Exception):
    """The member can't start, or can't go on: one line that says why and what to do."""
