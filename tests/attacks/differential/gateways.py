"""Sluice, nginx and HAProxy in front of a recorder each, configured as plainly as they let one."""

import os
import shutil
import subprocess
import tempfile

from sluice import http, processes
from sluice.house import House
from sluice.waiting import until

from .recorder import Recorder

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{service}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }}
    }}
}}
"""

HAPROXY = """
global
    log stderr local0 emerg
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 2s
frontend all
    bind 127.0.0.1:{port}
    default_backend service
backend service
    server one 127.0.0.1:{service}
"""


class Gateway:
    def __init__(self, name):
        self.name = name
        self.recorder = Recorder()

    def wait(self):
        def answers():
            try:
                return http.fetch(self.address, target="/open/ready").status == 200
            except (OSError, http.BrokenAnswer):
                return False
        until(answers, f"{self.name} does not answer", seconds=10)

    def close(self):
        self.recorder.close()


class Sluice(Gateway):
    def __init__(self):
        super().__init__("Sluice")
        self.house = House()
        self.node = self.house.node({
            "workers": 1, "log": {"access": "off", "level": "error"},
            "services": {"main": {"instances": ["http://%s:%d" % self.recorder.address]}},
            "routes": [{"path": "/*", "service": "main", "auth": "none"}]})
        self.address = self.node.address
        self.wait()

    def close(self):
        try:
            self.house.close()
        finally:
            super().close()


class Peer(Gateway):
    def __init__(self, name, program, config, *arguments):
        super().__init__(name)
        self.folder = tempfile.mkdtemp(prefix="sluice-peer-")
        self.address = ("127.0.0.1", processes.free_port())
        path = os.path.join(self.folder, "configuration")
        with open(path, "w") as file:
            file.write(config.format(folder=self.folder, port=self.address[1], service=self.recorder.address[1]))
        with open(os.path.join(self.folder, "errors.log"), "wb") as errors:
            self.process = processes.start([program, *arguments, path], stdout=errors, stderr=errors)
        self.wait()

    def close(self):
        processes.end_family(self.process)
        shutil.rmtree(self.folder)
        super().close()


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert found, f"{name} is not installed (deploy/packages.txt, group test)"
    return found


def version(name):
    words = subprocess.run([program(name), "-v"], capture_output=True, text=True, check=True)
    return (words.stdout + words.stderr).splitlines()[0]


def all_three():
    opened = []
    try:
        opened.append(Sluice())
        opened.append(Peer("nginx", program("nginx"), NGINX, "-c"))
        opened.append(Peer("HAProxy", program("haproxy"), HAPROXY, "-db", "-f"))
    except BaseException:
        for gateway in opened:
            gateway.close()
        raise
    return opened
