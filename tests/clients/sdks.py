"""The official Python SDKs, batches included: `sdks.py http://127.0.0.1:PORT KEY`, as run.py calls it."""

import io
import json
import sys

import anthropic
import openai
from google import genai
from google.genai import errors, types

from checks import SCHEMA, TEXT, check, end, refused, terms, waited

url, key = sys.argv[1:3]
SAYS = [{"role": "user", "content": TEXT}]
NAMES = [f"t-{n}" for n in range(3)]


def messages():
    client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
    create = client.messages.create
    schema = {"format": {"type": "json_schema", "schema": SCHEMA}}
    message = create(model="sim", max_tokens=300, system="Find terms.", messages=SAYS, output_config=schema)
    check("anthropic messages", lambda: terms(message.content[0].text), ["salt lantern"])
    check("anthropic stop_reason", lambda: message.stop_reason, "end_turn")
    check("anthropic usage", lambda: message.usage.input_tokens > 0 and message.usage.output_tokens > 0, True)
    tool = {"tools": [{"name": "answer", "input_schema": SCHEMA}], "tool_choice": {"type": "tool", "name": "answer"}}
    called = lambda: [b.input["items"][0]["term"] for b in create(model="sim", max_tokens=300, messages=SAYS, **tool).content if b.type == "tool_use"]
    check("anthropic tool", called, ["salt lantern"])
    check("anthropic count_tokens", lambda: client.messages.count_tokens(model="sim", messages=SAYS).input_tokens > 0, True)
    check("anthropic model", lambda: client.models.retrieve("sim").id, "sim")
    check("anthropic models", lambda: [m.id for m in client.models.list()], ["simulated"])
    raw = client.messages.with_raw_response.create(model="sim", max_tokens=9, messages=SAYS)
    check("anthropic limit headers", lambda: "anthropic-ratelimit-requests-limit" in raw.headers, True)
    check("anthropic truncation", lambda: raw.parse().stop_reason, "max_tokens")
    other = lambda **more: anthropic.Anthropic(**{"base_url": url, "api_key": key, "max_retries": 0, **more}).messages
    ask = {"model": "sim", "max_tokens": 9, "messages": SAYS}
    refused("anthropic wrong key", lambda: other(api_key="wrong").create(**ask), anthropic.AuthenticationError, "authentication_error")
    old, new = ({"default_headers": {"anthropic-version": version}} for version in ("2020-01-01", "2026-10-21"))
    refused("anthropic old version", lambda: other(**old).create(**ask), anthropic.BadRequestError, "not a valid version")
    refused("anthropic temperature", lambda: other(**new).create(**ask, extra_body={"temperature": 0.1}), anthropic.BadRequestError, "temperature")
    empty = [{"role": "user", "content": ""}]
    refused("anthropic empty text", lambda: create(model="sim", max_tokens=9, messages=empty), anthropic.BadRequestError, "non-empty content")


def message_batches():
    batches = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0).messages.batches
    request = lambda name: {"custom_id": name, "params": {"model": "sim", "max_tokens": 300, "messages": SAYS}}
    ended = lambda made: waited(lambda: batches.retrieve(made.id), lambda b: b.processing_status == "ended")
    batch = batches.create(requests=[*map(request, NAMES[:2]), {"custom_id": "t-2", "params": {"model": "sim", "max_tokens": 300, "messages": []}}])
    check("anthropic batch listed", lambda: [b.id for b in batches.list(limit=5)][:1], [batch.id])
    refused("anthropic delete of a running batch", lambda: batches.delete(batch.id), anthropic.BadRequestError, "finished processing")
    check("anthropic batch counts", lambda: (ended(batch).request_counts.succeeded, ended(batch).request_counts.errored), (2, 1))
    results = lambda: sorted((r.custom_id, r.result.type) for r in batches.results(batch.id))
    check("anthropic batch results", results, [("t-0", "succeeded"), ("t-1", "succeeded"), ("t-2", "errored")])
    check("anthropic batch delete", lambda: batches.delete(batch.id).type, "message_batch_deleted")
    refused("anthropic batch gone", lambda: batches.retrieve(batch.id), anthropic.NotFoundError, "not_found_error")
    cancelled = batches.create(requests=[*map(request, NAMES)])
    check("anthropic batch cancel", lambda: batches.cancel(cancelled.id).processing_status in ("canceling", "ended"), True)
    check("anthropic canceled counts", lambda: ended(cancelled).request_counts.canceled > 0 and ended(cancelled).request_counts.errored == 0, True)
    for what, names, words in [
        ("an id twice", ["x", "x"], "unique"),
        ("an id with a slash", ["a/1"], "requests.0.custom_id: String should match pattern"),
        ("an id of 65 characters", ["a" * 65], "requests.0.custom_id: String should"),
        ("no requests", [], "requests: "),
    ]:
        refused(f"anthropic batch with {what}", lambda: batches.create(requests=[*map(request, names)]), anthropic.BadRequestError, words)
    refused("anthropic list limit 5000", lambda: batches.list(limit=5000).data, anthropic.BadRequestError, "less than or equal to 1000")


