"""The rules in the order in which they speak."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipy_envmagic.checks.report import Finding
    from ipy_envmagic.checks.subject import Subject
    from ipy_envmagic.checks.whole import Whole

__all__ = ["Rule", "WholeRule", "apply", "here", "missing", "notes", "whole"]

Rule = Callable[["Subject"], "Finding | None"]
WholeRule = Callable[["Whole"], Iterable["Finding"]]

_CONSEQUENCES = ("metadata-missing",)  # notes that say nothing more where there is a cause


def missing() -> tuple[Rule, ...]:
    """Return the rules for a module that an import would not find: the first that speaks is the cause."""
    from ipy_envmagic.checks.causes import (  # noqa: PLC0415 (a healthy package needs none of them)
        absent,
        binary,
        blocked,
        editable,
        extras,
        files,
        finders,
        folders,
        leftovers,
        loaded,
        metadata,
        owners,
        pth,
        shadow,
        spelling,
        standard,
        submodules,
        versions,
    )

    return (
        blocked.blocked_by_none,
        blocked.blocked_by_hook,
        standard.stdlib_removed,
        standard.stdlib_missing,
        submodules.not_a_module,
        shadow.hidden_portion,
        shadow.namespace_by_pkg_resources,
        submodules.module_removed,
        submodules.submodule_missing,
        extras.stub_only,
        spelling.case_mismatch,
        folders.user_site_disabled,
        editable.editable_source_gone,
        editable.editable_out_of_date,
        pth.hidden_pth,
        pth.broken_pth,
        finders.needs_restart,
        finders.sys_path_edited,
        files.unreadable,
        files.broken_link,
        pth.dead_pth,
        pth.unprocessed_pth,
        leftovers.leftover_dist,
        files.clobbered,
        files.files_missing,
        owners.known_squat,
        binary.path_too_long,
        binary.abi_mismatch,
        binary.platform_mismatch,
        metadata.empty_distribution,
        leftovers.zipped_extension,
        leftovers.left_in_old_python,
        loaded.removed_since_import,
        folders.not_on_path,
        folders.other_user_site,
        shadow.namespace_stands_in,
        absent.other_environment,
        spelling.typo,
        absent.not_installed,
        versions.wrong_version,
    )


def here() -> tuple[Rule, ...]:
    """Return the rules for a module that an import would find: the first that speaks is the cause."""
    from ipy_envmagic.checks.causes import (  # noqa: PLC0415 (they are for what is here)
        binary,
        blocked,
        dependencies,
        extras,
        files,
        finders,
        leftovers,
        linking,
        loaded,
        owners,
        shadow,
        standard,
        submodules,
        versions,
    )

    return (
        blocked.blocked_by_none,
        blocked.blocked_by_hook,
        blocked.half_initialised,
        standard.stdlib_missing,
        submodules.not_a_module,
        submodules.module_removed,
        shadow.namespace_stands_in,
        shadow.namespace_by_pkg_resources,
        shadow.shadowed_by_local_file,
        shadow.shadowed_by_earlier_path,
        shadow.hidden_distribution,
        owners.wrong_distribution,
        files.unreadable,
        files.broken_link,
        files.clobbered,
        files.files_missing,
        files.file_corrupt,
        leftovers.foreign_bytecode,
        leftovers.stale_bytecode,
        binary.abi_mismatch,
        binary.platform_mismatch,
        linking.shared_library_missing,
        linking.runtime_missing,
        linking.library_too_old,
        binary.not_executable,
        binary.numpy_abi,
        versions.requires_python,
        versions.wrong_version,
        extras.extra_missing,
        dependencies.dependency_missing,
        dependencies.dependency_conflict,
        finders.stale_finder,
        loaded.mixed_import,
        loaded.stale_import,
    )


def notes() -> tuple[Rule, ...]:
    """Return the rules that stand for themselves, whatever the cause."""
    from ipy_envmagic.checks.causes import (  # noqa: PLC0415 (as above)
        absent,
        binary,
        blocked,
        dependencies,
        extras,
        files,
        leftovers,
        metadata,
        shadow,
        standard,
    )

    return (
        metadata.metadata_missing,
        metadata.metadata_corrupt,
        metadata.duplicate_metadata,
        metadata.conda_pip_clash,
        files.shared_files,
        shadow.hidden_copy,
        leftovers.leftover_folder,
        binary.cpu_too_old,
        blocked.half_loaded,
        extras.extra_unknown,
        dependencies.dependency_far_conflict,
        standard.stdlib_module,
        blocked.name_hidden,
        absent.name_mismatch,
    )


def whole() -> tuple[WholeRule, ...]:
    """Return the rules for an environment as a whole: what it is, what is around it, what is in it."""
    from ipy_envmagic.checks import consistency  # noqa: PLC0415 (a check of a name needs none of these)
    from ipy_envmagic.checks.causes import (  # noqa: PLC0415 (as above)
        editable,
        foundations,
        kernelspecs,
        leftovers,
        managers,
        metadata,
        outside,
        pth,
        shells,
    )

    return (
        foundations.venv_base_gone,
        foundations.venv_moved,
        foundations.venv_python_upgraded,
        managers.kernel_is_tool_env,
        managers.externally_managed,
        managers.not_writable,
        managers.conda_frozen,
        managers.no_conda,
        managers.pip_over_conda,
        managers.no_pip,
        managers.lock_managed,
        managers.apt_managed,
        shells.shell_mismatch,
        shells.env_vars_elsewhere,
        shells.conda_not_activated,
        outside.pythonpath_set,
        outside.user_site_visible,
        outside.system_site_packages,
        outside.pip_config_redirects,
        outside.extension_wiped,
        kernelspecs.kernelspec_broken,
        kernelspecs.kernelspec_overridden,
        kernelspecs.kernelspec_bare_python,
        kernelspecs.kernelspec_misnamed,
        kernelspecs.kernelspec_environment,
        consistency.findings,
        editable.findings,
        leftovers.findings,
        metadata.findings,
        pth.findings,
    )


def apply(subject: Subject) -> tuple[Finding, ...]:
    """Return what the rules see: the cause of a failure first, its consequences not at all.

    Parameters
    ----------
    subject : Subject
        One requirement with what is here of it.
    """
    causes = missing() if subject.place.module is None else here()
    cause = next((finding for rule in causes if (finding := rule(subject)) is not None), None)
    others = (finding for rule in notes() if (finding := rule(subject)) is not None)
    codes = {cause.code, *_CONSEQUENCES} if cause else set()
    return (*((cause,) if cause else ()), *(finding for finding in others if finding.code not in codes))
