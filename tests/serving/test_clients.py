"""The real clients of OpenAI and LangChain against real endpoints on loopback."""

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from components.core import Workspace
from components.serving import Endpoint, free_port, start, stop

from .bundles import with_embedder, with_model

QUESTION = [{"role": "user", "content": "hello there"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory, fetched):
    """One with a language model, one with an embedder."""
    workspace = Workspace(tmp_path_factory.mktemp("clients") / "home")
    workspace.assets.symlink_to(fetched)
    folders = {"made": with_model(workspace), "desk": with_embedder(workspace)}
    try:
        yield {name: start(workspace, name, folder, free_port()) for name, folder in folders.items()}
    finally:
        for name in folders:
            stop(workspace, name)


@pytest.fixture
def client(endpoints: dict[str, Endpoint]):
    with openai.OpenAI(base_url=f"{endpoints['made'].url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def chain(endpoints: dict[str, Endpoint]) -> ChatOpenAI:
    return ChatOpenAI(model="made", base_url=f"{endpoints['made'].url}/v1", api_key="none", max_retries=0)


def test_openai_asks_lists_and_limits(client) -> None:
    assert [model.id for model in client.models.list()] == ["made"]
    assert client.models.retrieve("made").owned_by == "ninefold"
    with pytest.raises(openai.NotFoundError, match="other"):
        client.models.retrieve("other")
    whole = client.chat.completions.create(model="made", messages=QUESTION)
    text = whole.choices[0].message.content
    limited = client.chat.completions.create(model="made", messages=QUESTION, max_completion_tokens=1)
    assert (limited.choices[0].finish_reason, limited.usage.completion_tokens) == ("length", 1)
    assert text.startswith(limited.choices[0].message.content)
    stopped = client.chat.completions.create(model="made", messages=QUESTION, stop=text[3])
    assert stopped.choices[0].finish_reason == "stop"
    assert stopped.choices[0].message.content == text[: text.index(text[3])].strip()


def test_openai_streams_and_counts_at_the_end(client) -> None:
    whole = client.chat.completions.create(model="made", messages=QUESTION)
    chunks = list(
        client.chat.completions.create(model="made", messages=QUESTION, stream=True, stream_options={"include_usage": True})
    )
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text.strip() == whole.choices[0].message.content
    # its helper takes no answer for whole that says "length"
    with client.chat.completions.stream(model="made", messages=QUESTION, stop=text[5]) as stream:
        assert stream.get_final_completion().choices[0].message.content == text[: text.index(text[5])]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [TOOL]),
        ("functions", [{"name": "f"}]),
        ("response_format", {"type": "json_object"}),
        ("logprobs", True),
        ("n", 2),
    ],
)
def test_openai_is_told_which_field_is_refused(client, field: str, value: object) -> None:
    with pytest.raises(openai.BadRequestError, match=f"{field}: ") as refused:
        client.chat.completions.create(model="made", messages=QUESTION, **{field: value})
    assert refused.value.param == field


def test_openai_embeds_where_there_is_an_embedder(client, endpoints) -> None:
    with pytest.raises(openai.NotFoundError, match="no embedder"):
        client.embeddings.create(model="made", input="tea")
    with openai.OpenAI(base_url=f"{endpoints['desk'].url}/v1", api_key="none", max_retries=0) as other:
        packed = other.embeddings.create(model="desk", input=["tea", "rail"])  # this client asks for base64 by itself
        plain = other.embeddings.create(model="desk", input=["tea", "rail"], encoding_format="float")
    assert packed.data[1].embedding == pytest.approx(plain.data[1].embedding, abs=1e-6)
    assert len(packed.data[0].embedding) == 384


def test_langchain_sends_a_history_with_tools_and_streams(chain) -> None:
    call = {"name": "f", "args": {}, "id": "c1", "type": "tool_call"}
    history = [
        SystemMessage("Be brief."),
        HumanMessage("What is open?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("nothing", tool_call_id="c1"),
        HumanMessage([{"type": "text", "text": "hello there"}]),
    ]
    answer = chain.invoke(history)
    assert answer.content == chain.invoke("hello there").content
    assert answer.usage_metadata["output_tokens"] == 12
    pieces = list(chain.stream(history, stream_usage=True))
    assert "".join(piece.content for piece in pieces).strip() == answer.content
    counted = [piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata]
    assert counted == [12], "counted once"


def test_langchain_limits_and_is_refused_by_name(chain, endpoints) -> None:
    limited = ChatOpenAI(
        model="made", base_url=f"{endpoints['made'].url}/v1", api_key="none", max_retries=0, max_tokens=1, stop=["zzz"]
    ).invoke("hello there")
    assert limited.response_metadata["finish_reason"] == "length"
    assert limited.usage_metadata["output_tokens"] == 1
    with pytest.raises(openai.BadRequestError, match="tools: "):
        chain.bind_tools([TOOL]).invoke("hello there")
    with pytest.raises(openai.BadRequestError, match="response_format: "):
        chain.with_structured_output({"title": "r", "type": "object", "properties": {}}, method="json_schema").invoke("hi")
    with pytest.raises(openai.BadRequestError, match="logprobs: "):
        chain.bind(logprobs=True).invoke("hello there")


def test_langchain_embeds_texts_and_is_told_that_token_ids_are_another_models(endpoints) -> None:
    url = f"{endpoints['desk'].url}/v1"
    embedder = OpenAIEmbeddings(model="desk", base_url=url, api_key="none", check_embedding_ctx_length=False, max_retries=0)
    assert [len(vector) for vector in embedder.embed_documents(["tea", "rail"])] == [384, 384]
    told = httpx.post(f"{url}/embeddings", json={"input": [[1, 2]]}, trust_env=False).json()["error"]["message"]
    assert "check_embedding_ctx_length=False" in told
