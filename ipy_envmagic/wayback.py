"""The way back: what changed here, undone, saved and restored, and repaired after a crash.

For the magic and the command line; nothing here prints but through the `Face` that is handed in.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ipy_envmagic import __version__, actions
from ipy_envmagic.checks.listing import Listing
from ipy_envmagic.commands import secrets, undoing
from ipy_envmagic.environments.distributions import installed, normalise
from ipy_envmagic.environments.kernel_needs import needs
from ipy_envmagic.errors import CommandFailed, EnvMagicError
from ipy_envmagic.run import changes as look
from ipy_envmagic.run import history, lock, lockfile, pending, process, state, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ipy_envmagic.commands.undoing import Step
    from ipy_envmagic.environments.environment import Environment
    from ipy_envmagic.run.history import Described
    from ipy_envmagic.run.lockfile import Locked

__all__ = ["cut_off", "history_page", "repair", "restore", "snapshot", "undo"]

_SHOWN = 20  # changes that a history shows unless told
_FEW = 6  # names that a row of it has
_COLUMNS = ("#", "When (UTC)", "By", "Command", "What changed")


def cut_off(prefix: str) -> tuple[str, ...]:
    """Return a sentence for each change of a prefix that was cut off; mostly none, and then it costs next to nothing.

    Parameters
    ----------
    prefix : str
        The environment's.
    """
    return tuple(transaction.cut_off(entry) for folder in state.existing(prefix) for entry in pending.left_open(folder))


def repair(environment: Environment, face: process.Face, kind: str) -> tuple[tuple[str, ...], bool]:
    """Put back what changes that were cut off broke; see `ipy_envmagic.run.transaction.repair`.

    Parameters
    ----------
    environment : Environment
        This process's.
    face : Face
        Where our own lines go.
    kind : str
        Who asks, as of `pending.me`.
    """
    if not cut_off(environment.prefix):
        return ("Nothing to repair: no change of this environment was cut off.",), True
    with lock.hold(environment.prefix, "envcheck --repair", face.say) as folder:
        return transaction.repair(folder, environment, pending.me(kind))


def history_page(environment: Environment, home: str, count: int | None = None) -> Listing:
    """List what changed in an environment, the youngest change last.

    Parameters
    ----------
    environment : Environment
        Which.
    home : str
        The home directory, which is shown as ``~``.
    count : int, optional
        How many changes; by default 20.
    """
    folders = state.existing(environment.prefix)
    lines = history.lines(folders[-1]) if folders else []
    shown = lines[-(count or _SHOWN) :]
    rows = [
        (str(line["number"]), _when(line), _who(line), str(line.get("command") or ""), _told(line["changes"], line))
        for line in shown
    ]
    since = _since(environment, folders[-1]) if folders else []
    if since:
        rows.append(("", "since then", "others", "", _told(since, {})))
    what = f"{len(lines)} change{'s' if len(lines) != 1 else ''} of this environment written down"
    if len(shown) < len(lines):
        what += f", the last {len(shown)} of them here"
    return Listing(
        what if lines or since else "no change of this environment has been written down yet",
        _COLUMNS,
        tuple(rows),
        notes=(*cut_off(environment.prefix), *(("%envcheck --undo N goes back to before change N.",) if lines else ())),
        data={"changes": shown, "since": since},
        home=home,
    )


def undo(
    environment: Environment, number: int | None, face: process.Face, options: actions.Options, *, terminal: bool
) -> actions.CommandResult:
    """Bring an environment back to what it was before a change.

    Parameters
    ----------
    environment : Environment
        This process's.
    number : int or None
        The change's number in the journal; None for the last one.
    face : Face
        Where the plan, the output and our own lines go.
    options : Options
        The user's configuration.
    terminal : bool
        Whether the programs get the terminal itself.

    Raises
    ------
    EnvMagicError
        There is no such change, or something cannot be had again; nothing has been touched.
    CommandFailed
        A line failed; the environment is as it was before the undo.
    """
    shown = f"envcheck --undo{f' {number}' if number is not None else ''}"
    with lock.hold(environment.prefix, shown, face.say) as folder:
        transaction.catch_up(folder, environment, look.take(environment))
        lines = history.lines(folder)
        number = _number(lines, number)
        rows = history.net([line for line in lines if line["number"] >= number])
        if not rows:
            raise EnvMagicError(f"The environment is as it was before change {number}: there is nothing to undo.")
        plan = undoing.plan(rows)
        _refuse(plan.refused, "Nothing was undone")
        return _go(plan.steps, rows, environment, face, options, folder, terminal=terminal, shown=shown, undo=number)


def snapshot(environment: Environment, path: str, face: process.Face) -> tuple[str, ...]:
    """Write an environment as a lock file, and beside it a list of conda's packages where there are any.

    Parameters
    ----------
    environment : Environment
        Which.
    path : str
        A pylock.toml or pylock.NAME.toml; replaced where it is there.
    face : Face
        Where our own lines go.

    Returns
    -------
    tuple of str
        The files that were written.

    Raises
    ------
    EnvMagicError
        Something cannot be had again, or has another name on no index; nothing has been written.
    """
    lockfile.check_name(path)
    above = os.path.dirname(os.path.abspath(path))
    if not os.access(above, os.W_OK):
        why = "may not be written" if os.path.isdir(above) else "is no folder"
        raise EnvMagicError(f"{path} cannot be written: {above} {why}")
    folders = state.existing(environment.prefix)
    known = (history.last_state(folders[-1]) if folders else None) or {}
    now = history.describe(environment, look.take(environment), known)
    rows = [
        {"name": told["name"], "source": "pip", "before": told, "after": None}
        for key, told in now["pip"].items()
        if told["origin"]["kind"] != "index"
    ]
    _refuse(undoing.plan(rows).refused, "Nothing was written")
    index = [told for told in now["pip"].values() if told["origin"]["kind"] == "index"]
    found = _files_of(index, environment, face)
    packages = [*found, *(_locked(told) for told in now["pip"].values() if told["origin"]["kind"] != "index")]
    written = {path: lockfile.to_toml(packages, _python(environment), f"ipy_envmagic {__version__}")}
    if now["conda"]:
        written[lockfile.conda_path(path)] = lockfile.to_conda(_addresses(now))
    for place, text in written.items():
        _write(place, text)
    return tuple(written)


def restore(
    environment: Environment, path: str, face: process.Face, options: actions.Options, *, terminal: bool
) -> actions.CommandResult:
    """Bring an environment to what a lock file says: nothing else stays, nothing is missing.

    Parameters
    ----------
    environment : Environment
        This process's.
    path : str
        A lock file (PEP 751), ours or another program's.
    face, options, terminal
        As of `undo`.

    Raises
    ------
    EnvMagicError
        The file cannot be read, is for another Python, or names what cannot be had; nothing has been touched.
    CommandFailed
        A line failed; the environment is as it was.
    """
    packages = lockfile.read(path)
    addresses = lockfile.read_conda(lockfile.conda_path(path)) if environment.is_conda else []
    shown = f"envcheck --restore {os.path.basename(path)}"
    with (
        lock.hold(environment.prefix, shown, face.say) as folder,
        tempfile.TemporaryDirectory(prefix="ipy-envmagic-") as private,
    ):
        now = transaction.catch_up(folder, environment, look.take(environment))
        rows = [*_pip_rows(packages, now), *(_conda_rows(addresses, now) if addresses else ())]
        if not rows:
            face.say(f"The environment is as {path} says.")
            return actions.CommandResult(0, ())
        hashed = {normalise(one.name): one for one in packages if one.kind == "index"}
        plan = undoing.plan(row for row in rows if row["before"] is None or normalise(row["name"]) not in hashed)
        _refuse(plan.refused, "Nothing was restored")
        wanted = [hashed[normalise(row["name"])] for row in rows if row["before"] and normalise(row["name"]) in hashed]
        steps = (*plan.steps, *_hashed_steps(wanted, private))
        return _go(steps, rows, environment, face, options, folder, terminal=terminal, shown=shown)


def _write(path: str, text: str) -> None:
    """Write a file of the user's: whole, or not at all."""
    beside = f"{path}.part"
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise EnvMagicError(f"{path} cannot be written: {error.strerror or error}") from None


