"""No secret in a URL, an option or a variable survives in what is shown."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isolation import isolated

from ipy_envmagic.commands.secrets import MASK, collect, mask, masker


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/simple", "https://****@host/simple"),
        ("https://TOKEN@host/simple", "https://****@host/simple"),
        ("git+https://ghp_abc123@github.com/x/y.git@main", "git+https://****@github.com/x/y.git@main"),
        ("http://a:b@c@host:8080/", "http://****@host:8080/"),
        ("a https://u:p@h/x and https://v:q@i/y", "a https://****@h/x and https://****@i/y"),
        ("https://user:****@host/", "https://****@host/"),
        ("https://host/x?token=abc&y=1", "https://host/x?token=****&y=1"),
        ("https://h/x?a=1&X-Amz-Signature=ab%2Fc#egg=x", "https://h/x?a=1&X-Amz-Signature=****#egg=x"),
        ("https://h/x?sig=zz&sv=2", "https://h/x?sig=****&sv=2"),
        ("https://h/x?access_token=zz", "https://h/x?access_token=****"),
        ("https://conda.example.org/t/ab-12/channel", "https://conda.example.org/t/****/channel"),
        ("--password hunter22 --token=abc --api-key 'x y' z", "--password **** --token=**** --api-key **** z"),
        ("-u me:secret https://h", "-u me:**** https://h"),
    ],
)
def test_what_is_masked(text, shown):
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:owner/name.git",
        "ssh://git@github.com/owner/name",
        "git+ssh://git@github.com/owner/name@main",
        "git+ssh://someone@host/name",
        "write to someone@example.org",
        "https://host/a@b/c",
        "numpy @ https://host/numpy-1.0-py3-none-any.whl#sha256=abc",
        "pkg[extra]==1.0 --user --upgrade -U",
        "https://host/simple?page=2",
    ],
)
def test_what_stays(text):
    assert mask(text) == text


def test_exact_secrets_are_masked_in_each_form():
    secrets = collect(["--index-url", "https://me:p%40ss%2Fword@host/simple"], {})
    assert "p%40ss%2Fword" in secrets
    assert "p@ss/word" in secrets
    assert mask("said p@ss/word, then p%40ss%2Fword", secrets) == f"said {MASK}, then {MASK}"


def test_a_short_secret_is_masked_as_a_word_only():
    secrets = collect(["https://me:pass@host/"], {})
    assert mask("compass bypass pass: pass", secrets) == "compass bypass ****: ****"


def test_a_user_name_alone_is_not_masked_everywhere():
    assert collect([], {"HTTPS_PROXY": "http://john@proxy:3128"}) == ()


@pytest.mark.parametrize(
    ("argv", "environ", "secret"),
    [
        (["install", "--password", "hunter22"], {}, "hunter22"),
        (["publish", "--token=pypi-AgEIcHl"], {}, "pypi-AgEIcHl"),
        (["git+https://ghp_0123456789@github.com/a/b"], {}, "ghp_0123456789"),
        (["https://ghp_0123456789:x-oauth-basic@github.com/a/b"], {}, "ghp_0123456789"),
        ([], {"PIP_INDEX_URL": "https://u:s3cr3tword@h/simple"}, "s3cr3tword"),
        ([], {"PIP_EXTRA_INDEX_URL": "https://h/a https://u:s3cr3tword@h/b"}, "s3cr3tword"),
        ([], {"UV_DEFAULT_INDEX": "https://u:s3cr3tword@h/simple"}, "s3cr3tword"),
        ([], {"UV_INDEX_INTERNAL_PASSWORD": "s3cr3tword"}, "s3cr3tword"),
        ([], {"https_proxy": "http://u:s3cr3tword@proxy"}, "s3cr3tword"),
        ([], {"CONDA_TOKEN": "s3cr3tword"}, "s3cr3tword"),
    ],
)
def test_where_secrets_are_found(argv, environ, secret):
    assert secret in collect(argv, environ)


def test_what_is_no_secret_is_not_collected():
    environ = {"PATH": "/usr/bin", "PIP_NO_INPUT": "1", "UV_LINK_MODE": "copy", "SOME_URL": "https://h/"}
    assert collect(["install", "numpy", "git+ssh://git@github.com/a/b", "https://h/x.whl#egg=y"], environ) == ()


@given(
    st.text(
        alphabet=st.characters(codec="ascii", exclude_characters="@/?#'\"<> \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f"), min_size=3
    ).filter(lambda text: text != MASK)
)
def test_no_password_in_a_url_is_shown(password):
    url = f"https://someone:{password}@index.example.org/simple"
    assert mask(url) == "https://****@index.example.org/simple"
    assert mask(f"said '{password}' aloud", collect([url], {})) != f"said '{password}' aloud"


@given(st.text())
def test_masking_never_fails_and_masks_once(text):
    masked = mask(text)
    assert mask(masked) == masked


def test_a_plain_chunk_is_given_back_as_it_is():
    chunk = "Collecting numpy>=2 (from -r requirements.txt (line 3)) Using cached numpy-2.1.3-cp312.whl\n" * 700
    assert masker(("s3cr3tword",))(chunk) is chunk


def test_real_pip_leaks_nothing(tmp_path):
    url = "http://someone:s3cr%40tword@127.0.0.1:9/simple"
    argv = [sys.executable, "-m", "pip", "install", "-v", "--retries", "0", "--dry-run", "-i", url]
    argv += ["--find-links", "http://other:an0ther-one@127.0.0.1:9/links", "nosuch-distribution-here"]
    environ = isolated(tmp_path) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    written = done.stdout + done.stderr + " ".join(argv)
    shown = mask(written, collect(argv, environ))
    assert done.returncode == 1
    assert "s3cr%40tword" in written
    for secret in ("s3cr%40tword", "s3cr@tword", "an0ther-one"):
        assert secret not in shown
