"""The scripts as Redis gets them, a private server, and clocks: the server's own, or one that the test plays."""

import pathlib
import subprocess

import pytest
from sluice.redis_server import RedisServer

import redis_scripts

LUA = pathlib.Path(__file__).parents[2] / "lua"


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    """Script texts by name, put together by the same step that puts them into the program."""
    folder = tmp_path_factory.mktemp("scripts")
    subprocess.run(["cmake", "-D", f"SOURCE={LUA}", "-D", f"OUTPUT={folder}", "-P", LUA / "embed.cmake"], check=True, capture_output=True)
    return {path.stem: path.read_text() for path in folder.glob("*.lua")}


@pytest.fixture(scope="session")
def server():
    made = RedisServer("--appendonly", "no")
    yield made
    made.close()


@pytest.fixture
def redis(server):
    server.client.flushall()
    return server.client


@pytest.fixture
def scripts(redis, texts):
    """On the server's own clock."""
    return redis_scripts.Scripts(redis, texts)


@pytest.fixture
def played(redis, texts):
    """On a clock that stands still until the test moves it."""
    return redis_scripts.PlayedScripts(redis, texts)
