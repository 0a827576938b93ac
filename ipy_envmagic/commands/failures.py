"""Why pip or uv failed, and the line that mends it: one small rule for each cause."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipy_envmagic.commands.error_lines import first_line, plain
from ipy_envmagic.commands.requested import likely_requirement

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipy_envmagic.environments.environment import Environment

__all__ = ["explain", "first_line"]

_ENOUGH = 64 * 1024  # characters of output: what went wrong stands at the end
_KILLED = {-9, 137}
_VENVS = frozenset({"venv", "virtualenv", "uv"})
_OWN = "make one of your own a kernel: python -m ipy_envmagic kernel add ENV"


@dataclass(frozen=True, slots=True)
class _Failure:
    program: str
    text: str
    status: int
    environment: Environment

    def search(self, pattern: str) -> re.Match[str] | None:
        return re.search(pattern, self.text, re.MULTILINE)

    @property
    def python(self) -> str:
        return ".".join(map(str, self.environment.version[:2]))


def explain(program: str, text: str, status: int, environment: Environment) -> str | None:
    """Say how to mend a failure of pip or uv.

    Parameters
    ----------
    program : str
        "pip" or "uv".
    text : str
        The end of its output; the last 64 KiB count.
    status : int
        Its exit status.
    environment : Environment
        The one it was to change.

    Returns
    -------
    str or None
        One line for the person in front of the cell; None where the cause is not one of those known here.
    """
    if status == 0:
        return None
    failure = _Failure(program, plain(text[-_ENOUGH:]), status, environment)
    return next((line for line in (rule(failure) for rule in _RULES) if line), None)


def _killed(failure: _Failure) -> str | None:
    if failure.status not in _KILLED:
        return None
    return "The system ended it, mostly for want of memory; free some (other kernels, big variables) and run it again"


def _disk_full(failure: _Failure) -> str | None:
    if not failure.search(r"No space left on device|Disk quota exceeded|\[WinError 112\]|os error 28\b"):
        return None
    clean = "%uv cache clean" if failure.program == "uv" else "%pip cache purge"
    return f"The disk is full (or a quota reached): {clean} frees the cache; TMPDIR can point builds to another disk"


def _externally_managed(failure: _Failure) -> str | None:
    if not failure.search(r"externally-managed-environment|is externally managed"):
        return None
    environment = failure.environment
    python = r"my-env\Scripts\python" if environment.platform == "win32" else "my-env/bin/python"
    return (
        f'This Python belongs to the system: make an environment with a kernel of its own: !"{environment.executable}" '
        f"-m venv my-env && {python} -m pip install ipykernel && {python} -m ipykernel install --user --name my-env; "
        "or, at your own risk, add --break-system-packages"
    )


def _hashes(failure: _Failure) -> str | None:
    if not failure.search(r"DO NOT MATCH THE HASHES|Hash mismatch for"):
        return None
    return (
        "The file is not the one that the requirements vouch for: add --no-cache-dir in case the cache holds another; "
        "change the hash only where you know why the file changed"
    )


_NETWORK = (
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|invalid peer certificate|UnknownIssuer",
        (
            "{host} shows a certificate that is not trusted here: name your organisation's with --cert FILE "
            "(PIP_CERT, for uv SSL_CERT_FILE), and check the clock of this machine"
        ),
    ),
    (
        r"ProxyError|tunnel error|407 Proxy|Cannot connect to proxy",
        "The proxy does not answer: check --proxy and the variables HTTP_PROXY and HTTPS_PROXY (%env HTTPS_PROXY)",
    ),
    (
        (
            r"NameResolutionError|Name or service not known|nodename nor servname|getaddrinfo failed|"
            r"Temporary failure in name resolution|dns error|Could not resolve host"
        ),
        (
            "The name {host} cannot be looked up: this machine is offline, or reaches the index only through a proxy "
            "or a mirror (--index-url)"
        ),
    ),
    (
        (
            r"[Cc]onnection refused|WinError 1006[01]|ConnectTimeoutError|ReadTimeoutError|[Rr]ead timed out|"
            r"operation timed out|Failed to establish a new connection|Network is unreachable|"
            r"Couldn't connect to server|Connection reset|ConnectionResetError|tcp connect error"
        ),
        "{host} does not answer: check the connection, a proxy (--proxy) or the mirror that --index-url names",
    ),
)


def _network(failure: _Failure) -> str | None:
    if not failure.search(
        r"from versions: none|Max retries exceeded|Failed to fetch|unable to access|OSError|Could not fetch|"
        r"Failed to download|Read timed out|ReadTimeoutError|Connection aborted"
    ):
        return None
    for pattern, said in _NETWORK:
        if failure.search(pattern):
            return said.format(host=_host(failure))
    return None


def _host(failure: _Failure) -> str:
    match = failure.search(
        r"host='([^']+)'|(?:fetch: `?|URL |access ')https?://(?:[^/@\s]*@)?([^/\s:'`]+)"
    ) or failure.search(r"^Looking in indexes: https?://(?:[^/@\s]*@)?([^/\s:,]+)")
    return next((group for group in match.groups() if group), "The index") if match else "The index"


def _credentials(failure: _Failure) -> str | None:
    if failure.search(
        r"Permission denied \(publickey|Host key verification failed|could not read (?:Username|Password)|"
        r"terminal prompts disabled"
    ):
        return (
            "git has no credentials that work without asking: set them up in a terminal (ssh-add, a credential "
            "helper), or give a token in a variable: {token} in the URL"
        )
    if failure.search(r"\b40[13] (?:Client )?Error|status client error \(40[13]|\b40[13] (?:Unauthorized|Forbidden)"):
        return "The index refused the credentials, or wants some: a URL with user and token, keyring, or ~/.netrc"
    return None


def _no_git(failure: _Failure) -> str | None:
    if not failure.search(r"Cannot find command 'git'|Git executable not found"):
        return None
    return "Installing from a repository needs git: install it, or name an archive (…/archive/refs/heads/main.zip)"


def _in_use(failure: _Failure) -> str | None:
    if not failure.search(r"\[WinError (?:5|32)\]|os error (?:5|32)\)") or failure.environment.platform != "win32":
        return None
    return "Windows locks the files of loaded modules: restart the kernel and run this before any import"


def _not_writable(failure: _Failure) -> str | None:
    match = failure.search(
        r"\[Errno (?:13|30)\][^\n']*(?:'([^'\n]+)')?|`([^`\n]+)`: (?:Permission denied|Read-only file system)|"
        r"(?:Permission denied|Read-only file system) \(os error"
    )
    if not match:
        return None
    environment = failure.environment
    place = next((group for group in match.groups() if group), environment.prefix)
    said = f"You may not write to {place}: "
    if environment.kind in _VENVS or environment.is_conda:
        return f"{said}ask whoever owns this environment, or {_OWN}"
    return f"{said}add --user, or {_OWN}"


_COMPILER = (
    r"Microsoft Visual C\+\+ [\d.]+ (?:or greater )?is required|Unable to find vcvarsall|"
    r"No such file or directory: '[^'\n]*(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(?:-\d+)?'|"
    r"(?:command|unable to execute) '[^'\n]*(?:gcc|g\+\+|cc|c\+\+|clang)(?:-\d+)?'(?: failed)?: No such file|"
    r"xcrun: error|Unknown compiler\(s\)|No CMAKE_(?:C|CXX)_COMPILER could be found|"
    r"(?:gcc|cc|clang): (?:command )?not found|CompilerNotFound"
)
_BUILD = (
    r"Failed building wheel|[Ff]ailed to build|metadata-generation-failed|build backend returned an error|"
    r"Could not build wheels|Getting requirements to build wheel did not run|Failed to resolve requirements from|"
    r"installing build dependencies|failed-wheel-build"
)


def _compiler(failure: _Failure) -> str | None:
    if not failure.search(_BUILD):
        return None
    if failure.search(
        r"can't find Rust compiler|Cargo, the Rust package manager, is not installed|`?cargo`? not found"
    ):
        return (
            f"It is written in Rust and has no wheel for Python {failure.python} here: {_WITH_WHEEL}, or install Rust"
        )
    if failure.search(r"Python\.h: No such file|Python\.h: not found"):
        return f"Python's headers are missing (Debian: apt install python3-dev): {_WITH_WHEEL}, or install them"
    if not failure.search(_COMPILER):
        return None
    environment = failure.environment
    if environment.is_conda:
        install = "%conda install compilers"
    else:
        install = {
            "darwin": "xcode-select --install in a terminal",
            "win32": "install the Build Tools of https://visualstudio.microsoft.com/visual-cpp-build-tools",
        }.get(environment.platform, "install one (Debian: apt install build-essential)")
    return f"It must be compiled, and there is no compiler: {_WITH_WHEEL}, or {install}"


_WITH_WHEEL = "add --only-binary :all: for the newest version that is already built"


def _build(failure: _Failure) -> str | None:
    if not failure.search(_BUILD):
        return None
    if failure.search(
        r"installing build dependencies|Failed to resolve requirements from|Installing build dependencies did not"
    ):
        return (
            "What its build needs could not be installed: let the index be reached, or install that first and add "
            "--no-build-isolation"
        )
    return (
        f"It had to be built for Python {failure.python}, and its own build failed: {_WITH_WHEEL}, "
        "or see in its documentation what the build needs"
    )


def _requires_python(failure: _Failure) -> str | None:
    match = (
        failure.search(r"requires a different Python: \S+ not in '([^']+)'")
        or failure.search(r"does not satisfy Python([^,\n]+?)(?:,| and|$)")
        or (
            failure.search(r"No matching distribution")
            and failure.search(r"require a different python version.*Requires-Python ([^;\n]+)")
        )
    )
    if not match:
        return None
    return (
        f"It asks for Python {match[1].strip()} and this kernel runs {failure.python}: use a kernel with such a "
        "Python, or another version of the package"
    )


def _platform(failure: _Failure) -> str | None:
    if not failure.search(r"is not a supported wheel on this platform|has no wheels with a matching"):
        return None
    return (
        f"The wheel is for another Python or platform than Python {failure.python} on {failure.environment.platform}: "
        "name the package instead of the file, and the right one is chosen"
    )


def _conflict(failure: _Failure) -> str | None:
    block = failure.search(r"^The conflict is caused by:\n((?:[ ]{4}.*\n?)+)")
    if block:
        parties = "; ".join(line.strip() for line in block[1].splitlines()[:4] if line.strip())
        return f"{parties}: loosen or leave out one of these"
    if failure.search(r"ResolutionImpossible") or (
        failure.search(r"No solution found") and failure.search(r"depends? on|are incompatible")
    ):
        return "What is asked for cannot be had together: loosen or leave out one of the versions, then run it again"
    return None


def _not_found(failure: _Failure) -> str | None:
    match = failure.search(r"No matching distribution found for ([^\s(]+)") or failure.search(
        r"(?:Because|because|and)\s+(\S+)\s+was\s+not\s+found\s+in\s+the"
    )
    if match:
        requirement = match[1]
        name = re.split(r"[\[<>=!~;@]", requirement)[0]
        offered = failure.search(r"from versions: ((?!none)[^)]+)\)")
        return _wrong_version(requirement, offered[1].split(", ")) if offered else _unknown_name(name, failure)
    match = failure.search(r"there is no version of (\S+)|only (\S+?)(?:[<>=!~]\S*)? is available and")
    if match:
        named = match[1] or match[2]
        name = re.split(r"[<>=!~]", named)[0]
        return f"There is no such version; leave it out and the newest is taken: %pip install {name}"
    return None


def _wrong_version(requirement: str, offered: list[str]) -> str:
    name = re.split(r"[\[<>=!~;@]", requirement)[0]
    if all(re.search(r"\d(?:a|b|rc|\.?dev)\d*", version) for version in offered):
        return f"There are only pre-releases of {name} ({', '.join(offered[-3:])}): add --pre"
    return f"{requirement} cannot be had here; there is {name} {', '.join(offered[-5:])}"


def _unknown_name(name: str, failure: _Failure) -> str:
    from ipy_envmagic.environments.names import distribution_for  # noqa: PLC0415 - a table that only a failure needs

    distribution = distribution_for(name)
    if distribution and distribution.lower() != name.lower():
        return f"{name} is a module of {distribution}: %pip install {distribution}"
    if name in sys.stdlib_module_names:
        return f"{name} is a module of Python's own: there is nothing to install"
    offline = failure.search(r"network was disabled|provided package locations|found in the cache|^Looking in links")
    if offline and not failure.search(r"Looking in indexes"):
        return f"No index was asked (--no-index, --offline): {name} must be among the files that --find-links names"
    elsewhere = f" %conda install {name} asks conda's channels." if failure.environment.is_conda else ""
    return (
        f"The index has no {name} for Python {failure.python}: check the spelling, and which index is asked.{elsewhere}"
    )


def _invalid(failure: _Failure) -> str | None:
    match = failure.search(r"Invalid requirement: '([^'\n]+)'(?!\n.*looks like a path)")
    if not match and failure.search(r"Couldn't parse requirement|Failed to parse"):
        match = failure.search(r"^\s+(\S[^\n]*)\n\s*\^") or failure.search(r"Failed to parse: `([^`\n]+)`")
    if not match or failure.search(r"It looks like a path"):
        return None
    likely = likely_requirement(match[1].strip())
    return f"Write {likely}" if likely else "Write a name and its versions, as in 'numpy>=2,<3'"


def _usage(failure: _Failure) -> str | None:
    match = failure.search(r"maybe you meant \"([\w-]+)\"")
    if match:
        return f"Write %pip {match[1]} …"
    if failure.search(r"unknown command \"|unrecognized subcommand"):
        magic = "%uv" if failure.program == "uv" else "%pip"
        return f"{magic} --help lists the commands; to install: %pip install NAME"
    match = failure.search(r"no such option: (\S+)|unexpected argument '([^']+)'|ambiguous option: (\S+)")
    if match:
        magic = "%uv pip install" if failure.program == "uv" else "%pip install"
        return f"{magic} --help lists the options (another command has its own)"
    return None


def _missing_file(failure: _Failure) -> str | None:
    match = failure.search(
        r"Could not open requirements file: .*'([^']+)'|File not found: `?([^`\n]+)`?|File '([^']+)' does not exist|"
        r"Distribution not found at: (\S+)|Directory '([^']+)' is not installable"
    )
    if not match:
        return None
    name = next(group for group in match.groups() if group)
    return f"{name} is not there: paths begin at the kernel's working directory (%pwd shows it, %cd changes it)"


def _unremovable(failure: _Failure) -> str | None:
    match = failure.search(r"Cannot uninstall '?([\w.-]+)'?[^\n]*")
    if not match or not failure.search(r"RECORD|distutils installed project|installed by"):
        return None
    name = match[1] if match[1] != "package" else "it"
    if failure.environment.is_conda or failure.search(r"installed by conda"):
        return f"conda installed it: %conda remove {name}, or %conda update {name}"
    if failure.search(r"installed by (?:debian|apt|rpm|dnf)") or "dist-packages" in failure.text:
        return f"The system installed it: apt remove python3-{name} in a terminal, or use an environment of your own"
    return f"Its list of files is lost: %pip install --ignore-installed --no-deps {name} writes it anew"


def _broken_pip(failure: _Failure) -> str | None:
    if not failure.search(r"No module named '?pip\b|(?:ImportError|ModuleNotFoundError|AttributeError)[^\n]*pip\._"):
        return None
    return f'pip itself is broken: !"{failure.environment.executable}" -m ensurepip --upgrade mends it'


_RULES: tuple[Callable[[_Failure], str | None], ...] = (
    _killed,
    _disk_full,
    _externally_managed,
    _hashes,
    _requires_python,
    _conflict,  # these three are certain; a warning of the network may only have been on the way
    _credentials,
    _network,
    _no_git,
    _in_use,
    _unremovable,
    _compiler,
    _build,
    _not_writable,
    _platform,
    _invalid,
    _missing_file,
    _not_found,
    _usage,
    _broken_pip,
)
