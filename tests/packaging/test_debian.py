# SPDX-License-Identifier: MIT
"""The Debian package: built, looked at by lintian, and on machines that boot with it or without."""

import os
import re
import shutil

import pytest

from conftest import SOURCE, run
from machine import Machine, make_root

CONFIGURATION = """
upstream = "http://127.0.0.1:9000";
client_id_secret = "client id secret of the package's test";
outbound_token = "a-token-of-the-tests";
secret = "the secret that both relays share";
workers = 2;
"""
LOG = "/var/log/mte-api-relay/relay.log"
SECOND_GENERATION = '"generation":2,"workers":2'
# Through a pair: sealed, opened, answered by the relay itself or by the API behind it.
ECHO = ("SECRET='the secret that both relays share' CLIENT_ID_SECRET='of relaycat, and long enough too'"
        " relaycat http://127.0.0.1:8080 ")
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
                 "/usr/bin/relaycat", "/usr/bin/relayctl", "/lib/systemd/system/mte-api-relay.service",
                 "/etc/init.d/mte-api-relay", "/etc/default/mte-api-relay",
                 "/etc/logrotate.d/mte-api-relay", "/etc/mte-api-relay/mte-api-relay.conf.sample",
                 "/usr/share/man/man8/mte-api-relayd.8.gz"):
        assert f" .{path}\n" in content
    assert "mte-api-relay.conf\n" not in content


def root_fixture(tmp_path_factory):
    """A Debian with what the package depends on, that starts what it installs."""
    root = make_root(tmp_path_factory.mktemp("root") / "minimal", "dbus", "libconfig9",
                     "libh2o-evloop0.13", "libhiredis0.14", "libjansson4", "libseccomp2", "logrotate",
                     "procps", "systemd-sysv")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o755)
    return root


root = pytest.fixture(scope="module", name="root")(root_fixture)


def machine_fixture(request, root, packages):
    """Where init scripts start services, for systemd is installed but has not booted it."""
    machine = Machine(root, shared=packages)
    request.addfinalizer(machine.stop)
    return machine


def booted_fixture(request, root, packages):
    """Where systemd does."""
    machine = Machine(root, boots=True, shared=packages)
    request.addfinalizer(machine.stop)
    return machine


machine = pytest.fixture(name="machine")(machine_fixture)
booted = pytest.fixture(name="booted")(booted_fixture)


def install(machine, packages, version="0.1.0"):
    return machine.run(f"dpkg --install --force-confold /shared/{deb(packages, version).name}")


def configure(machine, more=""):
    machine.path("/etc/mte-api-relay/mte-api-relay.conf").write_text(CONFIGURATION + more)


def serve(machine, packages):
    """A relay that was installed, configured and started."""
    install(machine, packages)
    configure(machine)
    machine.run("service mte-api-relay start")


def log(machine):
    return machine.path(LOG).read_text()


def answers(machine):
    return '"message":"hi"' in machine.run(f"{ECHO} '/api/mte-echo?msg=hi'")


def master(machine):
    return int(machine.path("/run/mte-api-relay/relay.pid").read_text())


def test_an_installation_without_configuration_starts_nothing_and_is_no_failure(machine, packages):
    output = install(machine, packages)
    assert "is not configured" in output
    assert "mte-api-relay.conf.sample" in output
    machine.run("service mte-api-relay status", status=3)
    assert "mte-api-relay:" in machine.run("getent passwd mte-api-relay")
    assert machine.run("stat -c '%a %U:%G' /etc/mte-api-relay") == "2750 root:mte-api-relay\n"


def test_the_init_script_starts_and_stops_a_relay_that_answers(machine, packages):
    serve(machine, packages)
    machine.run("service mte-api-relay status")
    assert answers(machine)
    assert len(re.findall(r"^ *\d+  up ", machine.run("relayctl status"), re.M)) == 2
    workers = machine.run("ps -o user:20,args -C mte-api-relay-worker --no-headers")
    assert len(re.findall("^mte-api-relay +mte-api-relay: worker", workers, re.M)) == 2
    machine.run("service mte-api-relay start")  # again: is no failure, and starts nothing
    machine.run("service mte-api-relay stop")
    machine.run("service mte-api-relay status", status=3)
    machine.run("pgrep mte-api-relay", status=1)
    machine.run("service mte-api-relay stop")  # again
    assert '"stopped"' in log(machine).splitlines()[-1]


