"""`corpora-ray`: shards as tasks of Ray, one display, the merge and the rest on the driver."""

import argparse
import os
import shutil
import subprocess
import sys
import time

from . import shard
from .program import environment, program

# Attempts of a shard beyond the first, as long as none of them was hopeless.
RETRIES = 5


def main() -> int:
    """The command; its exit code is that of the last program that ran."""
    parser = argparse.ArgumentParser(
        prog="corpora-ray", description="corpora batch on a Ray cluster: one task a shard, then merge, then the rest here.",
        usage="corpora-ray INPUT -o OUT --shards N [options] [-- options of corpora batch]",
    )
    parser.add_argument("input", help="input folder, at the same place on every machine")
    parser.add_argument("-o", "--output", required=True, help="output folder, on a disk of this machine")
    parser.add_argument("--shards", type=int, required=True, help="number of shards; several for each core")
    parser.add_argument("--packs", help="folder that all machines see, for what is done (default: OUT/.packs)")
    parser.add_argument("--pack-every", type=float, default=60.0, metavar="SECONDS", help="time between two packs of a shard (60)")
    parser.add_argument("--address", help="address of the cluster (default: RAY_ADDRESS, or one on this machine)")
    line = sys.argv[1:]
    at = line.index("--") if "--" in line else len(line)
    args = parser.parse_args(line[:at])
    options = line[at + 1 :]
    books, out = os.path.abspath(args.input), os.path.abspath(args.output)
    packs = os.path.abspath(args.packs) if args.packs else os.path.join(out, ".packs")
    os.makedirs(packs, exist_ok=True)
    listing = os.path.join(packs, "list")
    if not os.path.exists(listing):
        subprocess.run([program(), "list", books, "-o", listing, "--shards", str(args.shards)], env=environment(), check=True)
    try:
        failed = run_shards(args, books, packs, ["--files", listing, *of_shards(options)])
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 130
    for words in failed:
        print(words, file=sys.stderr)
    found = [os.path.join(packs, name) for name in sorted(os.listdir(packs)) if name.endswith(".pack")]
    merged = subprocess.run([program(), "merge", out, *found], env=environment(), check=False)
    if merged.returncode != 0:
        return merged.returncode
    done = subprocess.run([program(), "batch", books, "-o", out, *options], env=environment(), check=False)
    if done.returncode == 0:
        shutil.rmtree(packs, ignore_errors=True)
    return done.returncode


def of_shards(options: list[str]) -> list[str]:
    """Options of the whole run that a shard has too; what is about a provider, or about the end, is none of its."""
    takes_value = {"--ocr", "--ocr-lang", "--parse-timeout", "--parse-memory", "--password-file", "--formats", "--pipeline", "--workers", "-w"}
    alone = {"--checksum", "--retry-failed"}
    kept, rest = [], list(options)
    while rest:
        option = rest.pop(0)
        name, equals, _ = option.partition("=")
        if name in alone:
            kept.append(option)
        elif name in takes_value:
            kept += [option] if equals else [option, rest.pop(0)]
    return kept


def run_shards(args, books: str, packs: str, options: list[str]) -> list[str]:
    """Runs all shards that have no settled pack yet; the words about those that failed."""
    import ray

    ray.init(address=args.address or os.environ.get("RAY_ADDRESS"), log_to_driver=False, configure_logging=False)

    @ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
    class Board:
        def __init__(self):
            self.shards = {}

        def tell(self, counts):
            self.shards[counts["shard"]] = counts

        def told(self):
            return list(self.shards.values())

    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    board = Board.options(scheduling_strategy=here).remote()

    @ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=[shard.TryAgain], scheduling_strategy="SPREAD")
    def one(index):
        return shard.run(index, args.shards, books, packs, [*options, "--workers", "1"], args.pack_every, board.tell.remote)

    waiting = {one.remote(index): index for index in range(args.shards)}
    failed, ended, begun = [], 0, time.monotonic()
    try:
        while waiting:
            ready, _ = ray.wait(list(waiting), timeout=1)
            for ref in ready:
                index = waiting.pop(ref)
                ended += 1
                try:
                    board.tell.remote(ray.get(ref))
                except ray.exceptions.RayError as error:
                    failed.append(f"shard {index}: {str(error).strip().splitlines()[-1]}")
            show(ray.get(board.told.remote()), ended, args.shards, time.monotonic() - begun)
    except KeyboardInterrupt:
        for ref in waiting:
            ray.cancel(ref, force=False)
        ray.wait(list(waiting), num_returns=len(waiting), timeout=5)
        raise
    finally:
        ray.shutdown()
        print(file=sys.stderr)
    return failed


def show(shards: list[dict], ended: int, of: int, seconds: float) -> None:
    """One line for all shards. The time left is a guess from those that have begun."""
    total, done, failed = (sum(s[what] for s in shards) for what in ("total", "done", "failed"))
    rate = done / seconds if seconds else 0.0
    expected = total / max(len(shards), 1) * of
    left = f", {max(expected - done - failed, 0) / rate / 60:.0f} min left" if rate else ""
    line = f"parse {done} of {total} in {len(shards)} of {of} shards, {failed} failed, {ended} shards at an end, {rate:.1f}/s{left}"
    end = "\r" if sys.stderr.isatty() else "\n"
    print(line.ljust(100), end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