def _go(
    steps: Sequence[Step],
    rows: Sequence[Mapping[str, Any]],
    environment: Environment,
    face: process.Face,
    options: actions.Options,
    folder: str,
    *,
    terminal: bool,
    shown: str,
    **told: Any,
) -> actions.CommandResult:
    """Show the plan and carry it out as one change, which counts only where it leads to what it was to lead to."""
    needed = needs(installed(environment.site_directories))
    commands = [actions.plan(step.program, step.words, environment, options, needed) for step in steps]
    mask = secrets.masker([one for command in commands for one in secrets.collect(command.argv, os.environ)])
    face = replace(face, mask=mask)
    for number, step in enumerate(steps, start=1):
        face.say(mask(f"Step {number} of {len(steps)}: {step}"))
    request = transaction.Request(
        commands,
        shown,
        pending.me("terminal" if terminal else "kernel"),
        protect=options.protect,
        terminal=terminal,
        grace=options.interrupt_grace,
        told=told,
        check=lambda now: _wrong(rows, now),
        known={normalise(row["name"]): row["before"] for row in rows if row["source"] == "pip" and row["before"]},
    )
    return actions.carry_out(request, environment, face, options, needed, folder=folder)


def _wrong(rows: Iterable[Mapping[str, Any]], now: Described) -> str | None:
    """Say what is not as it was to be."""
    for row in rows:
        source, name = row["source"], row["name"]
        found = now[source].get(normalise(name) if source == "pip" else name)
        wanted = row["before"]
        if wanted is None and found is not None:
            return f"{name} is still here"
        if wanted is not None and (found is None or found["version"] != (wanted["version"] or found["version"])):
            return f"{name} is {found['version'] if found else 'not here'}, and was to be {wanted['version']}"
    return None


