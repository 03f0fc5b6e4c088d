"""TLS renegotiation: the client asks for one handshake after the other on one connection.

CVE-2011-1473, CVE-2009-3555; RFC 5746. It exists in TLS 1.2 only and must be refused: the connection does not outlive the first attempt, or
goes on without a handshake.
"""
import subprocess

LISTENER = "tls"
GROWTH_MIB = 16


def attack(enemy):
    host, port = enemy.target.addresses["tls"]
    while enemy.goes_on():
        # "R" at the start of a line is s_client's command for a renegotiation
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-servername", "gateway.test"], input=b"R\nR\nR\n",
                              capture_output=True, timeout=20)
        _, asked, after = done.stderr.partition(b"RENEGOTIATING")
        enemy.note("attempts", bool(asked))
        enemy.note("renegotiated", b"depth=" in after)  # the certificate is looked at again
        enemy.rest(0.05)


def judge(notes):
    complaints = [] if notes.get("attempts") else ["no attempt came about"]
    if notes.get("renegotiated"):
        complaints.append(f"{notes['renegotiated']} of {notes['attempts']} attempts went through")
    return complaints
