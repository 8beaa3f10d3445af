# SPDX-License-Identifier: MIT
"""make install puts everything where an administrator looks for it, and make uninstall takes it."""

from conftest import run


def installed_files(root):
    return sorted("/" + str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_the_programs_are_where_administrators_look(built, tmp_path):
    run("make", "install", f"DESTDIR={tmp_path}", cwd=built)
    assert run(tmp_path / "usr/sbin/mte-api-relayd", "--version").startswith("mte-api-relay ")
    files = installed_files(tmp_path)
    assert "/usr/libexec/mte-api-relay/mte-api-relay-worker" in files
    assert "/usr/bin/relaycat" in files
    run("make", "uninstall", f"DESTDIR={tmp_path}", cwd=built)
    assert installed_files(tmp_path) == []