def _number(lines: Sequence[Mapping[str, Any]], asked: int | None) -> int:
    numbers = [line["number"] for line in lines if line["changes"]]
    if not numbers:
        raise EnvMagicError("Nothing to undo: no change of this environment has been written down.")
    if asked is None:
        return int(numbers[-1])
    if not lines[0]["number"] <= asked <= lines[-1]["number"]:
        raise EnvMagicError(
            f"There is no change {asked}; %envcheck --history shows {lines[0]['number']} to {lines[-1]['number']}."
        )
    return asked


def _refuse(reasons: Sequence[str], what: str) -> None:
    if reasons:
        raise EnvMagicError(f"{what}: {'; '.join(reasons)}.")


def _pip_rows(packages: Sequence[Locked], now: Described) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    wanted = {normalise(one.name): one for one in packages}
    for key, one in wanted.items():
        found = now["pip"].get(key)
        origin = {"kind": one.kind, **(one.origin or {}), "options": list(one.options)}
        same_place = found is not None and (
            found["origin"]["kind"] == one.kind
            and all(found["origin"].get(name) == value for name, value in (one.origin or {}).items())
        )
        if found is None or found["version"] != (one.version or found["version"]) or not same_place:
            before = {"version": one.version, "installer": "pip", "origin": origin}
            rows.append({"name": one.name, "source": "pip", "before": before, "after": found})
    gone = (told for key, told in now["pip"].items() if key not in wanted)
    return [*rows, *({"name": told["name"], "source": "pip", "before": None, "after": told} for told in gone)]


def _conda_rows(addresses: Sequence[str], now: Described) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    names = set()
    for address in addresses:
        url, _, md5 = address.partition("#")
        stem = url.rpartition("/")[2].removesuffix(".tar.bz2").removesuffix(".conda")
        name, version, build = [*stem.rsplit("-", 2), "", ""][:3]
        names.add(name)
        found = now["conda"].get(name)
        if found is None or (found["version"], found["build"]) != (version, build):
            before = {"version": version, "build": build, "origin": {"kind": "conda", "url": url, "md5": md5}}
            rows.append({"name": name, "source": "conda", "before": before, "after": found})
    gone = (told for name, told in now["conda"].items() if name not in names)
    return [*rows, *({"name": told["name"], "source": "conda", "before": None, "after": told} for told in gone)]


def _hashed_steps(wanted: Sequence[Locked], private: str) -> list[Step]:
    """Return a line for each set of places: the requirements stand in a file, which alone can hold their hashes."""
    groups: dict[tuple[str, ...], list[Locked]] = {}
    for one in wanted:
        places = {os.path.dirname(_local(place)) for _, place, _ in one.files if _local(place)}
        options = one.options or (("--no-index",) if places else ())
        known = set(one.options)
        extra = tuple(word for place in sorted(places - known) for word in ("--find-links", place))
        groups.setdefault((*options, *extra), []).append(one)
    steps = []
    for number, (options, several) in enumerate(groups.items()):
        path = os.path.join(private, f"requirements{number}.txt")
        with open(path, "w", encoding="utf-8") as file:
            for one in several:
                hashes = " ".join(f"--hash=sha256:{digest}" for _, _, digest in one.files)
                file.write(f"{one.name}=={one.version} {hashes}\n")
        words = ("install", "--no-deps", "--force-reinstall", "--require-hashes", *options, "--requirement", path)
        steps.append(undoing.Step("pip", words))
    return steps


