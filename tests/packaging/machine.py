# SPDX-License-Identifier: MIT
"""A Debian of its own: processes, mounts and network apart from this machine's, and forgotten after."""

import pathlib
import signal
import subprocess

from relay import wait_until

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "TERM": "dumb", "DEBIAN_FRONTEND": "noninteractive"}


def sources_of_debian():
    """This machine's mirrors, as lines of a sources.list."""
    lines = subprocess.run(
        ["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(CODENAME) $(COMPONENT)",
         "Created-By: Packages", "Origin: Debian"], capture_output=True, text=True, check=True)
    return "".join(f"{line}\n" for line in sorted(set(lines.stdout.splitlines())))


def make_root(folder, *packages):
    """A minimal Debian, with the signatures of its packages verified."""
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}",
                    "bookworm", folder, "-"], input=sources_of_debian(), text=True, check=True,
                   timeout=300)
    return folder


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def first_of_its_namespace(pid):
    """The process below that one which is number 1 where it lives; None: none yet."""
    for child in children(pid):
        try:
            status = pathlib.Path(f"/proc/{child}/status").read_text()
            if status.partition("NSpid:")[2].splitlines()[0].split()[1:] == ["1"]:
                return child
            found = first_of_its_namespace(child)
        except (FileNotFoundError, ProcessLookupError, IndexError):
            continue
        if found:
            return found
    return None


class Machine:
    """One that stands on that root and writes nothing to it."""

    def __init__(self, root, boots=False, keep=False, shared=None):
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
                   "--resolv-conf=off", f"--directory={root}"]
        command += [] if keep else ["--volatile=overlay"]
        command += [f"--bind-ro={shared}:/shared"] if shared else []
        command += ["--boot"] if boots else ["--as-pid2", "sleep", "infinity"]
        # Its own /run: systemd-nspawn wants a temporary file system there.
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && exec "$@"', "sh",
             *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        self.first = wait_until(self.find_first, what="the first process of the machine")
        if boots:
            wait_until(lambda: self.try_run("systemctl is-system-running --wait")[0] == 0
                       or "degraded" in self.try_run("systemctl is-system-running")[1],
                       60, "the boot of the machine")

    def find_first(self):
        assert self.process.poll() is None, self.process.stdout.read().decode()
        return first_of_its_namespace(self.process.pid)

    def entered(self, *flags):
        return ["nsenter", f"--target={self.first}", "--net", *flags, "--"]

    def try_run(self, script, seconds=120):
        """Exit status and output of a script in there."""
        result = subprocess.run(
            [*self.entered("--mount", "--uts", "--ipc", "--pid", "--root", "--wd"), "sh", "-c",
             script], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds, check=False)
        return result.returncode, result.stdout

    def run(self, script, status=0, seconds=120):
        was, output = self.try_run(script, seconds)
        assert was == status, f"{script}: status {was}\n{output[-8000:]}"
        return output

    def beside(self, *command):
        """A program of this machine's, started in the network of that one."""
        return subprocess.Popen([*self.entered(), *command], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_for(self, script, seconds=20):
        wait_until(lambda: self.try_run(script)[0] == 0, seconds, script)

    def path(self, path):
        """A file in there, as this machine sees it."""
        return pathlib.Path(f"/proc/{self.first}/root{path}")

    def stop(self):
        for pid in children(self.process.pid):
            try:
                subprocess.run(["kill", "-KILL", str(self.first), str(pid)], check=False,
                               stderr=subprocess.DEVNULL)
            except ProcessLookupError:
                pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
