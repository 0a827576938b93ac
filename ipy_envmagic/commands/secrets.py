"""Secrets in a command line, in variables and in what programs print: found, and replaced by `MASK`."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["MASK", "collect", "mask", "masker"]

MASK = "****"
_SHORTEST = 3  # a shorter secret would blank ordinary words all over the output
_LONG = (
    10  # from here on a secret is replaced wherever it stands; a shorter one only where no letter or digit touches it
)

# What stands between "://" and the last "@" before the host's end: RFC 3986, section 3.2.1, and what people write
# without encoding it.
_USER_PART = re.compile(r"(?<=://)([^\s/?#'\"<>]+)@(?=[^\s/?#@'\"<>]*)")
# A user that is no secret, as version control and mail write it: ssh://git@host.
_PLAIN_USER = re.compile(r"(?:\b|^)(?:git\+|hg\+|svn\+|bzr\+)?(?:ssh|sftp|rsync|svn\+ssh)$", re.IGNORECASE)
_TOKEN_LIKE = re.compile(r"(?=.*\d).{8,}|.{20,}")
_QUERY = re.compile(
    r"(?i)(?<=[?&;])((?:[\w.-]*(?:token|secret|password|passwd|api[-_]?key|signature|credential)|sig|auth|key|pwd)=)([^&\s'\"#<>]+)"
)
_OPTION_NAMES = (
    "--password",
    "--passwd",
    "--token",
    "--api-key",
    "--apikey",
    "--secret",
    "--access-token",
    "--auth-token",
    "--client-secret",
)
_OPTION = re.compile(rf"(?i)(?<![\w-])((?:{'|'.join(_OPTION_NAMES)})(?:=|\s+))('[^']*'|\"[^\"]*\"|[^\s'\"]+)")
_USER_PASSWORD = re.compile(r"(?<![\w-])((?:-u|--user)(?:=|\s+))([^\s:/'\"@]+):([^\s/'\"]+)")
_PATH_TOKEN = re.compile(r"(?<=/t/)([^/\s'\"]+)(?=/)")  # conda: https://host/t/<TOKEN>/channel
_SECRET_VARIABLE = re.compile(r"(?i)(?:PASSWORD|PASSWD|TOKEN|SECRET|API_?KEY|CREDENTIALS?)$")
_PROGRAM_VARIABLE = re.compile(
    r"(?i)^(?:PIP|UV|CONDA|ANACONDA|MAMBA|PIXI|RATTLER|ARTIFACTORY|TWINE|KEYRING|GITHUB|GH|GITLAB|CI_JOB)_|_PROXY$"
)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the secrets in a text by `MASK`.

    Parameters
    ----------
    text : str
        A command line, an error message, a piece of output.
    secrets : iterable of str
        Exact strings that are secret wherever they stand, as `collect` finds them.

    Returns
    -------
    str
        The text without the user part of URLs (``https://user:pass@host`` becomes ``https://****@host``;
        ``ssh://git@host`` stays), the values of options and query parameters that carry a secret, and the strings
        given.
    """
    return masker(secrets)(text)


def masker(secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """Make a function that masks; on text with neither a secret nor a URL it costs a few searches for a substring.

    Parameters
    ----------
    secrets : iterable of str
        As for `mask`.
    """
    exact = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
    patterns = tuple((secret, re.compile(_exactly(secret))) for secret in exact)

    def replace(text: str) -> str:
        for secret, pattern in patterns:
            if secret in text:
                text = pattern.sub(MASK, text)
        if "://" in text:
            text = _USER_PART.sub(_masked_user, text)
            if "=" in text:
                text = _QUERY.sub(rf"\1{MASK}", text)
            if "/t/" in text:
                text = _PATH_TOKEN.sub(MASK, text)
        if "--" in text or "-u" in text:
            text = _OPTION.sub(rf"\1{MASK}", text)
            text = _USER_PASSWORD.sub(rf"\1\2:{MASK}", text)
        return text

    return replace


def collect(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Find the exact secrets that a program is given, so that its output can be cleaned of them.

    Parameters
    ----------
    argv : sequence of str
        The program's arguments.
    environ : mapping of str to str
        Its environment variables: index URLs and proxies are read for the user part of their URLs; a variable of a
        package program whose name says password or token is a secret as a whole.

    Returns
    -------
    tuple of str
        Longest first, each as written, percent-decoded and percent-encoded: pip prints a URL in one way and an error in
        another.
    """
    found: set[str] = set()
    for text in argv:
        found.update(_in_text(text))
    found.update(_option_values(argv))
    for name, value in environ.items():
        if _PROGRAM_VARIABLE.search(name) and value:
            found.update(_in_text(value))
            if _SECRET_VARIABLE.search(name):
                found.add(value)
    forms = {
        form
        for secret in found
        for form in (secret, unquote(secret), quote(secret, safe=""), quote(unquote(secret), safe=""))
    }
    return tuple(sorted((form for form in forms if len(form) >= _SHORTEST), key=lambda form: (-len(form), form)))


def _exactly(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _LONG else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


def _masked_user(match: re.Match[str]) -> str:
    return match[0] if _plain(match) else f"{MASK}@"


def _plain(match: re.Match[str]) -> bool:
    """Say whether the user part is a mere login name: one without a password, under a scheme of ssh, or git's own."""
    user = match[1]
    scheme = re.search(r"[\w+.-]*$", match.string[max(0, match.start() - 23) : match.start() - 3])
    return ":" not in user and (user == "git" or bool(scheme and _PLAIN_USER.search(scheme[0])) or user == MASK)


def _in_text(text: str) -> Iterator[str]:
    if "://" not in text:
        return
    for match in _USER_PART.finditer(text):
        if not _plain(match):
            user, _, password = match[1].partition(":")
            if password:
                yield password
                yield match[1]
            # "https://TOKEN@host" and "https://TOKEN:x-oauth-basic@host" hold the secret in the user's place; a mere
            # name there is masked in URLs only, for it is also the name of a home directory.
            if (not password or password.startswith("x-")) and _TOKEN_LIKE.fullmatch(user):
                yield user
    for match in _QUERY.finditer(text):
        yield match[2]
    for match in _PATH_TOKEN.finditer(text):
        yield match[1]


def _option_values(argv: Sequence[str]) -> Iterator[str]:
    for word, following in zip_longest(argv, argv[1:], fillvalue=""):
        name, equals, value = word.partition("=")
        if name.lower() in _OPTION_NAMES:
            yield value if equals else following
        elif word in {"-u", "--user"} and ":" in following and "://" not in following:
            yield following.partition(":")[2]
