import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ipy_envmagic.environments.environment import Environment
from ipy_envmagic.run import changes, history, state


@pytest.fixture
def folder(tmp_path):
    return state.folder(str(tmp_path))


def side(version, **origin):
    return None if version is None else {"version": version, "installer": "pip", "origin": {"kind": "index", **origin}}


def change(name, before, after, source="pip"):
    return {"name": name, "source": source, "before": side(before), "after": side(after)}


def line(*changes):
    return {"by": {"kind": "kernel"}, "command": "pip install x", "status": 0, "outcome": "done", "changes": [*changes]}


def test_lines_are_numbered_and_dated(folder):
    for name in ("a", "b"):
        history.append(folder, line(change(name, None, "1")))
    one, two = history.lines(folder)
    assert (one["number"], two["number"]) == (1, 2)
    assert two["changes"][0]["name"] == "b"
    assert one["time"].endswith("Z")


def test_a_line_that_was_cut_off_hides_no_other(folder):
    history.append(folder, line())
    state.append(f"{folder}/history.jsonl", '{"number": 2, "chan')
    history.append(folder, line(change("c", "1", None)))
    assert [one["number"] for one in history.lines(folder)] == [1, 2]


def test_it_is_bounded(folder, monkeypatch):
    monkeypatch.setattr(history, "LARGEST", 2000)
    for number in range(60):
        history.append(folder, line(change(f"a{number}", None, "1")))
    found = history.lines(folder)
    assert found[-1]["number"] == 60
    assert [one["number"] for one in found] == list(range(found[0]["number"], 61))
    assert sum(len(state.read(f"{folder}/{name}")) for name in ("history.jsonl", "history.1.jsonl")) < 2 * 2500


def test_the_net_of_several_lines():
    lines = [
        line(change("a", "1", "2"), change("b", None, "1")),
        line(change("a", "2", "3"), change("B", "1", None), change("c", "1", None)),
        line(change("c", None, "1"), change("d", None, "5", "conda")),
    ]
    told = {(one["name"], one["source"]): (one["before"], one["after"]) for one in history.net(lines)}
    assert told == {("a", "pip"): (side("1"), side("3")), ("d", "conda"): (None, side("5"))}


def test_who_brought_it_and_from_where(venv, wheelhouse):
    environment = Environment.from_prefix(str(venv.path))
    venv.install(wheelhouse / "envmagic_demo_a-1.0-py3-none-any.whl")
    venv.pip("install", "-q", "--find-links", str(wheelhouse), "envmagic-demo-b")
    first = history.describe(environment, changes.take(environment), {}, ("--find-links", "/w"))
    a, b = first["pip"]["envmagic-demo-a"], first["pip"]["envmagic-demo-b"]
    assert (a["version"], a["installer"], a["origin"]["kind"]) == ("1.0", "pip", "archive")
    assert a["origin"]["url"].startswith("file://")
    assert a["origin"]["hash"].startswith("sha256=")
    assert b["origin"] == {"kind": "index", "options": ["--find-links", "/w"]}
    again = history.describe(environment, changes.take(environment), first)
    assert again == first  # what has not changed keeps the origin that is known
    venv.pip("uninstall", "-q", "-y", "envmagic-demo-b")
    last = history.describe(environment, changes.take(environment), first)
    assert [(one["name"], one["after"]) for one in history.changed(first, last)] == [("envmagic-demo-b", None)]


def test_the_last_state_is_read_as_it_was_written(folder):
    assert history.last_state(folder) is None
    told = {"pip": {"a": side("1") | {"name": "a", "stamp": [1, 2]}}, "conda": {}}
    history.write_state(folder, told)
    assert history.last_state(folder) == told


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pip", "conda", "number", "changes", "name", "stamp", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON.map(json.dumps) | st.text(max_size=30), max_size=6).map("\n".join))
@example('{"number": -1, "changes": []}')
@settings(max_examples=200, deadline=None)
def test_whatever_is_in_the_files_they_can_be_read(tmp_path_factory, text):
    folder = str(tmp_path_factory.mktemp("any"))
    for name in ("history.jsonl", "state.json"):
        state.write(f"{folder}/{name}", text)
    for one in history.lines(folder):
        history.net([one])
    history.last_state(folder)
    assert history.append(folder, line())["number"] >= 1
