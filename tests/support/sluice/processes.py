"""Child processes that cannot outlive the tests, and what /proc tells about them."""

import ctypes
import os
import random
import re
import signal
import socket
import subprocess

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_ports_given = set()


def _quiet_ports():
    """The longer of the two stretches that the kernel takes no ports of outgoing connections from: there a free port stays free."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as told:
        first, last = map(int, told.read().split())
    stretches = [(10000, first - 1), (last + 1, 65535)]
    quiet = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    return quiet if quiet[1] - quiet[0] > 2000 else (10000, 65535)


def free_port():
    """A port that nobody uses, never given twice."""
    first, last = _quiet_ports()
    while True:
        port = random.randint(first, last)
        if port in _ports_given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
        _ports_given.add(port)
        return port


def _begin():
    """In the child: a shell that runs the tests in its background has them ignore SIGINT, which children inherit."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(command, **options):
    """Popen that dies with this process, in a session of its own so that its whole family can be ended by one id."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_begin, **options)


def end_family(process):
    """Ends what is left of the process and of those it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def descendants(pid):
    """All living processes below pid, parents first."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listing:
            children = [int(word) for word in listing.read().split()]
    except OSError:
        return found
    for child in children:
        found.append(child)
        found.extend(descendants(child))
    return found


def is_alive(pid):
    """False for zombies as well: they hold nothing any more."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def _text_of(path):
    """Nothing where the machine has no such file (no IPv6)."""
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def holder_of_connection(client_port, server_port, among):
    """Which of the processes `among` holds the server's end of the TCP connection from client_port; None while nobody has accepted it."""
    # After much traffic the tables have tens of thousands of rows of connections that have ended: they are searched as they are.
    row = re.compile(r": [0-9A-F]+:%04X [0-9A-F]+:%04X (?:\S+ +){6}([1-9][0-9]*) " % (server_port, client_port))
    found = next(filter(None, (row.search(table) for table in map(_text_of, ("/proc/net/tcp", "/proc/net/tcp6")))), None)
    if found is None:
        return None
    inode = found[1]
    for pid in among:
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{descriptor}") == f"socket:[{inode}]":
                    return pid
        except OSError:
            continue
    return None
