# SPDX-License-Identifier: MIT
"""What the tests of packages share: the sources, a build of them as a distribution makes it, run().

tools/test --packaging runs them, and installs what they need first. MTE_SOURCE is a copy of the
sources with a configure in it; nothing is written there.
"""

import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools/harness"))

import relay  # pylint: disable=wrong-import-position

SOURCE = pathlib.Path(os.environ.get("MTE_SOURCE", TOP))
# Where administrators of a distribution expect things.
SYSTEM_PATHS = ["--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var", "--runstatedir=/run"]


def run(*command, status=0, seconds=300, **more):
    """What it printed, errors too; a status other than that one fails the test."""
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                            errors="replace", timeout=seconds, check=False, **more)
    assert result.returncode == status, \
        f"{' '.join(map(str, command))}: status {result.returncode}\n{result.stdout[-8000:]}"
    return result.stdout


def build(folder, *arguments):
    """The programs and all that make install installs, built in that folder."""
    folder.mkdir()
    run(SOURCE / "configure", "--quiet", *arguments, cwd=folder)
    run("make", "-s", f"-j{os.cpu_count()}", cwd=folder, seconds=600)
    return folder


def built_fixture(tmp_path_factory):
    """A build folder, configured for the paths of a distribution."""
    return build(tmp_path_factory.mktemp("built") / "build", *SYSTEM_PATHS)


built = pytest.fixture(scope="session", name="built")(built_fixture)


def started_from_built_fixture(built):
    """The harness starts the relays of that build from now on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "MASTER", built / "mte-api-relayd")
        patch.setattr(relay, "WORKER", built / "mte-api-relay-worker")
        yield built


started_from_built = pytest.fixture(scope="module", name="started_from_built")(
    started_from_built_fixture)
