"""One session of IPython in a patient's environment; started by `patients.Patient`, which reads its answer."""

import json
import os
import sys
import traceback

asked = json.loads(sys.argv[1])
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # this file's folder
    library = [at for at, entry in enumerate(sys.path) if entry.endswith("lib-dynload")]
    sys.path.insert(library[-1] + 1 if library else 0, "")  # where IPython puts it in a kernel

from IPython.core.interactiveshell import InteractiveShell  # noqa: E402 (the path comes first)

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "ipy_envmagic")


def run(code):
    """Run a cell; one that fails ends the session."""
    shell.run_cell(code).raise_error()


def failure_of(code):
    """Run code in a copy of this process; give the last line of its traceback, None where it works."""
    if not code:
        return None
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        said = ""
        try:
            exec(code, shell.user_ns)
        except BaseException as error:  # noqa: BLE001 (whatever it is)
            said = traceback.format_exception_only(type(error), error)[-1].strip() or type(error).__name__
        os.write(writing, said.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    return said or (f"ended with status {status}" if status else None)


def seen():
    failure = failure_of(asked["proof"])
    report = shell.run_line_magic("envcheck", asked["requirement"])
    return {"failure": failure, "report": report.to_dict(), "text": report.to_text()}, report


if asked["before"]:
    run(asked["before"])
first, report = seen()
answers = [first]
if asked["cure"]:
    for finding in report.findings:
        for line in finding.fix.magic if finding.fix else ():
            run(line)
    answers.append(seen()[0])
with open(asked["answer"], "w", encoding="utf-8") as file:
    json.dump(answers, file)
