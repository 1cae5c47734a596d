"""The base of every error that a user can cause and mend."""


class CEMSynthError(Exception):
    """Something the user asked for cannot be done; the text says what, with which file, and what to do.

    The command line prints the text as one sentence and ends with exit code 2. Each room derives its
    own small types from this one. Texts hold no patient name and no traceback.
    """