def completions():
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    create = client.chat.completions.create
    schema = {"name": "terms", "schema": SCHEMA, "strict": True}
    chat = create(model="sim", messages=SAYS, max_completion_tokens=300, response_format={"type": "json_schema", "json_schema": schema})
    check("openai chat", lambda: terms(chat.choices[0].message.content), ["salt lantern"])
    check("openai usage", lambda: chat.usage.total_tokens, chat.usage.prompt_tokens + chat.usage.completion_tokens)
    tools = [{"type": "function", "function": {"name": "answer", "parameters": SCHEMA, "strict": True}}]
    called = lambda: create(model="sim", messages=SAYS, tools=tools, tool_choice="required").choices[0].message.tool_calls[0].function
    check("openai tool", lambda: (called().name, terms(called().arguments)), ("answer", ["salt lantern"]))
    respond = client.responses.create
    response = respond(model="sim", instructions="Find terms.", input=TEXT, max_output_tokens=300, text={"format": {"type": "json_schema", **schema}})
    check("openai responses", lambda: terms(response.output_text), ["salt lantern"])
    flat = [{"type": "function", "name": "answer", "parameters": SCHEMA, "strict": True}]
    check("openai responses tool", lambda: terms(respond(model="sim", input=TEXT, tools=flat, tool_choice="required").output[0].arguments), ["salt lantern"])
    check("openai model", lambda: client.models.retrieve("sim").id, "sim")
    check("openai models", lambda: [m.id for m in client.models.list()], ["simulated"])
    stranger = openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0)
    refused("openai wrong key", lambda: stranger.models.retrieve("sim"), openai.AuthenticationError, "invalid_api_key")
    thinking = {"model": "gpt-5.6-sol", "max_tokens": 5, "messages": SAYS}
    refused("openai max_tokens of a model that thinks", lambda: create(**thinking), openai.BadRequestError, "unsupported_parameter")


def openai_batches():
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    path = "/v1/chat/completions"
    line = lambda name, model="sim", at=path: {"custom_id": name, "method": "POST", "url": at, "body": {"model": model, "messages": SAYS}}
    payload = lambda lines: ("batch.jsonl", b"".join(json.dumps(x).encode() + b"\n" for x in lines))
    upload = lambda lines, purpose="batch": client.files.create(purpose=purpose, file=payload(lines))
    create = lambda file, **more: client.batches.create(**{"input_file_id": file, "endpoint": path, "completion_window": "24h", **more})
    over = ("completed", "failed", "expired", "cancelled")
    ended = lambda batch: waited(lambda: client.batches.retrieve(batch.id), lambda b: b.status in over)
    handle = upload(map(line, NAMES))
    check("openai file", lambda: client.files.retrieve(handle.id), handle)
    check("openai files", lambda: handle.id in [f.id for f in client.files.list(purpose="batch")], True)
    batch = create(handle.id, metadata={"a": "b"})
    check("openai batch listed", lambda: [b.id for b in client.batches.list(limit=5)][:1], [batch.id])
    batch = ended(batch)
    lines = lambda: [json.loads(text) for text in client.files.content(batch.output_file_id).text.splitlines()]
    check("openai batch results", lambda: sorted(x["custom_id"] for x in lines()), NAMES)
    check("openai batch metadata", lambda: batch.metadata, {"a": "b"})
    times = ("created_at", "in_progress_at", "finalizing_at", "completed_at", "expires_at")
    check("openai batch times", lambda: [name for name in times if not getattr(batch, name)], [])
    bill = lambda: sum(x["response"]["body"]["usage"]["total_tokens"] for x in lines())
    check("openai batch usage", lambda: batch.usage.total_tokens, bill())
    check("openai batch model", lambda: batch.model, "sim")
    output = lambda: client.files.retrieve(batch.output_file_id)
    check("openai output file", lambda: (output().purpose, output().bytes), ("batch_output", len(client.files.content(batch.output_file_id).content)))
    check("openai delete of a file", lambda: client.files.delete(handle.id).deleted, True)
    refused("openai batch of a deleted file", lambda: create(handle.id), openai.APIStatusError, handle.id)
    check("openai cancel", lambda: client.batches.cancel(create(upload(map(line, NAMES)).id).id).status in ("cancelling", "cancelled"), True)
    file = upload(map(line, NAMES)).id
    refused("openai purpose of no such name", lambda: upload([line("x")], "nope"), openai.BadRequestError, "purpose")
    refused("openai window of two days", lambda: create(file, completion_window="48h"), openai.BadRequestError, "completion_window")
    refused("openai endpoint of no such name", lambda: create(file, endpoint="/v1/nope"), openai.BadRequestError, "endpoint")
    refused("openai metadata of 600 characters", lambda: create(file, metadata={"x": "y" * 600}), openai.BadRequestError, "metadata.x")
    refused("openai list limit 500", lambda: client.batches.list(limit=500).data, openai.BadRequestError, "limit")
    for what, wrong, code in [
        ("another url", [line("x", at="/v1/responses")], "invalid_url"),
        ("an id twice", [line("x"), line("x")], "duplicate_custom_id"),
        ("two models", [line("x"), line("y", "other")], "mismatched_model"),
        ("nothing", [], "empty_file"),
    ]:
        check(f"openai batch with {what} fails", lambda: [e.code for e in ended(create(upload(wrong).id)).errors.data], [code])


