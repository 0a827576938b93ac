"""The hub of the test: loopback only, a service that may do everything, servers that run as a user without rights."""

import json
import os
import pwd

from jupyterhub.spawner import SimpleLocalProcessSpawner

given = json.loads(os.environ["ENVMAGIC_HUB"])


class Spawner(SimpleLocalProcessSpawner):
    """Start servers from the shared prefix, each in a home of its own, and not as an administrator."""

    def make_preexec_fn(self, name):
        del name
        home = self.home_dir
        user = pwd.getpwnam(given["user"]) if given["user"] else None

        def demote():
            if user is not None:
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)
            os.chdir(home)

        return demote

    def user_env(self, env):
        env = super().user_env(env)
        kept = {key: value for key, value in env.items() if not key.startswith(("XDG_", "JUPYTER_DATA", "IPYTHON"))}
        return kept | {"HOME": self.home_dir, "PATH": f"{given['shared']}/bin:/usr/bin:/bin"}


c = get_config()  # noqa: F821 (JupyterHub's own)
c.JupyterHub.bind_url = f"http://127.0.0.1:{given['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{given['hub_port']}"
c.JupyterHub.db_url = f"sqlite:///{given['folder']}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{given['folder']}/cookie"
c.ConfigurableHTTPProxy.command = [given["proxy"]]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{given['proxy_port']}"
c.ConfigurableHTTPProxy.pid_file = f"{given['folder']}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {"ada"}
c.JupyterHub.spawner_class = Spawner
c.Spawner.home_dir_template = f"{given['folder']}/home/{{username}}"
c.Spawner.cmd = [f"{given['shared']}/bin/jupyterhub-singleuser"]
c.Spawner.args = ["--allow-root"] if not given["user"] and os.geteuid() == 0 else []
c.Spawner.environment = {"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.JupyterHub.services = [{"name": "test", "api_token": given["token"]}]
c.JupyterHub.load_roles = [
    {"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers", "access:servers"]}
]
