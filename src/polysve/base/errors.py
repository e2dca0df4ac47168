"""The one exception that a user is meant to read."""


class InputError(ValueError):
    """A wrong setting, file or argument.

    Its message is one line that names the file or key, the value and what is allowed. The command line prints it and
    exits with 2.
    """