def gemini(version):
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, api_version=version))
    config = types.GenerateContentConfig(
        system_instruction="Find terms.", max_output_tokens=300, response_mime_type="application/json", response_json_schema=SCHEMA)
    answer = client.models.generate_content(model="sim", contents=TEXT, config=config)
    check(f"gemini {version}", lambda: terms(answer.text), ["salt lantern"])
    check(f"gemini {version} usage", lambda: answer.usage_metadata.prompt_token_count > 0, True)
    check(f"gemini {version} model", lambda: client.models.get(model="sim").name, "models/sim")
    check(f"gemini {version} models", lambda: [m.name for m in client.models.list()], ["models/simulated"])
    check(f"gemini {version} count", lambda: client.models.count_tokens(model="sim", contents=TEXT).total_tokens > 0, True)
    content = [{"role": "user", "parts": [{"text": TEXT}]}]
    lines = b"".join(json.dumps({"key": name, "request": {"contents": content}}).encode() + b"\n" for name in NAMES)
    handle = client.files.upload(file=io.BytesIO(lines), config=types.UploadFileConfig(display_name="t", mime_type="application/jsonl"))
    check(f"gemini {version} file", lambda: client.files.get(name=handle.name).size_bytes, len(lines))
    check(f"gemini {version} files", lambda: handle.name in [f.name for f in client.files.list()], True)
    job = client.batches.create(model="sim", src=handle.name, config=types.CreateBatchJobConfig(display_name="t"))
    page = types.ListBatchJobsConfig(page_size=5)
    check(f"gemini {version} batch listed", lambda: job.name in [b.name for b in client.batches.list(config=page)], True)
    ended = lambda job: waited(lambda: client.batches.get(name=job.name), lambda j: j.state.name == "JOB_STATE_SUCCEEDED")
    results = lambda: client.files.download(file=ended(job).dest.file_name).decode().splitlines()
    check(f"gemini {version} batch results", lambda: sorted(json.loads(line)["key"] for line in results()), NAMES)
    inline = [{"contents": content, "metadata": {"key": name}} for name in NAMES]
    job = client.batches.create(model="sim", src=inline, config=types.CreateBatchJobConfig(display_name="t"))
    inlined = lambda: [(r.metadata["key"], r.response.text is not None) for r in ended(job).dest.inlined_responses]
    check(f"gemini {version} inline batch", inlined, [(name, True) for name in NAMES])
    check(f"gemini {version} delete of a batch", lambda: client.batches.delete(name=job.name) is not None, True)
    check(f"gemini {version} delete of a file", lambda: client.files.delete(name=handle.name) is not None, True)
    late = client.batches.create(model="sim", src=inline, config=types.CreateBatchJobConfig(display_name="t"))
    check(f"gemini {version} cancel", lambda: client.batches.cancel(name=late.name), None)
    gone = lambda: client.batches.create(model="sim", src="files/nope", config=types.CreateBatchJobConfig(display_name="t"))
    refused(f"gemini {version} batch of no file", gone, errors.ClientError, "files/nope")
    refused(f"gemini {version} batch without a name", lambda: client.batches.create(model="sim", src=handle.name), errors.ClientError, "display_name")
    stranger = genai.Client(api_key="wrong", http_options=types.HttpOptions(base_url=url))
    refused(f"gemini {version} wrong key", lambda: stranger.models.generate_content(model="sim", contents=TEXT), errors.ClientError, "UNAUTHENTICATED")


messages()
message_batches()
completions()
openai_batches()
gemini("v1")
gemini("v1beta")
end()
