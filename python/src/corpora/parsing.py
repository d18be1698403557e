"""Documents to text, one subprocess for many documents."""

import atexit
import json
import os
import subprocess
import threading

from .program import environment, program


class DocumentError(Exception):
    """A document that cannot be read, with the reason and what to do about it."""


class _Answering:
    """A `corpora parse --lines` that answers each path with a line of JSON."""

    def __init__(self):
        self.lock = threading.Lock()
        self.process = None
        self.owner = None

    def ask(self, path: str) -> dict:
        with self.lock:
            # After a fork the pipes belong to the parent.
            if self.process is None or self.owner != os.getpid() or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [program(), "parse", "--lines"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
                )
                self.owner = os.getpid()
            process = self.process
            try:
                process.stdin.write(json.dumps(path).encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = b""
            if not line.endswith(b"\n"):
                process.kill()
                code = process.wait()
                self.process = None
                raise DocumentError(f"{path}: reading it ended the program (code {code})")
            return json.loads(line)

    def close(self):
        if self.process is not None and self.owner == os.getpid():
            self.process.stdin.close()
            self.process.wait(timeout=10)


_answering = _Answering()
atexit.register(_answering.close)


def parse(path) -> dict:
    """The document at `path`: `text`, `sections`, `blocks` and what else `corpora parse --format json` gives.

    Raises `DocumentError` if it cannot be read.
    """
    answer = _answering.ask(os.path.abspath(os.fspath(path)))
    if "error" in answer:
        raise DocumentError(answer["error"])
    return answer["document"]
