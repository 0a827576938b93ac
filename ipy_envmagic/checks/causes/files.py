"""Rules for the files of a distribution: what is recorded of them against what is on the disk."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ipy_envmagic.checks.fixes import conda_package, reinstall
from ipy_envmagic.checks.report import Finding, Fix
from ipy_envmagic.environments.distributions import Distribution, top_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.environments.integrity import Damage

__all__ = ["broken_link", "clobbered", "file_corrupt", "files_missing", "shared_files", "unreadable"]

_FEW = 5
_HEAD = 1 << 20
# Projects that put their files into one folder, each in place of the others.
_SIBLINGS: tuple[frozenset[str], ...] = (
    frozenset({"opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"}),
    frozenset({"pyjwt", "jwt"}),
    frozenset({"psycopg2", "psycopg2-binary"}),
    frozenset({"pycryptodome", "pycrypto"}),
    frozenset({"serial", "pyserial"}),
    frozenset({"tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tensorflow-intel"}),
    frozenset({"onnxruntime", "onnxruntime-gpu", "onnxruntime-directml"}),
    frozenset({"python-magic", "magic", "libmagic"}),
    frozenset({"docx", "python-docx"}),
    frozenset({"dotenv", "python-dotenv"}),
    frozenset({"slugify", "python-slugify", "unicode-slugify"}),
    frozenset({"pymupdf", "fitz"}),
    frozenset({"faiss", "faiss-cpu", "faiss-gpu"}),
)


def files_missing(subject: Subject) -> Finding | None:
    """See a distribution whose RECORD lists modules that are not on the disk: all of them, or some."""
    distribution = subject.distribution
    if distribution is None or subject.is_editable:
        return None
    gone = [one for one in subject.integrity.damage if one.kind == "missing"]
    code = [one for one in gone if one.is_code and _is_own(one, distribution)]
    if not code:
        return None
    if len(gone) == len(subject.integrity.damage) and _nothing_left(subject):
        message = f"{_titled(distribution)} is recorded as installed, but its files are gone."
    else:
        listed = subject.integrity.listed
        message = f"{len(code)} of the {listed} files of {_titled(distribution)} are missing, first {code[0].path}."
        if len(code) == 1:
            message = f"A file of {_titled(distribution)} is missing: {code[0].path}."
    return _finding("files-missing", message, subject, code)


def clobbered(subject: Subject) -> Finding | None:
    """See files that a sibling took away when it was removed: both projects install into one folder."""
    distribution = subject.distribution
    if distribution is None or subject.is_editable:
        return None
    group = next((group for group in _SIBLINGS if distribution.key in group), None)
    if group is None:
        return None
    damage = [one for one in subject.integrity.damage if one.is_code]
    if not damage:
        return None
    others = [subject.index[key] for key in sorted(group - {distribution.key}) if key in subject.index]
    names = ", ".join(other.name for other in others) or " or ".join(sorted(group - {distribution.key}))
    why = "is installed too and has its own there" if others else "shared its folder and was removed"
    return Finding(
        "clobbered",
        "error",
        f"Files of {_titled(distribution)} are gone or others, first {damage[0].path}: {names} {why}.",
        {"location": distribution.path, **_evidence(subject, damage)},
        _one_of(subject, distribution, others),
    )


def shared_files(subject: Subject) -> Finding | None:
    """Warn of two projects that are installed into one folder: removing either breaks the other."""
    distribution = subject.distribution
    if distribution is None or subject.integrity.damage:
        return None
    group = next((group for group in _SIBLINGS if distribution.key in group), None)
    others = [subject.index[key] for key in sorted((group or frozenset()) - {distribution.key}) if key in subject.index]
    if not others:
        return None
    names = ", ".join(other.name for other in others)
    return Finding(
        "clobbered",
        "warning",
        f"{distribution.name} and {names} install into the same folder; removing one breaks the other.",
        {"location": distribution.path, "others": [other.path for other in others]},
        _one_of(subject, distribution, others),
    )


def broken_link(subject: Subject) -> Finding | None:
    """See files that are links to nothing: made by uv with links into its cache, which was then cleaned."""
    distribution = subject.distribution
    if distribution is None or subject.is_editable:
        return None
    damage = [one for one in subject.integrity.damage if one.kind == "broken-link"]
    if not damage:
        return None
    path = os.path.join(distribution.site_directory, damage[0].path)
    target = _link_of(path)
    count = f"{len(damage)} files of {distribution.name} are links" if len(damage) > 1 else f"{path} is a link"
    again = reinstall(subject)
    tops = dict.fromkeys(one.path.partition("/")[0] for one in damage)
    removals = [_unlinking(os.path.join(distribution.site_directory, top)) for top in tops]
    if not os.path.exists(os.path.join(distribution.path, "METADATA")):
        removals.append(f"import shutil; shutil.rmtree({distribution.path!r})")
    return Finding(
        "broken-link",
        "error",
        f"{count} to what is not there any more, {target}.",
        {"location": distribution.path, **_evidence(subject, damage)},
        Fix((*removals, *again.magic), again.restart, f"Take the links away. {again.steps}"),
    )


def unreadable(subject: Subject) -> Finding | None:
    """See a package or module that this user may not read: installed by another user, or under a strict umask."""
    path = _unreadable_place(subject)
    if path is None:
        return None
    line = f"chmod -R a+rX {shlex.quote(path)}"
    return Finding(
        "unreadable",
        "error",
        f"{path} is here, but this user may not read it.",
        {"location": path, "mode": _mode(path)},
        Fix((), restart=False, steps=f"Whoever owns it, often an administrator, can run `{line}` in a terminal."),
    )


def file_corrupt(subject: Subject) -> Finding | None:
    """See a file that cannot be what was installed: empty, cut short, full of zeros, or no Python any more.

    A module that was edited and still compiles, or a library that was stripped, is no damage.
    """
    distribution = subject.distribution
    if distribution is None or subject.is_editable:
        return None
    changed = [one for one in subject.integrity.damage if one.kind in {"size", "content"} and one.is_code]
    damage = [one for one in changed if _is_ruined(os.path.join(distribution.site_directory, one.path), one)]
    if not damage:
        return None
    first = damage[0]
    what = "is empty" if first.size == 0 else "is cut short or overwritten"
    more = f", and {len(damage) - 1} more of its files are damaged" if len(damage) > 1 else ""
    danger = " Importing it can end the kernel." if any(one.is_extension for one in damage) else ""
    message = f"{first.path} of {_titled(distribution)} {what}{more}.{danger}"
    return _finding("file-corrupt", message, subject, damage)


def _finding(code: str, message: str, subject: Subject, damage: Sequence[Damage]) -> Finding:
    location = subject.distribution.path if subject.distribution else None
    return Finding(code, "error", message, {"location": location, **_evidence(subject, damage)}, reinstall(subject))


def _evidence(subject: Subject, damage: Sequence[Damage]) -> dict[str, object]:
    integrity = subject.integrity
    return {
        "damaged": len(damage),
        "first": [one.path for one in damage[:_FEW]],
        "looked_at": f"{integrity.looked_at} of {integrity.listed} files" if integrity.stopped_short else None,
    }


def _one_of(subject: Subject, distribution: Distribution, others: Sequence[Distribution]) -> Fix:
    """Take all of them away and put the one that was asked for back."""
    if conda_package(subject.environment, distribution.name) is not None:
        return reinstall(subject)
    pin = f"=={distribution.version}" if distribution.version else ""
    names = shlex.join([distribution.name, *(other.name for other in others)])
    return Fix(
        (f"%pip uninstall {names}", f"%pip install --no-deps {shlex.quote(distribution.name + pin)}"),
        subject.is_loaded,
        f"Keep one of them: remove all, then install {distribution.name} again."
        + (" Then restart the kernel." if subject.is_loaded else ""),
    )


def _is_own(damage: Damage, distribution: Distribution) -> bool:
    """Whether a file is below what the distribution is imported by; a stray script or build file is not."""
    top = damage.path.partition("/")[0].partition(".")[0]
    return top in top_level(distribution)


def _nothing_left(subject: Subject) -> bool:
    code = [entry for entry in subject.record if entry.endswith((".py", ".so", ".pyd")) and ".dist-info/" not in entry]
    site = subject.distribution.site_directory if subject.distribution else ""
    return not any(os.path.exists(os.path.join(site, entry)) for entry in code)


def _titled(distribution: Distribution) -> str:
    return f"{distribution.name} {distribution.version or ''}".rstrip()


def _unlinking(path: str) -> str:
    """Write the line that takes dead links away, and nothing else: a folder may be shared with other projects."""
    if not os.path.isdir(path):
        return f"import os; os.remove({path!r})"
    return f"import pathlib; [p.unlink() for p in [*pathlib.Path({path!r}).rglob('*')] if not p.exists()]"


def _link_of(path: str) -> str:
    try:
        return os.path.join(os.path.dirname(path), os.readlink(path))
    except (OSError, ValueError):
        return "elsewhere"


def _unreadable_place(subject: Subject) -> str | None:
    """Return what cannot be read of the module that an import would come to first."""
    module = subject.place.module
    if module is not None and module.kind != "namespace":
        paths = [path for path in (*module.locations, module.origin) if path]
        return next((path for path in paths if os.path.exists(path) and not _may_read(path)), None)
    if module is None and subject.distribution is None:
        return None
    for entry in subject.session.path:
        folder = os.path.join(entry, subject.root)
        for path in (folder, os.path.join(folder, "__init__.py"), f"{folder}.py"):
            if os.path.exists(path) and not _may_read(path):
                return path
    return None


def _may_read(path: str) -> bool:
    mode = os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _mode(path: str) -> str | None:
    try:
        return f"{os.stat(path).st_mode & 0o777:o}"
    except (OSError, ValueError):
        return None


def _is_ruined(path: str, damage: Damage) -> bool:
    if damage.size == 0:
        return True
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except (OSError, ValueError):
        return False
    if damage.is_extension:
        from ipy_envmagic.environments.elf import is_cut_short  # noqa: PLC0415 (only where a size is another)

        return not head.strip(b"\0") or is_cut_short(path) is not False
    if b"\0" in head:
        return True
    try:
        compile(head, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return len(head) < _HEAD
    return False
