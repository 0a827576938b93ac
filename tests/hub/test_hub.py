"""A real JupyterHub: a shared prefix that nobody may write to, and a private kernel that the hub then offers.

Runs only with ``make test-hub``, which installs JupyterHub and its proxy; it needs an index for the shared prefix.
"""

import contextlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("IPY_ENVMAGIC_TEST_HUB"), reason="make test-hub runs it: it needs JupyterHub"
    ),
    pytest.mark.timeout(600),
]
ROOT = Path(__file__).resolve().parents[2]
SHARED = ("jupyterhub", "jupyter_server", "ipykernel")
STARTUP = 'get_ipython().run_line_magic("load_ext", "ipy_envmagic")\n'
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unprivileged():
    """Return a user without rights to run servers as, None where this process has none itself."""
    return None if os.geteuid() else "nobody"


def may_run(python, user):
    def demote():
        if user:
            os.setgid(pwd.getpwnam(user).pw_gid)
            os.setuid(pwd.getpwnam(user).pw_uid)

    code = "import sys; sys.exit(sys.version_info < (3, 10))"
    try:
        return subprocess.run([python, "-c", code], preexec_fn=demote, cwd="/", check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def folder():
    """A folder that another user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="envmagic-hub-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def make_environment(folder):
    """A function that makes an environment of real packages which another user may use."""
    user = unprivileged()
    candidates = [os.path.realpath(sys.executable), shutil.which("python3", path="/usr/bin:/usr/local/bin")]
    python = next((one for one in candidates if one and may_run(one, user)), None)
    if python is None:
        pytest.skip(f"no Python 3.10 or later here that the user {user} may start")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

    def make(path, *packages):
        environ = {**os.environ, "UV_LINK_MODE": "copy", "HOME": os.environ.get("REAL_HOME", os.environ["HOME"])}
        subprocess.run([uv, "venv", "-q", "--python", python, "--seed", path], check=True, env=environ)
        command = [uv, "pip", "install", "-q", "--python", path / "bin/python", *packages, ROOT]
        subprocess.run(command, check=True, env=environ)
        return path

    return make


@pytest.fixture(scope="module")
def shared(folder, make_environment):
    """The shared prefix, with the file that loads the extension into every kernel; nobody may write to it."""
    prefix = make_environment(folder / "shared", *SHARED)
    startup = prefix / "etc/ipython/startup"
    startup.mkdir(parents=True)
    (startup / "50-envmagic.py").write_text(STARTUP)
    if os.geteuid():
        subprocess.run(["chmod", "-R", "a-w", prefix], check=True)
    yield prefix
    if os.geteuid():
        subprocess.run(["chmod", "-R", "u+w", prefix], check=True)


@pytest.fixture(scope="module")
def hub(folder, shared):
    """A running hub and its address, with the token of a service that may do everything."""
    proxy = ROOT / ".npm-hub/node_modules/.bin/configurable-http-proxy"
    if not proxy.exists():
        pytest.skip("configurable-http-proxy is not installed (make test-hub installs it)")
    home = folder / "home/ada"
    home.mkdir(parents=True)
    if unprivileged():
        user = pwd.getpwnam(unprivileged())
        os.chown(home, user.pw_uid, user.pw_gid)
    given = {
        "folder": str(folder),
        "shared": str(shared),
        "proxy": str(proxy),
        "user": unprivileged(),
        "port": free_port(),
        "hub_port": free_port(),
        "proxy_port": free_port(),
        "token": secrets.token_hex(16),
    }
    log = folder / "hub.log"
    environ = {**os.environ, "ENVMAGIC_HUB": json.dumps(given), "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", Path(__file__).with_name("jupyterhub_config.py")],
            cwd=folder,
            env=environ,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            yield Hub(f"http://127.0.0.1:{given['port']}", given["token"], log, process)
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Hub:
    def __init__(self, address, token, log, process):
        self.address, self.token, self.log, self.process = address, token, log, process

    def ask(self, path, method="GET", body=None):
        data = json.dumps(body).encode() if body is not None else b"" if method == "POST" else None
        request = urllib.request.Request(self.address + path, data=data, method=method)
        request.add_header("Authorization", f"token {self.token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise AssertionError(f"{method} {path}: {error}\n{said}\n{self.said()}") from None
        return json.loads(text) if text else None

    def said(self):
        return self.log.read_text(errors="replace")[-6000:]

    def until(self, what, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.said()
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError, AssertionError):
                if found := what():
                    return found
            time.sleep(0.3)
        raise AssertionError(self.said())


@pytest.fixture(scope="module")
def server(hub):
    """The server of a user, started through the hub."""
    hub.until(lambda: hub.ask("/hub/api/"))
    hub.ask("/hub/api/users/ada/server", "POST")
    hub.until(lambda: hub.ask("/hub/api/users/ada")["servers"].get("", {}).get("ready"))
    yield hub
    hub.ask("/hub/api/users/ada/server", "DELETE")
    hub.until(lambda: not hub.ask("/hub/api/users/ada")["servers"].get("", {}).get("ready"))


@pytest.fixture
def start_kernel(server):
    """A function that starts a kernel through the user's server, and gives one that runs code in it."""
    import websocket

    started = []

    def start(name):
        kernel = server.ask("/user/ada/api/kernels", "POST", {"name": name})
        address = server.address.replace("http", "ws", 1) + f"/user/ada/api/kernels/{kernel['id']}/channels"
        channels = websocket.create_connection(address, header=[f"Authorization: token {server.token}"], timeout=60)
        started.append((kernel["id"], channels))

        def run(code):
            header = {"msg_id": uuid.uuid4().hex, "username": "", "session": "test", "msg_type": "execute_request"}
            header |= {"version": "5.3", "date": ""}
            content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            channels.send(json.dumps({**message, "buffers": []}))
            said = []
            while True:
                answer = json.loads(channels.recv())
                if answer["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                kind, content = answer["msg_type"], answer["content"]
                if kind == "stream":
                    said.append(content["text"])
                elif kind in {"display_data", "execute_result"}:
                    said.append(content["data"].get("text/plain", ""))
                elif kind == "error":
                    said.append("\n".join(content["traceback"]))
                elif kind == "status" and content["execution_state"] == "idle":
                    return ESCAPE.sub("", "".join(said))

        return run

    yield start
    for identity, channels in started:
        channels.close()
        server.ask(f"/user/ada/api/kernels/{identity}", "DELETE")


def test_a_shared_prefix_and_a_private_kernel(server, start_kernel, shared, folder, make_environment, wheelhouse):
    run = start_kernel("python3")
    assert run("import sys, os; print(sys.prefix, os.geteuid() != 0)").split() == [str(shared), "True"]

    # The extension is there without a word of the user's, and says what is so.
    report = json.loads(run("r = %envcheck --json"))
    assert report["kernel"]["prefix"] == str(shared)
    assert report["kernel"]["kernelspec"] == "python3"
    (finding,) = [finding for finding in report["findings"] if finding["code"] == "not-writable"]
    assert "kernel add ~/envs/work --install-ipykernel" in finding["fix"]["steps"]
    print(run("%envcheck"))

    wheels = shutil.copytree(wheelhouse, folder / "wheels")
    wheels.chmod(0o755)
    failed = run(f"%pip install --no-index --find-links {wheels} envmagic-demo-a")
    assert "Permission denied" in failed
    assert "CommandFailed: pip install" in failed
    print(failed)

    # An environment of one's own, registered from the notebook.
    private = make_environment(folder / "home/ada/envs/work", "ipykernel")
    if unprivileged():
        subprocess.run(["chown", "-R", unprivileged(), folder / "home/ada"], check=True)
    said = run("!{sys.executable} -m ipy_envmagic kernel add ~/envs/work --name mine --display-name Mine")
    assert "The kernel 'Mine' (mine) is in" in said, said
    offered = server.ask("/user/ada/api/kernelspecs")["kernelspecs"]
    assert offered["mine"]["spec"]["display_name"] == "Mine"
    assert offered["mine"]["spec"]["env"]["VIRTUAL_ENV"] == str(private)

    mine = start_kernel("mine")
    assert mine("import sys; print(sys.prefix)").strip() == str(private)
    mine("%load_ext ipy_envmagic")
    report = json.loads(mine("r = %envcheck --json"))
    codes = {finding["code"] for finding in report["findings"]}
    assert not codes & {"not-writable", "shell-mismatch", "env-vars-elsewhere"}, report
    assert report["kernel"]["kernelspec"] == "mine"
    assert f"from {private}/" in mine("!pip --version")
    installed = mine(f"%pip install --no-index --find-links {wheels} envmagic-demo-a")
    assert "Added: envmagic-demo-a" in installed, installed
    assert mine("import envmagic_demo_a; print('usable')").strip() == "usable"
    print(mine("%envcheck envmagic_demo_a"))
    listed = json.loads(mine("r = %envcheck --kernels --json"))["kernelspecs"]
    assert [entry["name"] for entry in listed if entry["this_kernel"]] == ["mine"]
    print(mine("%envcheck --kernels"))
