# SPDX-License-Identifier: MIT
"""The image, built by buildah from the Dockerfile as it is, and containers of it, run by runc.

Neither needs a daemon or a registry: the base image is made of packages of the Debian mirrors that
this machine uses, and has the name that the Dockerfile asks for.
"""

import json
import os
import pathlib
import platform
import re
import subprocess

from conftest import run
from relay import wait_until

BASE = "docker.io/library/debian:12-slim"
# As the official image of that name has them.
SLIM = ["--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale"))]
SECCOMP = pathlib.Path("/usr/share/containers/seccomp.json")  # what engines filter by default
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def debian_mirrors():
    """Lines of a sources.list: where this machine gets its Debian from."""
    return run("apt-get", "indextargets", "--format",
               "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
               "$(REPO_URI) $(RELEASE) $(COMPONENT)",
               "Created-By: Packages", "Origin: Debian")


def default_filter():
    """SECCOMP for a container without capabilities, in the words of the runtime."""
    profile = json.loads(SECCOMP.read_text())
    known = {"names", "action", "args", "errnoRet"}
    rules = [{key: value for key, value in rule.items() if key in known and value is not None}
             for rule in profile["syscalls"] if not rule["includes"].get("caps")
             and ARCHITECTURE in rule["includes"].get("arches", [ARCHITECTURE])]
    return {"defaultAction": profile["defaultAction"],
            "defaultErrnoRet": profile["defaultErrnoRet"], "syscalls": rules}


class Images:
    """buildah with a storage of its own, in that folder."""

    def __init__(self, folder):
        self.folder = folder
        self.options = ["--root", folder / "storage", "--runroot", folder / "run",
                        "--storage-driver", "vfs"]

    def buildah(self, command, *arguments, **more):
        environment = os.environ | {"BUILDAH_ISOLATION": "chroot"}
        return run("buildah", *self.options, command, *arguments, env=environment, **more).strip()

    def make_base(self):
        sources, tar = self.folder / "sources.list", self.folder / "base.tar"
        sources.write_text(debian_mirrors())
        run("mmdebstrap", "--mode=root", "--variant=minbase", "--include=usr-is-merged",
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", *SLIM, "bookworm", tar, sources)
        container = self.buildah("from", "scratch").splitlines()[-1]
        self.buildah("add", "--quiet", container, tar, "/")
        self.buildah("config", "--cmd", "bash", container)
        self.buildah("commit", "--quiet", "--rm", container, BASE)
        tar.unlink()

    def build(self, source, name):
        self.buildah("build", "--format", "docker", "--pull-never", "--layers=false",
                     "--build-arg", "REVISION=tested", "--tag", name, source, seconds=600)
        return Image(self, name)

    def size(self, name):
        """In bytes, of the files in it."""
        return int(run("du", "--summarize", "--bytes", self.mount(name)).split()[0])

    def mount(self, name):
        container = self.buildah("from", "--pull-never", name).splitlines()[-1]
        return self.folder / self.buildah("mount", container).splitlines()[-1]


class Image:
    def __init__(self, images, name):
        self.images = images
        self.config = json.loads(
            images.buildah("inspect", "--type", "image", name))["Docker"]["config"]
        self.root = images.mount(name)

    def run(self, *command, **more):
        """In the image, as whom it says, for what needs neither /proc nor a network."""
        return run("chroot", f"--userspec={self.config['User']}", self.root, *command, **more)

    def container(self, name, settings, **more):
        return Container(self, name, settings, **more)


class Container:
    """As a cluster with strict rules runs it: the image's user, a read-only root, no capability, and
    the system calls that engines allow by default.

    With has_own_network its ports are its own: curl() asks there. Folders are mounted read-only at
    the paths given; where it is None there is an empty one that may be written."""

    def __init__(self, image, name, settings, has_own_network=False, folders=None):
        self.image, self.name, self.has_own_network = image, name, has_own_network
        self.bundle = image.images.folder / name
        self.bundle.mkdir()
        self.log_path = self.bundle / "log"
        environment = [f"{key}={value}" for key, value in settings.items()]
        (self.bundle / "config.json").write_text(
            json.dumps(self.specification(environment, folders or {})))
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*self.runc(), "run", "--pid-file", self.bundle / "pid", "--bundle", self.bundle, name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def runc(self):
        return ["runc", "--root", self.image.images.folder / "runc"]

    def specification(self, environment, folders):
        config = self.image.config
        user, group = map(int, config["User"].split(":"))
        private = ["pid", "ipc", "uts", "mount"] + ["network"] * self.has_own_network
        return {
            "ociVersion": "1.0.0",
            "root": {"path": str(self.image.root), "readonly": True},
            "hostname": self.name,
            "process": {
                "user": {"uid": user, "gid": group},
                "args": config["Entrypoint"] + (config.get("Cmd") or []),
                "env": config["Env"] + environment,
                "cwd": config["WorkingDir"] or "/",
                "capabilities": {},
                "noNewPrivileges": True,
            },
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "mode=755", "size=65536k"]},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs",
                 "options": ["nosuid", "noexec", "nodev", "ro"]},
                *(self.mount(*folder) for folder in folders.items())],
            "linux": {
                "namespaces": [{"type": kind} for kind in private],
                "resources": {"devices": [{"allow": False, "access": "rwm"}]},
                "seccomp": default_filter(),
                "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
            },
        }

    @staticmethod
    def mount(target, source):
        if source is None:
            return {"destination": target, "type": "tmpfs", "source": "tmpfs",
                    "options": ["nosuid", "nodev", "uid=10001", "gid=10001", "mode=750"]}
        return {"destination": target, "type": "bind", "source": str(source),
                "options": ["bind", "ro"]}

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_for_port(self):
        """Of a container with PORT=0, when it serves."""
        def look():
            assert self.process.poll() is None, self.log()
            return "serving generation" in self.log() \
                and re.search(r"listening address=\S*:(\d+)", self.log())
        return int(wait_until(look, 30, f"the port of {self.name}")[1])

    def wait_until_serving(self, port):
        def answers():
            assert self.process.poll() is None, self.log()
            return self.curl(f"http://127.0.0.1:{port}/api/mte-echo", status=None)
        wait_until(answers, 30, f"an echo of {self.name}")

    def curl(self, *arguments, status=0):
        """Its answer, asked for where the container is; with status None, nothing if it fails."""
        enter = []
        if self.has_own_network:
            pid = wait_until(self.pid, 10, f"the process of {self.name}")
            enter = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        result = subprocess.run([*enter, "curl", "--silent", "--max-time", "10", *arguments],
                                capture_output=True, text=True, timeout=20, check=False)
        assert status is None or result.returncode == status, (result, self.log())
        return result.stdout

    def pid(self):
        """Seen from outside; nothing until there is one."""
        path = self.bundle / "pid"
        return path.read_text() if path.exists() else ""

    def execute(self, *command, **more):
        return run(*self.runc(), "exec", self.name, *command, **more)

    def stop(self):
        """As the image says; its exit status."""
        if self.process.poll() is None:
            run(*self.runc(), "kill", self.name, self.image.config["StopSignal"])
        return self.process.wait(30)

    def remove(self):
        if self.process.poll() is None:
            run(*self.runc(), "delete", "--force", self.name)
            self.process.wait(30)
