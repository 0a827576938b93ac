# Loads ipy_envmagic in every IPython and every kernel of this user.
#
# Copy these lines into ipython_config.py of a profile: the folder that `ipython locate profile` prints,
# mostly ~/.ipython/profile_default. On a shared server an administrator puts the file into <sys.prefix>/etc/ipython
# of the environment, or into /etc/ipython for the whole machine.
c = get_config()  # type: ignore[name-defined]

c.InteractiveShellApp.extensions = ["ipy_envmagic"]

# What can be set, each with its default. `%config EnvMagics` shows them in a notebook, and sets them for one session.

# Print the command that is run, dimmed and with secrets masked, before its output.
# c.EnvMagics.echo = True

# A program that fails also fails the cell, so that "Run all" and unattended runs stop there.
# c.EnvMagics.raise_on_error = True

# What runs `%pip`: "pip", "uv", or "auto": pip where the environment has it, else uv.
# c.EnvMagics.pip_backend = "auto"

# Seconds that an interrupted program has for cleaning up before it and all that it started are ended.
# c.EnvMagics.interrupt_grace = 5.0
