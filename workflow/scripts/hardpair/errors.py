"""The error that is shown to the user as one sentence."""


class UserError(Exception):
    """Bad input: the message says which key or file, what is wrong and what to do."""
