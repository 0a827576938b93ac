"""Rules for what reaches into an environment from outside: variables, the user's directory, pip's configuration."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ipy_envmagic.checks.index import index_of
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments import layout
from ipy_envmagic.environments.pip_configuration import pip_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipy_envmagic.checks.whole import Whole

__all__ = [
    "extension_wiped",
    "pip_config_redirects",
    "pythonpath_set",
    "system_site_packages",
    "user_site_visible",
]

# InteractiveShellApp.extensions, as Python or as JSON; not extra_extensions, which no other file's list replaces.
_EXTENSIONS = re.compile(r"""^[^#\n]*(?:\.|["'])extensions["']?\s*[=:]""", re.MULTILINE)
_OURS = re.compile(r"""^[^#\n]*(?:\.|["'])extensions["']?\s*[=:][^\]]*ipy_envmagic""", re.MULTILINE)


def pythonpath_set(whole: Whole) -> Iterator[Finding]:
    """See PYTHONPATH: its folders come before what is installed, in every Python that is started."""
    session = whole.session
    value = session.environ.get("PYTHONPATH", "")
    entries = [entry for entry in value.split(os.pathsep) if entry]
    if not entries or {"isolated", "ignore_environment"} & session.flags:
        return
    told = " through its kernelspec" if _is_from_kernelspec(whole, value) else ""
    yield Finding(
        "pythonpath-set",
        "warning",
        f"PYTHONPATH is set{told}: {', '.join(entries[:3])} come{'s' if len(entries) == 1 else ''} before what is "
        "installed here.",
        {"entries": entries, "missing": [entry for entry in entries if not os.path.exists(entry)]},
        Fix((), restart=True, steps="Unset it where the server is started, unless you mean it."),
    )


def user_site_visible(whole: Whole) -> Iterator[Finding]:
    """See that an environment which should stand for itself also imports from the user's own site directory."""
    environment, session = whole.environment, whole.session
    if not environment.is_conda and not _sees_the_system(whole):
        return
    own = layout.user_site(
        environment.base_prefix, environment.version, environment.platform, session.environ, session.home
    )
    if own is None or own not in session.path:
        return
    names = sorted(index_of((own,)))
    if names:
        yield Finding(
            "user-site-visible",
            "warning",
            f"{own} is on the path too: {', '.join(names[:4])}{' ...' if len(names) > 4 else ''} there "  # noqa: PLR2004
            "can hide what is installed here.",
            {"location": own, "distributions": names},
            Fix((), restart=True, steps="Set PYTHONNOUSERSITE=1 in the kernelspec's env, or uninstall what is there."),
        )


def system_site_packages(whole: Whole) -> Iterator[Finding]:
    """Say that a virtual environment was made to see what its base Python has as well."""
    if _sees_the_system(whole):
        yield Finding(
            "system-site-packages",
            "info",
            f"This environment also imports what is installed for {whole.environment.base_prefix} "
            "(include-system-site-packages in its pyvenv.cfg).",
            {"location": os.path.join(whole.environment.prefix, "pyvenv.cfg")},
            None,
        )


def extension_wiped(whole: Whole) -> Iterator[Finding]:
    """See that the environment's configuration loads us for every kernel, and a profile's list replaces that."""
    session = whole.session
    said = next(
        (
            path
            for name in ("ipython_config.json", "ipython_config.py", "ipython_kernel_config.py")
            if _OURS.search(layout.read_text(path := os.path.join(whole.environment.prefix, "etc", "ipython", name)))
        ),
        None,
    )
    if said is None:
        return
    root = session.environ.get("IPYTHONDIR") or os.path.join(session.home, ".ipython")
    for name in ("ipython_config.py", "ipython_config.json"):
        profile = os.path.join(root, "profile_default", name)
        text = layout.read_text(profile)
        if _EXTENSIONS.search(text) and "ipy_envmagic" not in text:
            yield Finding(
                "extension-wiped",
                "warning",
                f"{said} loads ipy_envmagic for every kernel, and the list in {profile} replaces it.",
                {"configuration": said, "profile": profile},
                Fix(
                    (),
                    steps="Write extra_extensions there, or a startup file, which no profile replaces: "
                    "python -m ipy_envmagic enable --sys-prefix",
                ),
            )
            return


def pip_config_redirects(whole: Whole) -> Iterator[Finding]:
    """See a variable or configuration of pip that sends every install elsewhere."""
    from ipy_envmagic.commands.redirections import redirections  # noqa: PLC0415 (a check of a name needs none of it)

    session = whole.session
    configuration = pip_configuration(whole.environment, session.environ, session.home)
    for one in redirections(whole.environment, session.environ, configuration):
        variable = one.setting if one.setting.startswith("PIP_") else None
        key = one.setting.partition("(")[2].rstrip(")")
        line = f"%env {variable}=" if variable else f"%pip config unset {key}"
        yield Finding(
            "pip-config-redirects",
            "warning",
            f"{one.setting} sends what %pip installs to {one.goes}, where this kernel does not import from.",
            {"setting": one.setting, "goes": one.goes},
            Fix((line,), steps=f"{one.lift[:1].upper()}{one.lift[1:].replace('`', '')} to install for this kernel."),
        )


def _sees_the_system(whole: Whole) -> bool:
    return whole.settings.get("include-system-site-packages", "").lower() == "true"


def _is_from_kernelspec(whole: Whole, value: str) -> bool:
    name = whole.session.kernelspec
    return any(spec.env.get("PYTHONPATH") == value for spec in whole.kernelspecs if spec.name == name)
