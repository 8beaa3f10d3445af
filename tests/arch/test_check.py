# SPDX-License-Identifier: MIT
"""The sources keep every rule of tests/arch/check, and every rule can fail."""

import importlib.machinery
import importlib.util
import pathlib

import pytest

HERE = pathlib.Path(__file__).resolve().parent
LOADER = importlib.machinery.SourceFileLoader("check", str(HERE / "check"))
check = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", LOADER))
LOADER.exec_module(check)

SPDX = "/* SPDX-License-Identifier: MIT */\n"


def header(path):
    guard = path.replace("/", "_").replace(".", "_").upper()
    return f"{SPDX}#ifndef {guard}\n#define {guard}\n\n#endif\n"


CLEAN = {path: header(path) for path in (
    "common/span.h", "common/fd.h", "common/conf.h", "common/kem.h", "master/slot.h",
    "worker/claim.h", "worker/upstream.h", "worker/exchange.h", "worker/drain.h")}
CLEAN["common/span.c"] = SPDX + '#include "common/span.h"\n'
CLEAN["common/Makefile.inc"] = """
floor_0 = common/span.c common/span.h common/text.c common/text.h
floor_1 = \\
    common/fd.c \\
    common/fd.h
floor_2 = common/conf.c common/conf.h
protocol = common/kem.c common/kem.h
master = master/slot.h
mte_api_relayd_SOURCES = master/main.c
step_1 = worker/claim.c worker/claim.h
step_2 = worker/upstream.c worker/upstream.h
step_3 = worker/exchange.c worker/exchange.h
step_4 = worker/drain.h
mte_api_relay_worker_SOURCES = worker/main.c
"""

# A rule, and a file that breaks it.
BREACHES = [
    ("every_file_has_a_place", "common/novel.c", ""),
    ("includes_are_from_the_top", "worker/claim.c", '#include "claim.h"\n'),
    ("includes_go_down", "common/text.c", '#include "common/fd.h"\n'),
    ("includes_go_down", "common/fd.c", '#include "common/conf.h"\n'),
    ("includes_go_down", "common/fd.c", '#include "common/kem.h"\n'),
    ("includes_go_down", "common/kem.c", '#include "common/conf.h"\n'),
    ("includes_go_down", "common/conf.c", '#include "common/kem.h"\n'),
    ("includes_go_down", "common/conf.c", '#include "worker/claim.h"\n'),
    ("includes_go_down", "master/main.c", '#include "worker/claim.h"\n'),
    ("includes_go_down", "master/main.c", '#include "common/kem.h"\n'),
    ("includes_go_down", "worker/main.c", '#include "master/slot.h"\n'),
    ("includes_go_down", "worker/claim.c", '#include "worker/upstream.h"\n'),
    ("includes_go_down", "worker/upstream.c", '#include "worker/exchange.h"\n'),
    ("includes_go_down", "worker/exchange.c", '#include "worker/drain.h"\n'),
    ("includes_go_down", "tools/relaycat.c", '#include "worker/claim.h"\n'),
    ("foreign_headers_have_a_door", "worker/exchange.c", "#include <openssl/evp.h>\n"),
    ("foreign_headers_have_a_door", "worker/exchange.c", "#include <hiredis/hiredis.h>\n"),
    ("foreign_headers_have_a_door", "common/conf.c", "#include <libconfig.h>\n"),
    ("foreign_headers_have_a_door", "worker/exchange.c", "#include <jansson.h>\n"),
    ("foreign_headers_have_a_door", "worker/claim.c", "#include <h2o.h>\n"),
    ("foreign_headers_have_a_door", "master/main.c", "#include <h2o/socket.h>\n"),
    ("the_own_header_comes_first", "common/fd.c",
     '#include <unistd.h>\n\n#include "common/fd.h"\n'),
    ("files_are_short", "common/text.c", "/**/\n" * (check.FILE_MAX + 1)),
    ("functions_are_short", "common/text.c",
     "void text(void)\n{\n" + "    text();\n" * (check.FUNCTION_MAX + 1) + "}\n"),
    ("there_are_no_globals", "common/text.c", "static int n_calls;\n"),
    ("there_are_no_globals", "common/text.c", "struct span last = { 0 };\n"),
    ("there_are_no_globals", "common/text.c", "static const char *last[4];\n"),
    ("headers_are_guarded", "common/text.h", "#pragma once\n"),
    ("calls_are_bounded", "tests/unit/test_text.c", "int n = atoi(text);\n"),
    ("licences_are_named", "common/text.c", "int text(void);\n"),
    ("log_keys_are_free", "master/slot.c", 'char line[] = "worker started pid=%d";\n'),
    ("clang_format_agrees", "common/text.c", "int  two_blanks(void);\n"),
    ("shellcheck_agrees", "tools/careless", "#!/bin/sh\nrm $1\n"),
]


def breaches(rule, tree):
    try:
        return list(rule(tree))
    except check.Skipped as skipped:
        pytest.skip(str(skipped))


def broken_files(rule, tree):
    return [path for path, _, _ in breaches(rule, tree)]


def plant(top, files):
    for path, text in {".clang-format": (HERE / "../../.clang-format").read_text(),
                       **CLEAN, **files}.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    return check.Tree(top)


@pytest.mark.parametrize("rule", check.RULES)
def test_the_sources_keep(rule):
    found = breaches(rule, check.Tree(HERE.parents[1]))
    assert not found, "\n".join("{}:{}: {}".format(*breach) for breach in found)


@pytest.mark.parametrize("rule", check.RULES)
def test_a_clean_tree_keeps(rule, tmp_path):
    assert not breaches(rule, plant(tmp_path, {}))


@pytest.mark.parametrize("rule,path,text", BREACHES, ids=[row[0] for row in BREACHES])
def test_a_breach_is_seen(rule, path, text, tmp_path):
    assert broken_files(getattr(check, rule), plant(tmp_path, {path: text})) == [path]


def test_every_rule_has_its_breach():
    assert {rule for rule, _, _ in BREACHES} == {rule.__name__ for rule in check.RULES}