def test_the_pid_file_and_the_log_are_in_folders_of_root(machine, packages):
    serve(machine, packages)
    assert machine.run("stat -c '%a %U' /run/mte-api-relay /var/log/mte-api-relay") \
        == "755 root\n2750 root\n"
    machine.run(f"su -s /bin/sh mte-api-relay -c 'cat {LOG}'", status=1)


def test_a_master_that_was_killed_is_told_from_one_that_was_stopped(machine, packages):
    serve(machine, packages)
    machine.run(f"kill -KILL {master(machine)}")
    machine.wait_for("! pgrep mte-api-relay")
    machine.run("service mte-api-relay status", status=1)
    machine.run("service mte-api-relay start")
    assert answers(machine)


def test_reload_takes_good_settings_and_refuses_bad_ones(machine, packages):
    serve(machine, packages)
    before = master(machine)
    configure(machine, "log_level = \"debug\";\n")
    machine.run("service mte-api-relay reload")
    machine.wait_for(f"grep -q '{SECOND_GENERATION}' {LOG}")
    configure(machine, "prot = 8081;\n")
    for action in ("configtest", "reload", "force-reload", "restart"):
        assert "prot" in machine.run(f"service mte-api-relay {action}", status=6)
    assert master(machine) == before
    assert answers(machine)


def test_the_installed_program_takes_the_place_of_the_one_that_runs(machine, packages):
    serve(machine, packages)
    before = master(machine)
    machine.run("service mte-api-relay upgrade")
    machine.wait_for(f"grep -q 'took over' {LOG}")
    assert master(machine) == before
    assert answers(machine)
    machine.run("service mte-api-relay status")


