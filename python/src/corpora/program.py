"""The program that does the work."""

import os
import shutil


def program() -> str:
    """Path of `corpora`: where the variable CORPORA_BIN says, else on the PATH."""
    named = os.environ.get("CORPORA_BIN")
    found = named or shutil.which("corpora")
    if not found:
        raise FileNotFoundError("the program 'corpora' is not on the PATH; install it, or say where it is with CORPORA_BIN")
    return found


def environment() -> dict:
    """Environment of the program: it knows no variable CORPORA_BIN, and says so of what it does not know."""
    return {name: value for name, value in os.environ.items() if name != "CORPORA_BIN"}
