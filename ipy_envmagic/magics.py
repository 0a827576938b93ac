"""The magics and their configuration: read the line, call one function, hand back its result.

The traits stand here and not in a module of their own because a module more costs a fifth of the time to load.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import IPython
from IPython.core import magic
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Bool, Enum, Float, observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from ipy_envmagic.actions import CommandResult

__all__ = ["EnvMagics"]

# What IPython puts for a magic that is not loaded yet, from the version on where loading it leaves ours in place.
_LAZY = magic.LazyMagic if IPython.version_info[:3] >= (9, 17, 1) else None
_RESULTS = (
    ("ipy_envmagic.actions", "CommandResult"),
    ("ipy_envmagic.checks.report", "Report"),
    ("ipy_envmagic.checks.listing", "Listing"),
)


@magics_class
class EnvMagics(Magics):
    """%pip, %conda, %mamba, %micromamba, %uv and %envcheck for the Python that runs this kernel."""

    echo = Bool(default_value=True, help="Print each command, dimmed and with secrets masked, before it runs.").tag(
        config=True
    )
    raise_on_error = Bool(
        default_value=True,
        help="Fail the cell when a program ends with a status other than 0. False: the result tells it alone.",
    ).tag(config=True)
    pip_backend = Enum(
        ["auto", "pip", "uv"],
        "auto",
        help="What serves %pip: the environment's pip, uv, or (auto) pip where it is there and uv where it is not.",
    ).tag(config=True)
    interrupt_grace = Float(
        5.0, min=0.0, help="Seconds that an interrupted program has to clean up before it is ended with all it started."
    ).tag(config=True)

    protect = Bool(
        default_value=True,
        help="Keep what a command may replace (as hard links), and put it back where the command does not end well.",
    ).tag(config=True)
    sync_shell = Bool(
        default_value=False,
        help="Let the notebook's shell act on the kernel's environment: PATH, and VIRTUAL_ENV or CONDA_PREFIX, are set "
        "as its activation would set them.",
    ).tag(config=True)
    hints = Bool(
        default_value=True,
        help="One line after a cell: the cause and the fix of an import that failed; where !pip install acted, if that "
        "is elsewhere than this kernel.",
    ).tag(config=True)

    shell: Any  # an InteractiveShell, set by Magics
    _synced: dict[str, tuple[str | None, str | None]] | None = None
    replaced: dict[str, Any]
    """What had our names when we came, for `%unload_ext`."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.replaced = {}
        self._shown: tuple[int, int] | None = None

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def pip(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> CommandResult:
        r"""Run pip for the Python of this kernel.

        Everything that pip takes can be written, and needs no quotes::

            %pip install numpy>=2 pandas[excel]
            %pip install -r requirements.txt
            %pip install "{project}/dist/{wheel}"         values of Python variables
            %pip uninstall six                            never waits for an answer
            %pip list | grep torch                        a shell tail of your own
            r = %pip install six                          r.returncode, r.changes, r.stale

        The body of a cell takes one requirement a line::

            %%pip install --upgrade
            numpy >= 2, < 3     # comments and markers are welcome
            tomli; python_version < "3.11"

        A list of strings in braces gives one argument for each. With no pip in the environment, uv serves, or the pip
        that Python carries. What this kernel needs to start is not removed unless --force-kernel is added.
        """
        return self._run("pip", line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def uv(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> CommandResult:
        """Run uv; `%uv pip` acts on the Python of this kernel.

        ::

            %uv pip install numpy>=2
            %uv pip list
            %%uv pip install
            numpy
            pandas
        """
        return self._run("uv", line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def conda(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> CommandResult:
        """Run the conda that owns this kernel's environment, on this environment.

        ::

            %conda install numpy>=2 -c conda-forge
            %conda remove numpy                           never waits for an answer
            %conda list
            %conda install -n other numpy                 another environment, where you name one
            %%conda env update
            dependencies:
              - numpy
        """
        return self._run("conda", line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def mamba(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> CommandResult:
        """Run mamba on this kernel's environment; see `%conda?`.

        ::

            %mamba install numpy>=2
        """
        return self._run("mamba", line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def micromamba(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> CommandResult:
        """Run micromamba on this kernel's environment; see `%conda?`.

        ::

            %micromamba install numpy>=2
        """
        return self._run("micromamba", line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def envcheck(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Tell whether packages can be used in this kernel and, if not, why and which line mends it.

        ::

            %envcheck numpy
            %envcheck numpy pandas>=2 cv2                 import names and distribution names both serve
            %envcheck -r requirements.txt                 also pyproject.toml, environment.yml, pylock.toml, a script
            %envcheck --notebook analysis.ipynb           every import of a notebook, before it is run
            %envcheck                                     this kernel, its shell, and what is wrong with them
            r = %envcheck numpy                           r.ok, r.checks, r.findings, r.to_dict()

        In the body of a cell it checks what the cell imports, and runs it if all is well::

            %%envcheck
            import numpy as np

        About this machine::

            %envcheck --everywhere numpy                  every copy, and which one this kernel imports
            %envcheck --diff ENV                          this environment against another: a path, a name, or shell
            %envcheck --kernels                           what each kernelspec starts, and whether it can

        What changed, and the way back::

            %envcheck --history                           what changed in this environment, and who did it
            %envcheck --undo                              back to before the last change; --undo 3: before the third
            %envcheck --snapshot pylock.toml              this environment as a lock file
            %envcheck --restore pylock.toml               bring it back
            %envcheck --repair                            after a crash: put back what it broke

        Nothing is imported, started or changed, unless an option asks for it:

        --deep     import each in a process of its own, within --timeout SECONDS (30)
        --fix      run the lines that mend what was found, and check again
        --strict   fail the cell where something cannot be used
        --json     print the report as JSON
        """
        from ipy_envmagic.envcheck import check_cell, envcheck  # noqa: PLC0415 at the first check

        if cell is not None:
            return check_cell(self.shell, line, cell, self._evaluate(local_ns), self._present)
        return envcheck(self.shell, line, self._evaluate(local_ns), self, self._present)

    def _run(self, program: str, line: str, cell: str | None, local_ns: dict[str, Any] | None) -> CommandResult:
        from ipy_envmagic import session  # noqa: PLC0415 at the first command

        typed = session.Typed(program, line, cell, self._evaluate(local_ns))
        result = session.command(self.shell, typed, self)
        self._present(result, session.show_result)
        return result

    def _evaluate(self, local_ns: dict[str, Any] | None) -> Callable[[str], object]:
        """Give the function that evaluates a placeholder where the line stands."""
        names = self.shell.user_ns
        if local_ns is not None and local_ns is not names:
            names = names | local_ns

        def evaluate(expression: str) -> object:
            return eval(expression, names)  # noqa: S307 the user's own expression, in the user's own kernel

        return evaluate

    # -- showing a value once

    def _present(self, value: object, show: Callable[[InteractiveShell, Any], None]) -> None:
        """Show a value now, also where it is not the last of its cell; `display_again` then passes over it."""
        show(self.shell, value)
        self._shown = id(value), self.shell.execution_count

    def display_again(self, value: object) -> None:
        """Show a value as Out[n], unless that is the one which its magic has just shown."""
        from ipy_envmagic import session  # noqa: PLC0415 nothing is shown before something was run

        if self._shown == (id(value), self.shell.execution_count):
            session.take_back_prompt(self.shell)
        else:
            session.show_value(self.shell, value)

    # -- the notebook's shell

    @observe("sync_shell")
    def _sync(self, _change: object = None) -> None:
        """Let the shell follow the kernel's environment, or put back what it was."""
        from ipy_envmagic import shellsync  # noqa: PLC0415 only where it is asked for

        if self._synced is not None:
            shellsync.undo(self._synced)
        self._synced = shellsync.sync() if self.sync_shell else None

    def _after_cell(self, result: Any) -> None:
        """Say what an import that failed lacks, or where the shell's installer acted; a hint never fails itself."""
        error, cell = result.error_in_exec, result.info.raw_cell
        if not self.hints or (error is None and "!" not in cell and "%" not in cell):
            return
        from ipy_envmagic import frontend, hints  # noqa: PLC0415 few cells come so far

        try:
            said = hints.after_import_error(error, self.shell.user_ns) if error else hints.after_shell_command(cell)
        except Exception:  # noqa: BLE001 (the cell's own error stands above it; another would only hide that)
            said = None
        if said:
            frontend.show(said)

    def _complete(self, context: Any) -> Any:
        """Offer what may follow our magics (a matcher of IPython's, version 2)."""
        line, text = context.line_with_cursor, context.full_text
        head = text.lstrip()[:2] == "%%" and context.cursor_line > 0
        if "%" not in line and not head and "pip" not in line and "conda" not in line and "envcheck" not in line:
            return {"completions": []}
        from ipy_envmagic import session  # noqa: PLC0415 few presses of Tab come so far

        return session.complete(line[: context.cursor_position], text if head else None)

    _complete.matcher_api_version = 2  # type: ignore[attr-defined] # as `context_matcher` would set it
    _complete.matcher_identifier = "EnvMagics"  # type: ignore[attr-defined]

    # -- coming and going

    def register(self) -> None:
        """Take our names, and remember what had them.

        IPython 9.17.0 declares its magics lazily, and one that is loaded later puts all of its class back over ours:
        there they are loaded first. Later versions mark what is declared (`LazyMagic`) and leave ours alone, so that
        it need not be loaded at all.
        """
        manager = self.shell.magics_manager
        if sys.platform == "emscripten":  # in a browser %pip is micropip's, and there are no processes
            self.magics = {
                kind: {key: mine[key] for key in mine if key == "envcheck"} for kind, mine in self.magics.items()
            }
        for name in dict.fromkeys(key for mine in self.magics.values() for key in mine):
            if _LAZY is None:
                self.shell.find_line_magic(name)
            for kind in ("line", "cell"):
                if name in manager.magics[kind]:
                    self.replaced[f"{kind} {name}"] = manager.magics[kind][name]
        self.shell.register_magics(self)
        self.shell.events.register("post_run_cell", self._after_cell)
        self.shell.Completer.custom_matchers.append(self._complete)
        formatter = self.shell.display_formatter.ipython_display_formatter
        for module, name in _RESULTS:
            formatter.for_type_by_name(module, name, self.display_again)

    def unregister(self) -> None:
        """Give our names back; one that somebody else took after us stays his."""
        self.shell.events.unregister("post_run_cell", self._after_cell)
        self.sync_shell = False
        matchers = self.shell.Completer.custom_matchers
        matchers[:] = [matcher for matcher in matchers if getattr(matcher, "__self__", None) is not self]
        manager = self.shell.magics_manager
        for kind, mine in self.magics.items():
            for name in mine:
                if getattr(manager.magics[kind].get(name), "__self__", None) is not self:
                    continue
                if (was := self.replaced.get(f"{kind} {name}")) is not None:
                    manager.magics[kind][name] = self._loaded(was, kind, name)
                else:
                    del manager.magics[kind][name]
        formatter = self.shell.display_formatter.ipython_display_formatter
        for place in _RESULTS:
            formatter.deferred_printers.pop(place, None)
            for known in [cls for cls in formatter.type_printers if (cls.__module__, cls.__name__) == place]:
                formatter.pop(known)
        manager.registry.pop(type(self).__name__, None)

    def _loaded(self, was: Any, kind: str, name: str) -> Any:
        """Give what a declaration stands for where its class was loaded while the name was ours; else leave it."""
        if _LAZY is None or type(was) is not _LAZY:
            return was
        provider = self.shell.magics_manager.registry.get(was.spec.rpartition(":")[2])
        return was if provider is None else provider.magics[kind].get(name, was)
