"""Something that stands where Redis should: it passes everything on to a real one, and tampers with what comes back."""

import contextlib
import os
import socket
import threading


class Impostor:
    def __init__(self, folder, redis):
        self.tamper = None  # a function of the bytes that Redis said; None: honest
        self._redis_path = redis.path
        self._path = os.path.join(folder, "impostor.sock")
        self._open = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self._path)
        self._listener.listen(64)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self):
        return f"unix://{self._path}"

    def cut(self):
        """Ends every connection."""
        for connection in list(self._open):
            self._end(connection)

    def close(self):
        self._end(self._listener)
        self._accepting.join()
        self._listener.close()
        self.cut()

    @staticmethod
    def _end(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._redis_path)
                self._open |= {client, server}
                threading.Thread(target=self._carry_both, args=(client, server), daemon=True).start()

    def _carry_both(self, client, server):
        """Closed only when neither is used any more: their descriptors belong to somebody else then."""
        asking = threading.Thread(target=self._carry, args=(client, server, False), daemon=True)
        asking.start()
        self._carry(server, client, True)
        asking.join()
        self._open -= {client, server}
        client.close()
        server.close()

    def _carry(self, source, target, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self.tamper is not None:
                    data = self.tamper(data)
                target.sendall(data)
        self._end(source)
        self._end(target)
