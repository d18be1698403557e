"""Text of documents by the program corpora, and corpora on many machines (module `driver`)."""

from .parsing import DocumentError, parse

__all__ = ["DocumentError", "parse"]
