"""The official Python SDKs against the simulator: `sdk_check.py http://127.0.0.1:PORT KEY`. Exit 0 if all of it works."""

import io
import json
import sys
import time

import anthropic
import openai
from google import genai
from google.genai import errors, types

url, key = sys.argv[1:3]
SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["items"],
    "properties": {"items": {"type": "array", "items": {
        "type": "object", "additionalProperties": False, "required": ["term"], "properties": {"term": {"type": "string"}}}}},
}
TEXT = "A salt lantern is a lamp that keeps the drowned away."


def terms(text):
    return [item["term"] for item in json.loads(text)["items"]]


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")
    print("ok", what)


client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
message = client.messages.create(
    model="sim", max_tokens=300, system="Find terms.", messages=[{"role": "user", "content": TEXT}],
    output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
)
check("anthropic messages", terms(message.content[0].text), ["salt lantern"])
check("anthropic stop_reason", message.stop_reason, "end_turn")
check("anthropic usage", message.usage.input_tokens > 0 and message.usage.output_tokens > 0, True)
tool = client.messages.create(
    model="sim", max_tokens=300, messages=[{"role": "user", "content": TEXT}],
    tools=[{"name": "answer", "input_schema": SCHEMA}], tool_choice={"type": "tool", "name": "answer"},
)
check("anthropic tool", [b.input["items"][0]["term"] for b in tool.content if b.type == "tool_use"], ["salt lantern"])
count = client.messages.count_tokens(model="sim", messages=[{"role": "user", "content": TEXT}])
check("anthropic count_tokens", count.input_tokens > 0, True)
check("anthropic models", client.models.retrieve("sim").id, "sim")
raw = client.messages.with_raw_response.create(model="sim", max_tokens=9, messages=[{"role": "user", "content": TEXT}])
check("anthropic limit headers", "anthropic-ratelimit-requests-limit" in raw.headers, True)
check("anthropic truncation", raw.parse().stop_reason, "max_tokens")
for name, bad in [("key", dict(api_key="wrong")), ("version", dict(default_headers={"anthropic-version": "2020-01-01"}))]:
    try:
        anthropic.Anthropic(**{"base_url": url, "api_key": key, "max_retries": 0, **bad}).messages.create(
            model="sim", max_tokens=9, messages=[{"role": "user", "content": TEXT}])
        sys.exit(f"a bad {name} was accepted")
    except (anthropic.AuthenticationError, anthropic.BadRequestError) as error:
        print("ok anthropic bad", name, error.status_code)
try:
    anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, default_headers={"anthropic-version": "2026-10-21"}).messages.create(
        model="sim", max_tokens=9, messages=[{"role": "user", "content": TEXT}], extra_body={"temperature": 0.1})
    sys.exit("temperature was accepted under 2026-10-21")
except anthropic.BadRequestError:
    print("ok anthropic temperature is refused")

client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
chat = client.chat.completions.create(
    model="sim", messages=[{"role": "system", "content": "Find terms."}, {"role": "user", "content": TEXT}],
    max_completion_tokens=300,
    response_format={"type": "json_schema", "json_schema": {"name": "terms", "schema": SCHEMA, "strict": True}},
)
check("openai chat", terms(chat.choices[0].message.content), ["salt lantern"])
check("openai usage", chat.usage.total_tokens, chat.usage.prompt_tokens + chat.usage.completion_tokens)
response = client.responses.create(
    model="sim", instructions="Find terms.", input=TEXT, max_output_tokens=300,
    text={"format": {"type": "json_schema", "name": "terms", "schema": SCHEMA, "strict": True}},
)
check("openai responses", terms(response.output_text), ["salt lantern"])
check("openai models", client.models.retrieve("sim").id, "sim")
try:
    openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0).models.retrieve("sim")
    sys.exit("a wrong key was accepted")
except openai.AuthenticationError as error:
    check("openai wrong key", error.code, "invalid_api_key")

handle = client.files.create(purpose="batch", file=("batch.jsonl", b"".join(
    json.dumps({"custom_id": f"t-{n}", "method": "POST", "url": "/v1/chat/completions",
                "body": {"model": "sim", "messages": [{"role": "user", "content": TEXT}]}}).encode() + b"\n" for n in range(3))))
batch = client.batches.create(input_file_id=handle.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"})
check("openai batch listed", [b.id for b in client.batches.list(limit=5)][:1], [batch.id])
while client.batches.retrieve(batch.id).status != "completed":
    time.sleep(0.05)
batch = client.batches.retrieve(batch.id)
lines = client.files.content(batch.output_file_id).text.splitlines()
check("openai batch results", sorted(json.loads(line)["custom_id"] for line in lines), ["t-0", "t-1", "t-2"])
check("openai batch metadata", batch.metadata, {"a": "b"})
client.batches.cancel(batch.id)

client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
batch = client.messages.batches.create(requests=[
    {"custom_id": f"t-{n}", "params": {"model": "sim", "max_tokens": 300, "messages": [{"role": "user", "content": TEXT}]}}
    for n in range(3)])
check("anthropic batch listed", [b.id for b in client.messages.batches.list(limit=5)][:1], [batch.id])
while client.messages.batches.retrieve(batch.id).processing_status != "ended":
    time.sleep(0.05)
found = sorted((r.custom_id, r.result.type) for r in client.messages.batches.results(batch.id))
check("anthropic batch results", found, [(f"t-{n}", "succeeded") for n in range(3)])
client.messages.batches.cancel(batch.id)

for version in ["v1", "v1beta"]:
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, api_version=version))
    answer = client.models.generate_content(
        model="sim", contents=TEXT,
        config=types.GenerateContentConfig(
            system_instruction="Find terms.", max_output_tokens=300, response_mime_type="application/json",
            response_json_schema=SCHEMA),
    )
    check(f"gemini {version}", terms(answer.text), ["salt lantern"])
    check(f"gemini {version} usage", answer.usage_metadata.prompt_token_count > 0, True)
    check(f"gemini {version} model", client.models.get(model="sim").name, "models/sim")
    lines = b"".join(json.dumps({"key": f"t-{n}", "request": {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}}).encode() + b"\n"
                     for n in range(3))
    handle = client.files.upload(file=io.BytesIO(lines), config=types.UploadFileConfig(display_name="t", mime_type="application/jsonl"))
    job = client.batches.create(model="sim", src=handle.name, config=types.CreateBatchJobConfig(display_name="t"))
    check(f"gemini {version} batch listed", job.name in [b.name for b in client.batches.list(config=types.ListBatchJobsConfig(page_size=5))], True)
    while client.batches.get(name=job.name).state.name != "JOB_STATE_SUCCEEDED":
        time.sleep(0.05)
    job = client.batches.get(name=job.name)
    results = client.files.download(file=job.dest.file_name).decode().splitlines()
    check(f"gemini {version} batch results", sorted(json.loads(line)["key"] for line in results), ["t-0", "t-1", "t-2"])
    client.batches.cancel(name=job.name)
stranger = genai.Client(api_key="wrong", http_options=types.HttpOptions(base_url=url))
try:
    stranger.models.generate_content(model="sim", contents=TEXT)
    sys.exit("a wrong key was accepted")
except errors.ClientError as error:
    check("gemini wrong key", error.code, 401)
