#!/usr/bin/env python3
"""Clients that nobody here wrote, as they come from PyPI, on `corpora simulate`.

run.py --corpora target/debug/corpora [--lab FOLDER] [sdks] [programs]

FOLDER gets a virtual environment for each set of pinned requirements (wheels only) where it has none; without one, a folder of that
name in the place for temporary files. `sdks` are the vendors' own SDKs, `programs` are those that are built on them; both by default.
Nothing but the installation leaves this machine. The last line of each set counts what works; exit 0 where all of it does.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KEY = "sk-clients-123456"
BEHAVIOR = f"""
key = "{KEY}"
gold = ["salt lantern"]

[limits]
requests = 6000.0

[batch]
turnaround_ms = 300.0
"""


def python_of(lab, name):
    """The interpreter of a set's environment, which is made where it is absent."""
    folder = lab / name
    python = folder / "bin" / "python"
    done = folder / "installed"
    wanted = (HERE / f"{name}.txt").read_text()
    if not done.exists() or done.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*install, "-r", HERE / f"{name}.txt"], check=True)
        done.write_text(wanted)
    return python


def simulate(corpora, folder):
    """A simulator and its address."""
    behavior = folder / "behavior.toml"
    behavior.write_text(BEHAVIOR)
    command = [corpora, "simulate", "--port", "0", "--behavior", behavior]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if "http://" in line:
            return process, "http://" + line.split("http://", 1)[1].split()[0].rstrip("/.,;")
    sys.exit(f"{corpora} simulate ended with {process.wait()} and told no address")


def environment(folder):
    """Nothing of the caller's keys, and a way out that leads nowhere."""
    ours = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL", "_proxy", "_PROXY"))}
    nowhere = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    quiet = {"TELEMETRY_ENABLED": "false", "CURATOR_VIEWER": "0", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_OFFLINE": "1"}
    return {**ours, **nowhere, **quiet, "NO_PROXY": "127.0.0.1", "OPENAI_API_KEY": KEY, "HOME": str(folder), "CURATOR_CACHE_DIR": str(folder)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", default="corpora", help="the program")
    parser.add_argument("--lab", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "corpora-clients")
    parser.add_argument("sets", nargs="*", metavar="sdks|programs")
    given = parser.parse_args()
    failed = []
    for name in given.sets or ["sdks", "programs"]:
        python = python_of(given.lab, name)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            simulator, url = simulate(given.corpora, folder)
            try:
                run = subprocess.run([python, HERE / f"{name}.py", url, KEY], env=environment(folder), cwd=folder, timeout=600)
            finally:
                simulator.terminate()
                simulator.wait()
        if run.returncode:
            failed.append(name)
    sys.exit(f"these do not work: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
