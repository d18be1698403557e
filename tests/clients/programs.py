"""Programs that are built on the vendors' interfaces: `programs.py http://127.0.0.1:PORT KEY`, as run.py calls it."""

import json
import os
import pathlib
import sys

from checks import TEXT, check, end, terms, waited

url, key = sys.argv[1:3]
SAYS = [{"role": "user", "content": TEXT}]


def litellm_at_three_vendors():
    import litellm
    litellm.suppress_debug_info = True
    for model, base in [
        ("openai/sim", f"{url}/v1"),
        ("anthropic/claude-haiku-5-5", url),
        ("gemini/gemini-3.8-flash", f"{url}/v1beta/models/gemini-3.8-flash"),
    ]:
        ask = lambda: terms(litellm.completion(model=model, api_base=base, api_key=key, messages=SAYS).choices[0].message.content)
        check(f"litellm {model}", ask, ["salt lantern"])


def litellm_batch():
    import litellm
    place = {"custom_llm_provider": "openai", "api_base": f"{url}/v1", "api_key": key}
    lines = pathlib.Path("lines.jsonl")
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "sim", "messages": SAYS}}
    lines.write_text(json.dumps(line) + "\n")
    with lines.open("rb") as file:
        upload = litellm.create_file(file=file, purpose="batch", **place)
    made = litellm.create_batch(completion_window="24h", endpoint="/v1/chat/completions", input_file_id=upload.id, **place)
    look = lambda: litellm.retrieve_batch(batch_id=made.id, **place)
    ended = waited(look, lambda batch: batch.status in ("completed", "failed"))
    content = litellm.file_content(file_id=ended.output_file_id, **place).content
    return [json.loads(line)["custom_id"] for line in content.splitlines()]


def instructor_in_two_modes():
    import instructor
    import openai
    import pydantic

    class Entry(pydantic.BaseModel):
        term: str
        definition: str
        page: int | None

    class Glossary(pydantic.BaseModel):
        items: list[Entry]

    for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS_STRICT):
        client = instructor.from_openai(openai.OpenAI(base_url=f"{url}/v1", api_key=key), mode=mode)
        ask = lambda: client.chat.completions.create(model="sim", response_model=Glossary, messages=SAYS, max_retries=1)
        check(f"instructor {mode.name}", lambda: [(e.term, e.definition) for e in ask().items], [("salt lantern", TEXT)])
        one = lambda: client.chat.completions.create(model="sim", response_model=Entry, messages=SAYS, max_retries=1)
        check(f"instructor {mode.name}, one entry", lambda: one().term, "salt lantern")


def langextract_extracts():
    import langextract
    entry = langextract.data.Extraction(extraction_class="term", extraction_text="wyrm")
    example = langextract.data.ExampleData(text="A wyrm is a dragon.", extractions=[entry])
    document = langextract.extract(
        text_or_documents=TEXT, prompt_description="Find terms.", examples=[example], model_id="gpt-4o-mini", api_key=key,
        language_model_params={"base_url": f"{url}/v1"}, fence_output=False, use_schema_constraints=True, show_progress=False)
    return [(e.extraction_class, e.extraction_text, e.char_interval.start_pos) for e in document.extractions]


def curator_batch():
    os.environ["OPENAI_API_KEY"] = key
    from bespokelabs import curator
    place = {"base_url": f"{url}/v1", "batch_check_interval": 1}
    made = curator.LLM(model_name="gpt-4o-mini", batch=True, backend_params=place)([TEXT, TEXT + " Yes."])
    rows = getattr(made, "dataset", made)
    return sorted(terms(row["response"])[0] for row in rows)


litellm_at_three_vendors()
check("litellm openai batch", litellm_batch, ["a"])
instructor_in_two_modes()
check("langextract openai", langextract_extracts, [("term", "salt lantern", 2)])
check("curator batch", curator_batch, ["salt lantern", "salt lantern"])
end()
