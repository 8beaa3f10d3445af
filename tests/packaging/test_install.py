# SPDX-License-Identifier: MIT
"""make install puts everything where an administrator looks for it, and make uninstall takes it."""

import re

import pytest

from conftest import SOURCE, SYSTEM_PATHS, run

EDITABLE = {"/etc/default/mte-api-relay", "/etc/logrotate.d/mte-api-relay",
            "/etc/mte-api-relay/mte-api-relay.conf"}
INSTALLED = EDITABLE | {
    "/etc/init.d/mte-api-relay",
    "/etc/mte-api-relay/mte-api-relay.conf.sample",
    "/usr/bin/relaycat",
    "/usr/lib/systemd/system/mte-api-relay.service",
    "/usr/libexec/mte-api-relay/mte-api-relay-worker",
    "/usr/sbin/mte-api-relayd",
    "/usr/share/man/man1/relaycat.1",
    "/usr/share/man/man5/mte-api-relay.conf.5",
    "/usr/bin/relayctl",
    "/usr/share/man/man8/mte-api-relayd.8",
    "/usr/share/man/man1/relayctl.1"}
DOCUMENTS = "/usr/share/doc/mte-api-relay/"


def files(root, but=DOCUMENTS):
    found = {"/" + str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    return {path for path in found if not path.startswith(but)}


def installed_fixture(built, tmp_path):
    run("make", "-s", "install", f"DESTDIR={tmp_path}/root", cwd=built)
    return tmp_path / "root"


installed = pytest.fixture(name="installed")(installed_fixture)


def test_everything_is_where_administrators_look(installed):
    assert files(installed) == INSTALLED
    assert (installed / DOCUMENTS[1:] / "README.md").exists()
    assert run(installed / "usr/sbin/mte-api-relayd", "--version").startswith("mte-api-relay ")
    assert "/etc/mte-api-relay/mte-api-relay.conf" in run(installed / "usr/sbin/mte-api-relayd", "-h")


def test_the_configuration_is_not_for_everybody(installed):
    configuration = installed / "etc/mte-api-relay/mte-api-relay.conf"
    assert configuration.stat().st_mode & 0o007 == 0
    assert configuration.read_bytes() == (SOURCE / "etc/mte-api-relay.conf.sample").read_bytes()


def test_uninstall_leaves_nothing_not_even_a_folder_of_ours(built, installed):
    run("make", "-s", "uninstall", f"DESTDIR={installed}", cwd=built)
    assert files(installed, but="none") == set()
    assert [path for path in installed.rglob("mte-api-relay*")] == []


def test_what_was_edited_is_neither_overwritten_nor_removed(built, installed):
    for path in EDITABLE:
        (installed / path[1:]).write_text("# edited\n")
    run("make", "-s", "install", f"DESTDIR={installed}", cwd=built)
    output = run("make", "-s", "uninstall", f"DESTDIR={installed}", cwd=built)
    assert files(installed, but="none") == EDITABLE
    for path in EDITABLE:
        assert (installed / path[1:]).read_text() == "# edited\n"
        assert f"edited: {installed}{path}" in output


def test_paths_are_those_of_configure(tmp_path):
    run(SOURCE / "configure", "--quiet", "--prefix=/opt/relay", "--with-user=somebody",
        "--with-systemdsystemunitdir=/units", cwd=tmp_path)
    for name in ("init.d/mte-api-relay", "default/mte-api-relay", "logrotate.d/mte-api-relay",
                 "systemd/mte-api-relay.service"):
        run("make", f"etc/{name}", cwd=tmp_path)
        text = (tmp_path / "etc" / name).read_text()
        assert "/opt/relay/" in text
        assert not re.search(r"@\w+@|/usr/local|[ =]/(etc|var)/", text.replace("=/usr/sbin:", ""))
    unit = (tmp_path / "etc/systemd/mte-api-relay.service").read_text()
    assert "User=somebody\nGroup=somebody\n" in unit
    run("make", "install-systemdsystemunitDATA", f"DESTDIR={tmp_path}/root", cwd=tmp_path)
    assert (tmp_path / "root/units/mte-api-relay.service").read_text() == unit


def test_units_can_be_left_out(tmp_path):
    run(SOURCE / "configure", "--quiet", *SYSTEM_PATHS, "--without-systemdsystemunitdir",
        cwd=tmp_path)
    run("make", "install-systemdsystemunitDATA", f"DESTDIR={tmp_path}/root", cwd=tmp_path)
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("page", sorted(path for path in INSTALLED if "/man/" in path))
def test_manual_pages_are_clean_and_name_no_placeholder(installed, page):
    path = installed / page[1:]
    assert run("mandoc", "-Tlint", path) == ""
    assert not re.search(r"^\S*(troff|man)\S*:", run("man", "--warnings", "-E", "UTF-8", "-l", path),
                         re.M)
    assert not re.search(r"@\w+@", path.read_text())


def test_the_manual_names_every_option_of_the_daemon(installed):
    page = run("man", "-E", "ASCII", "-l", installed / "usr/share/man/man8/mte-api-relayd.8")
    usage = run(installed / "usr/sbin/mte-api-relayd", "--help")
    options = set(re.findall(r"(--[a-z-]+)", usage))
    assert len(options) > 5
    assert options - set(re.findall(r"(--[a-z-]+)", page)) == set()


def test_the_manual_names_every_command_and_option_of_relayctl(installed):
    page = run("man", "-E", "ASCII", "-l", installed / "usr/share/man/man1/relayctl.1")
    told = run(installed / "usr/bin/relayctl", "--help")
    words = re.findall(r"^  ([a-z][a-z-]+|--[a-z]+)", told, re.M)
    assert len(words) >= 9
    for word in words:
        assert word in page, word
    path = "/run/mte-api-relay/control.sock"
    assert path in re.sub(r"\s+", "", page) and path in told


def test_the_manual_names_every_option_of_relaycat(installed):
    page = run("man", "-E", "ASCII", "-l", installed / "usr/share/man/man1/relaycat.1")
    options = set(re.findall(r"^  (-[-\w]+)", run(installed / "usr/bin/relaycat", "--help"), re.M))
    assert len(options) > 10
    assert options - set(re.findall(r"(-[-\w]+)", page)) == set()


def test_the_init_script_passes_shellcheck(installed):
    assert run("shellcheck", installed / "etc/init.d/mte-api-relay") == ""


def test_the_unit_exposes_little(installed):
    output = run("systemd-analyze", "security", "--offline=true",
                 installed / "usr/lib/systemd/system/mte-api-relay.service")
    level = re.search(r"Overall exposure level for mte-api-relay.service: ([\d.]+)", output)[1]
    assert float(level) <= 1.5


def test_logrotate_understands_its_file(installed):
    output = run("logrotate", "--debug", installed / "etc/logrotate.d/mte-api-relay")
    assert "rotating pattern: /var/log/mte-api-relay/*.log" in output
    assert "error" not in output
