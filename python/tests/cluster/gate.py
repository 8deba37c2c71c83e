"""A gate in front of a server, which interrupts its callers."""

from __future__ import annotations

import contextlib
import socket
import threading


class Gate:
    """Forwards connections of a port of its own to a server, unless it is told to do something else."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.after: int | None = None
        """Connections that still pass. The ones after them are closed. `None`: all pass."""
        self.answers = True
        """Whether answers pass. Otherwise the server does what it is asked, and the caller hears nothing."""
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.after is not None:
                self.after -= 1
                if self.after < 0:
                    caller.close()
                    continue
            server = socket.create_connection(self.upstream)
            threading.Thread(target=self._forward, args=(caller, server, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, caller, self.answers), daemon=True).start()

    @staticmethod
    def _forward(source: socket.socket, target: socket.socket, passes: bool) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                if not passes:
                    break
                target.sendall(part)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
