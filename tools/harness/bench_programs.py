# SPDX-License-Identifier: MIT
"""Programs in sessions of their own, and what they cost: CPU time and memory, from /proc."""

import os
import pathlib
import signal
import subprocess

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def processes(sessions):
    """(pid, fields of its stat from the state on) of every process in one of these sessions."""
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended since
        if int(fields[3]) in sessions:
            yield int(path.parent.name), fields


def cpu_us(sessions):
    """User and system time of the sessions so far, reaped children included."""
    return sum(sum(map(int, fields[11:15])) for _, fields in processes(sessions)) * TICK_US


def memory(sessions):
    """(RSS, PSS) in bytes, summed. PSS is None where the kernel does not show it to us."""
    rss, pss = 0, 0
    for pid, fields in processes(sessions):
        rss += int(fields[21]) * PAGE
        try:
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().split()
            pss += int(rollup[rollup.index("Pss:") + 1]) * 1024
        except PermissionError:
            pss = float("nan")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return rss, None if pss != pss else pss


class Machine:
    """How much of the machine others used since the last question."""

    def __init__(self, sessions):
        self.last = self.look(sessions)

    def look(self, sessions):
        """Ticks: what was spent by all, what there was to spend, what was spent by us."""
        times = [int(x) for x in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        busy = sum(times) - times[3] - times[4]
        own = os.times()
        ours = (own.user + own.system + own.children_user + own.children_system) * 1e6
        return busy, sum(times), (ours + cpu_us(sessions)) / TICK_US

    def others(self, sessions):
        """The share of all cores, 0 to 1, that neither we nor these sessions used."""
        now = self.look(sessions)
        busy, there, ours = (new - old for new, old in zip(now, self.last))
        self.last = now
        return max(0.0, busy - ours) / max(1, there)


class Program:
    """One program in the foreground, in a session and a folder of its own."""

    def __init__(self, folder, command, pass_fds=()):
        self.folder = folder
        self.log_path = folder / "log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=pass_fds, start_new_session=True)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
