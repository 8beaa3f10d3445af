# SPDX-License-Identifier: MIT
"""The Debian package: built, and looked at by lintian."""

import os
import re
import shutil

import pytest

from conftest import SOURCE, run

NEWER = """mte-api-relay (0.1.1) unstable; urgency=medium

  * A version that the test of upgrades makes.

 -- mte-api-relay maintainers <maintainers@mte-api-relay.invalid>  Thu, 26 Nov 2026 04:00:00 +0000

"""


def build_package(tree, *options):
    environment = os.environ | {"DEB_BUILD_OPTIONS": f"nocheck parallel={os.cpu_count()}"}
    run("dpkg-buildpackage", "--unsigned-source", "--unsigned-changes", *options, cwd=tree,
        env=environment, seconds=600)


def packages_fixture(tmp_path_factory):
    """A folder with the package of these sources, and a newer one."""
    folder = tmp_path_factory.mktemp("packages")
    tree = folder / "mte-api-relay"
    shutil.copytree(SOURCE, tree, symlinks=True)
    run("make", "-f", "debian/rules", "clean", cwd=tree)
    build_package(tree)
    changelog = tree / "debian/changelog"
    changelog.write_text(NEWER + changelog.read_text())
    build_package(tree, "--build=binary", "--no-pre-clean")
    return folder


packages = pytest.fixture(scope="module", name="packages")(packages_fixture)


def deb(packages, version):
    return next(packages.glob(f"mte-api-relay_{version}_*.deb"))


def test_lintian_has_no_error_and_no_warning(packages):
    changes = next(packages.glob("mte-api-relay_0.1.0_*.changes"))
    output = run("lintian", "--fail-on", "error,warning", "--tag-display-limit", "0", changes)
    assert not re.search(r"^[EW]: ", output, re.M)


def test_the_package_has_what_a_debian_expects(packages):
    content = run("dpkg-deb", "--contents", deb(packages, "0.1.0"))
    for path in ("/usr/sbin/mte-api-relayd", "/usr/libexec/mte-api-relay/mte-api-relay-worker",
                 "/usr/bin/relaycat", "/lib/systemd/system/mte-api-relay.service",
                 "/etc/init.d/mte-api-relay", "/etc/default/mte-api-relay",
                 "/etc/logrotate.d/mte-api-relay", "/etc/mte-api-relay/mte-api-relay.conf.sample",
                 "/usr/share/man/man8/mte-api-relayd.8.gz"):
        assert f" .{path}\n" in content
    assert "mte-api-relay.conf\n" not in content
