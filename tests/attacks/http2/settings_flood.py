"""SETTINGS flood, answers never read.

CVE-2019-9515; RFC 9113 §6.5.3. Empty SETTINGS and SETTINGS that change the table size and the window back and forth.
"""
from kit.frames import settings

LISTENER = "h2c"
GROWTH_MIB = 32


def attack(enemy):
    unit = settings() * 3 + settings(header_table_size=0, initial_window_size=1) + settings(header_table_size=4096, initial_window_size=65535)
    enemy.flood_http2(unit * 800, reads=False)


def judge(notes):
    return [] if notes.get("closed by target") else ["no connection was ended"]
