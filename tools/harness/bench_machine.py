# SPDX-License-Identifier: MIT
"""The machine and the versions that figures are from."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

VERSIONS = {
    "nginx": ["/usr/sbin/nginx", "-v"],
    "haproxy": ["/usr/sbin/haproxy", "-v"],
    "openssl": ["openssl", "version"],
    "redis": ["redis-server", "--version"],
    "h2load": ["h2load", "--version"],
}


def first_line(command):
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return (result.stdout or result.stderr).splitlines()[0]


def described(path, pattern):
    match = re.search(pattern, pathlib.Path(path).read_text(), re.M)
    return match[1] if match else "unknown"


def describe():
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": described("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": int(described("/proc/meminfo", r"^MemTotal:\s*(\d+)")) // 1024,
        "system": described("/etc/os-release", r'^PRETTY_NAME="(.*)"$'),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "versions": {name: first_line(command) for name, command in VERSIONS.items()},
    }
