"""One shard on one machine: the program as a subprocess, its events, packs of what is done."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time

from .program import environment, program

# Codes after which the same command does more (https://man.freebsd.org/sysexits; 75 is EX_TEMPFAIL, 130 an interruption).
AGAIN = (75, 130, -signal.SIGTERM, -signal.SIGKILL, -signal.SIGINT, 137, 143)


class TryAgain(Exception):
    """The shard had more to do, or its program was ended: another attempt goes on from the newest pack."""


class Hopeless(Exception):
    """The shard cannot be made in this way, whoever tries."""


def newest_pack(packs: str, index: int) -> str | None:
    """The pack of a shard that was published last."""
    own = [name for name in os.listdir(packs) if name.startswith(f"{index}.") and name.endswith(".pack")]
    paths = [os.path.join(packs, name) for name in own]
    return max(paths, key=os.path.getmtime, default=None)


def publish(folder: str, packs: str, index: int, attempt: str) -> None:
    """Copies what is done to the shared folder; a pack is there whole, or not at all."""
    if os.path.exists(os.path.join(folder, ".corpora", "store.sqlite")):
        target = os.path.join(packs, f"{index}.{attempt}.pack")
        done = subprocess.run([program(), "pack", folder, "-o", target], stderr=subprocess.PIPE, text=True, env=environment(), check=False)
        if done.returncode != 0:
            raise TryAgain(f"shard {index}: {done.stderr.strip()}")


def run(index: int, of: int, books: str, packs: str, options: list[str], every: float, tell) -> dict:
    """Makes shard `index` of `of`, and publishes it to `packs`; `tell(counts)` hears how far it is, about once a second.

    Raises `TryAgain` or `Hopeless`.
    """
    attempt = f"{os.uname().nodename}-{os.getpid()}-{time.time_ns()}"
    with tempfile.TemporaryDirectory(prefix=f"corpora-shard-{index}-") as folder:
        command = [program(), "batch", books, "-o", folder, "--shard", f"{index}/{of}", "--until", "chunk", "--progress", "json"]
        earlier = newest_pack(packs, index)
        command += ["--from-pack", earlier] if earlier else []
        # Its input is a pipe of ours: when this process dies in any way, the program ends.
        process = subprocess.Popen(command + options, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        counts = {"shard": index, "total": 0, "done": 0, "failed": 0}
        last_words: list[str] = []
        heard = threading.Event()

        def listen():
            for line in process.stderr:
                try:
                    event = json.loads(line)
                except ValueError:
                    last_words[:] = last_words[-4:] + [line.strip()]
                    continue
                take(event, counts)
                heard.set()

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        published = told = time.monotonic()
        try:
            while process.poll() is None:
                heard.wait(0.2)
                heard.clear()
                now = time.monotonic()
                if now - told >= 1:
                    told = now
                    tell(dict(counts))
                if now - published >= every:
                    published = now
                    publish(folder, packs, index, attempt)
        except BaseException:
            process.stdin.close()
            process.wait()
            raise
        listening.join(timeout=5)
        code = process.returncode
        if code == 0 or code in AGAIN:
            publish(folder, packs, index, attempt)
        tell(dict(counts))
        if code == 0:
            return counts
        words = f"shard {index} ended with {code}: {' '.join(last_words)}"
        raise TryAgain(words) if code in AGAIN else Hopeless(words)


def take(event: dict, counts: dict) -> None:
    """Takes up what an event says of the stage `parse`, in which the work of a shard is."""
    kind = event.get("event")
    if kind == "stage_started" and event.get("stage") == "parse":
        counts["total"] = event["total"] + event["skipped"] + event["failed"]
        counts["done"], counts["failed"] = event["skipped"], event["failed"]
    elif kind == "document_done" and event.get("stage") == "parse":
        counts["done"] += 1
    elif kind == "document_failed" and event.get("stage") == "parse":
        counts["failed"] += 1
