import pytest

from ipy_envmagic.commands.undoing import plan


def row(name, before, after=None, source="pip"):
    return {"name": name, "source": source, "before": before, "after": after}


def of_pip(kind, version="1.0", **origin):
    return {"version": version, "installer": "pip", "origin": {"kind": kind, **origin}}


def of_conda(version, build, **origin):
    return {"version": version, "build": build, "installer": "conda", "origin": {"kind": "conda", **origin}}


def told(*rows, exists=lambda _path: True):
    found = plan(rows, exists)
    return [str(step) for step in found.steps], list(found.refused)


def test_what_is_to_go_goes_first_and_in_one_line():
    steps, refused = told(row("b", None), row("a", of_pip("index", "2.0", options=[])), row("c", None))
    assert steps == ["%pip uninstall --yes b c", "%pip install --no-deps --force-reinstall a==2.0"]
    assert refused == []


def test_a_line_for_each_set_of_places():
    options = ["--index-url", "https://host/simple"]
    steps, _ = told(
        row("a", of_pip("index", options=options)),
        row("b", of_pip("index")),
        row("c", of_pip("index", options=options)),
    )
    assert steps == [
        "%pip install --no-deps --force-reinstall b==1.0",
        "%pip install --no-deps --force-reinstall --index-url https://host/simple a==1.0 c==1.0",
    ]


@pytest.mark.parametrize(
    ("before", "word"),
    [
        (of_pip("editable", path="/p"), "--editable /p"),
        (of_pip("folder", path="/p"), "/p"),
        (of_pip("archive", url="https://h/x.whl", hash="sha256=ab"), "'x @ https://h/x.whl#sha256=ab'"),
        (of_pip("archive", url="file:///w/x.whl", hash="sha256=ab"), "'x @ file:///w/x.whl#sha256=ab'"),
        (
            of_pip("archive", url="https://h/x.zip", hash="sha256=ab", subdirectory="s"),
            "'x @ https://h/x.zip#sha256=ab&subdirectory=s'",
        ),
        (of_pip("vcs", vcs="git", url="https://h/x", commit="abc"), "'x @ git+https://h/x@abc'"),
    ],
)
def test_each_kind_of_origin(before, word):
    assert told(row("x", before)) == ([f"%pip install --no-deps --force-reinstall {word}"], [])


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (of_pip("editable", path="/p"), "x 1.0 was installed from /p, which is no project any more"),
        (
            of_pip("archive", url="file:///w/x.whl", hash="sha256=ab"),
            "x 1.0 was installed from /w/x.whl, which is gone",
        ),
        (
            of_pip("archive", url="https://h/x.whl", hash=None),
            "x 1.0 came from https://h/x.whl without a hash: what is there now may be something else",
        ),
        (
            of_pip("archive", url="https://****@h/x.whl", hash="sha256=ab"),
            "x 1.0 came from an address with a password, which is not kept",
        ),
        (of_pip("index", None), "the version of x is not known"),
        ({**of_pip("index"), "installer": "apt"}, "x 1.0 was put there by apt, which only that can do again"),
    ],
)
def test_what_cannot_be_had_again_is_refused(before, reason):
    assert told(row("x", before), exists=lambda _path: False) == ([], [reason])


def test_conda_links_the_very_file():
    steps, _ = told(
        row("a", of_conda("1", "py_0", url="https://c/noarch/a-1-py_0.conda", md5="d4"), source="conda"),
        row("b", of_conda("1", "py_0", url="https://****@c/noarch/b-1-py_0.conda"), source="conda"),
        row("c", None, source="conda"),
    )
    assert steps == [
        "%conda remove --force c",
        "%conda install 'https://c/noarch/a-1-py_0.conda#d4'",
        "%conda install --no-deps b=1=py_0",
    ]
