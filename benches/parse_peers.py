"""Processor time for the text of PDFs: corpora against PyMuPDF and pdftotext, turn by turn, medians of all rounds.

    python3 benches/parse_peers.py PROGRAM FOLDER [ROUNDS]

PROGRAM is a release build of corpora; every PDF of FOLDER is read by a process of its own. PyMuPDF's process is forked with the library
imported, so that its start is not counted. The last row is corpora's whole parse stage over the folder: workers, store and all.
"""

import glob
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

import pymupdf

program, folder = sys.argv[1], sys.argv[2]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
files = sorted(glob.glob(os.path.join(folder, "*.pdf")))
pymupdf.TOOLS.mupdf_display_errors(False)


def waited_for():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def of(run):
    before = waited_for()
    run()
    return waited_for() - before


def command(*words):
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def mupdf(file):
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as out, pymupdf.open(file) as document:
            for page in document:
                out.write(page.get_text())
        os._exit(0)
    os.waitpid(child, 0)


def stage():
    out = tempfile.mkdtemp()
    command(program, "batch", folder, "-o", out, "--until", "parse", "--quiet")
    shutil.rmtree(out)


readers = {
    "PyMuPDF": mupdf,
    "corpora, text": lambda file: command(program, "parse", "--format", "text", file),
}
if shutil.which("pdftotext"):
    readers["pdftotext"] = lambda file: command("pdftotext", file, "-")
seconds = {name: [] for name in [*readers, "corpora, parse stage"]}
for _ in range(rounds):
    for name, read in readers.items():
        seconds[name].append(sum(of(lambda file=file: read(file)) for file in files))
    seconds["corpora, parse stage"].append(of(stage))
base = statistics.median(seconds["PyMuPDF"])
print(f"{len(files)} files, {rounds} rounds, PyMuPDF {pymupdf.__version__ if hasattr(pymupdf, '__version__') else ''}")
for name, all_rounds in seconds.items():
    median = statistics.median(all_rounds)
    print(f"{name:<22} {median:7.3f} s   PyMuPDF takes {base / median:5.2f} times as long")
