"""Checks that go on after one has failed, and are counted at the end."""

import json
import sys
import time

TEXT = "A salt lantern is a lamp that keeps the drowned away."
SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["items"],
    "properties": {"items": {"type": "array", "items": {
        "type": "object", "additionalProperties": False, "required": ["term"], "properties": {"term": {"type": "string"}}}}},
}

failures = []
good = 0


def check(what, call, expected):
    """Compares what a call gives, an exception's name and words if it raises."""
    global good
    try:
        found = call()
    except Exception as problem:  # whatever a client raises is what is shown
        found = f"{type(problem).__name__}: {problem}"[:600]
    if found == expected:
        good += 1
        print("ok  ", what, flush=True)
    else:
        failures.append(what)
        print("FAIL", what, "|", repr(found), "instead of", repr(expected), flush=True)


def refused(what, call, error, words):
    """Compares the error that a call raises with its kind and a part of its words or its body."""
    def raised():
        try:
            return f"taken: {call()!r}"[:300]
        except error as problem:
            text = f"{problem} {getattr(problem, 'body', '')}"
            return words if words in text else text
    check(what, raised, words)


def terms(text):
    return [item["term"] for item in json.loads(text)["items"]]


def waited(look, is_over):
    """What is seen when it is over; a look each twentieth of a second, for half a minute."""
    for _ in range(600):
        seen = look()
        if is_over(seen):
            return seen
        time.sleep(0.05)
    raise TimeoutError(f"it is never over: {seen!r}"[:300])


def end():
    print(f"{good} work, {len(failures)} do not", flush=True)
    sys.exit(bool(failures))
