"""The one base exception for failures that a user can mend."""


class SagesegError(Exception):
    """An expected failure: its message is one line that names the file or value, what was
    expected and the next step.

    The command turns it into that line on stderr and exit code 1. Anything else that is raised
    is a bug and keeps its traceback.
    """


class CannotWriteError(SagesegError):
    """What was made cannot be written: all further work would meet the same."""