def _local(place: str) -> str:
    """Return the path of a file on this machine, "" for one that is elsewhere."""
    if place.startswith("file://"):
        from urllib.parse import unquote, urlsplit  # noqa: PLC0415 (few are)

        return unquote(urlsplit(place).path)
    return "" if "://" in place else place


def _files_of(index: Sequence[Mapping[str, Any]], environment: Environment, face: process.Face) -> list[Locked]:
    """Ask pip which file of an index each distribution is: it resolves, and installs nothing."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for told in index:
        groups.setdefault(tuple(told["origin"].get("options") or ()), []).append(told)
    found = []
    for options, several in groups.items():
        face.say(f"Looking up the files of {len(several)} distributions; nothing is installed.")
        with tempfile.TemporaryDirectory(prefix="ipy-envmagic-") as private:
            path = os.path.join(private, "report.json")
            names = [f"{told['name']}=={told['version']}" for told in several]
            words = ("install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", path)
            command = actions.plan("pip", (*words, *options, *names), environment, actions.Options(pip_backend="pip"))
            mask = secrets.masker(secrets.collect(command.argv, os.environ))
            quiet = process.Face(lambda _text: None, face.say, mask, progress=False)
            outcome = process.run_in_cell(command, quiet, busy=lambda _tail: False)
            if outcome.returncode:
                why = next((line for line in outcome.tail.splitlines() if "ERROR" in line), outcome.tail[-200:])
                raise CommandFailed(f"Nothing was written: pip does not find every file again: {mask(why.strip())}")
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
        found += [_from_report(item, options) for item in report["install"]]
    return found


def _from_report(item: Mapping[str, Any], options: tuple[str, ...]) -> Locked:
    """Read an item of pip's installation report ("Installation Report", pip documentation)."""
    info = item["download_info"]
    archive = info["archive_info"]
    digest = (archive.get("hashes") or {}).get("sha256") or str(archive.get("hash", "")).partition("=")[2]
    url = secrets.mask(info["url"])
    metadata = item["metadata"]
    files = ((url.rpartition("/")[2], url, digest),)
    return lockfile.Locked(metadata["name"], metadata["version"], "index", files, None, options)


def _locked(told: Mapping[str, Any]) -> Locked:
    origin = {key: value for key, value in told["origin"].items() if key != "kind"}
    return lockfile.Locked(told["name"], told["version"], told["origin"]["kind"], (), origin)


def _addresses(now: Described) -> list[str]:
    found = []
    for told in sorted(now["conda"].values(), key=lambda told: str(told["name"])):
        origin = told["origin"]
        if not origin.get("url"):
            raise EnvMagicError(f"Nothing was written: conda's record of {told['name']} does not say where it is from.")
        found.append(f"{origin['url']}#{origin['md5']}" if origin.get("md5") else origin["url"])
    return found


def _python(environment: Environment) -> str:
    return f"=={environment.version[0]}.{environment.version[1]}.*"


def _since(environment: Environment, folder: str) -> list[dict[str, Any]]:
    """Return what differs from the journal's last line; nothing is written."""
    known = history.last_state(folder)
    if known is None:
        return []
    return history.changed(known, history.describe(environment, look.take(environment), known))


def _when(line: Mapping[str, Any]) -> str:
    return str(line.get("time", "")).replace("T", " ").rstrip("Z")


def _who(line: Mapping[str, Any]) -> str:
    by = line.get("by") or {}
    if by.get("kind") == "others":
        return "others"
    notebook = by.get("notebook")
    where = os.path.basename(notebook) if isinstance(notebook, str) and notebook else str(by.get("kind"))
    return f"{by.get('user')}, {where}"


def _told(changes: Sequence[Mapping[str, Any]], line: Mapping[str, Any]) -> str:
    told = [_one(change) for change in changes[:_FEW]]
    if len(changes) > _FEW:
        told.append(f"and {len(changes) - _FEW} more")
    if line.get("outcome") in {"put back", "cut off", "repaired"}:
        told.append(f"({line['outcome']})")
    return ", ".join(told)


def _one(change: Mapping[str, Any]) -> str:
    before, after = change["before"], change["after"]
    name = change["name"]
    if before is None:
        return f"+ {name} {after['version']}"
    if after is None:
        return f"- {name} {before['version']}"
    if before["version"] == after["version"]:
        return f"{name} {after['version']} again"
    return f"{name} {before['version']} \N{RIGHTWARDS ARROW} {after['version']}"