def test_a_policy_that_forbids_it_keeps_an_installation_from_starting(machine, packages):
    machine.path("/usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    machine.run("mkdir /etc/mte-api-relay")
    configure(machine)
    install(machine, packages)
    machine.run("service mte-api-relay status", status=3)


def test_an_upgrade_keeps_what_was_edited_and_goes_on_serving(machine, packages):
    serve(machine, packages)
    before = master(machine)
    machine.run("echo STOP_TIMEOUT=50 >>/etc/default/mte-api-relay")
    install(machine, packages, "0.1.1")
    assert machine.run("dpkg-query --show --showformat='${Version}' mte-api-relay") == "0.1.1"
    assert master(machine) != before
    assert answers(machine)
    assert "STOP_TIMEOUT=50" in machine.path("/etc/default/mte-api-relay").read_text()
    assert machine.path("/etc/mte-api-relay/mte-api-relay.conf").read_text() == CONFIGURATION


def test_a_rollback_is_an_installation_of_the_older_package(machine, packages):
    install(machine, packages, "0.1.1")
    configure(machine)
    install(machine, packages)
    assert answers(machine)


def test_removal_stops_the_relay_and_keeps_its_configuration_and_purge_keeps_no_file(
        machine, packages):
    before = files_named_like_us(machine)
    serve(machine, packages)
    machine.run("dpkg --remove mte-api-relay")
    machine.run("pgrep mte-api-relay", status=1)
    assert "/etc/mte-api-relay/mte-api-relay.conf\n" in files_named_like_us(machine)
    assert "/usr/sbin/mte-api-relayd\n" not in files_named_like_us(machine)
    machine.run("dpkg --purge mte-api-relay")
    assert files_named_like_us(machine) == before


def files_named_like_us(machine):
    return machine.run("find / -xdev -name '*mte-api-relay*' -o -xdev -name 'relaycat*' | sort")


def test_logrotate_turns_the_log_over_and_the_relay_follows(machine, packages):
    serve(machine, packages)
    machine.run("logrotate --force /etc/logrotate.d/mte-api-relay")
    machine.run("service mte-api-relay reload")
    machine.wait_for(f"grep -q '{SECOND_GENERATION}' {LOG}")
    machine.run(f"grep -q '{SECOND_GENERATION}' {LOG}.1", status=1)
    assert '"generation":1' in machine.path(f"{LOG}.1").read_text()
    assert machine.run(f"stat -c %A {LOG}").endswith("---\n")


def test_under_systemd_an_installation_without_configuration_starts_nothing(booted, packages):
    install(booted, packages)
    booted.run("systemctl is-active mte-api-relay", status=3)
    booted.run("systemctl is-failed mte-api-relay", status=1)
    booted.run("systemctl is-enabled mte-api-relay")
    assert "" == booted.run("systemd-analyze verify --man=no mte-api-relay.service")


def test_the_unit_runs_a_relay_with_all_that_it_needs(booted, packages):
    """Its sandbox is on: whatever that forbids, the relay did not need."""
    serve(booted, packages)
    api = booted.beside("/usr/bin/python3", "-m", "http.server", "9000", "--bind", "127.0.0.1",
                        "--directory", str(packages))
    try:
        booted.wait_for(f"{ECHO} -f /mte-api-relay_0.1.0.dsc | grep -q 'Source: mte-api-relay'")
    finally:
        api.kill()
        api.wait()
    processes = booted.run("ps -e -o user:20,args | grep 'mte-api-relay: '")
    assert len(re.findall("^mte-api-relay +mte-api-relay: (?:master|worker)", processes, re.M)) == 3
    status = booted.path(f"/proc/{main_pid(booted)}/status").read_text()
    assert re.search(r"^NoNewPrivs:\s1$.*^Seccomp:\s2$", status, re.M | re.S)
    assert re.search(r"^CapBnd:\s0+$", status, re.M)
    booted.run("systemctl stop mte-api-relay")
    assert booted.run("systemctl show -P Result mte-api-relay") == "success\n"
    assert '"stopped"' in journal(booted)


def main_pid(booted):
    return int(booted.run("systemctl show -P MainPID mte-api-relay"))


def journal(booted):
    return booted.run("journalctl --unit=mte-api-relay --output=cat --no-pager")


def test_systemctl_reloads_good_settings_and_refuses_bad_ones(booted, packages):
    serve(booted, packages)
    before = main_pid(booted)
    booted.run("systemctl reload mte-api-relay")
    booted.wait_for(f"journalctl --unit=mte-api-relay | grep -q '{SECOND_GENERATION}'")
    configure(booted, "prot = 8081;\n")
    booted.run("systemctl reload mte-api-relay", status=1)
    assert "prot" in journal(booted)
    assert main_pid(booted) == before
    assert answers(booted)


def test_systemd_keeps_the_process_that_goes_on_in_a_new_program(booted, packages):
    serve(booted, packages)
    before = main_pid(booted)
    booted.run("systemctl kill --kill-who=main --signal=USR2 mte-api-relay")
    booted.wait_for("journalctl --unit=mte-api-relay | grep -q 'took over'")
    booted.wait_for(f"journalctl --unit=mte-api-relay | grep -q '{SECOND_GENERATION}'")
    assert main_pid(booted) == before
    assert answers(booted)


def test_systemd_starts_a_master_that_was_killed_but_not_one_with_bad_settings(booted, packages):
    serve(booted, packages)
    before = main_pid(booted)
    booted.run(f"kill -KILL {before}")
    booted.wait_for(f"! systemctl show -P MainPID mte-api-relay | grep -Eqx '0|{before}'"
                    " && systemctl is-active mte-api-relay")
    assert answers(booted)
    configure(booted, "prot = 8081;\n")
    booted.run("systemctl restart mte-api-relay", status=1)
    assert booted.run("systemctl show -P ExecMainStatus mte-api-relay") == "78\n"
    assert booted.run("systemctl show -P SubState mte-api-relay") == "failed\n"


def test_a_log_file_under_systemd_is_turned_over_too(booted, packages):
    install(booted, packages)
    configure(booted, f'log_output = "{LOG}";\n')
    booted.run("systemctl start mte-api-relay")
    booted.run("logrotate --force /etc/logrotate.d/mte-api-relay")
    booted.run("systemctl reload mte-api-relay")
    booted.wait_for(f"grep -q '{SECOND_GENERATION}' {LOG}")
    assert '"generation":1' in booted.path(f"{LOG}.1").read_text()


def test_an_upgrade_and_a_purge_under_systemd(booted, packages):
    before = files_named_like_us(booted)
    serve(booted, packages)
    install(booted, packages, "0.1.1")
    booted.run("systemctl is-active mte-api-relay")
    assert answers(booted)
    booted.run("dpkg --purge mte-api-relay")
    booted.run("pgrep mte-api-relay", status=1)
    booted.run("systemctl daemon-reload")
    assert files_named_like_us(booted) == before
