"""A DNS server on loopback that takes its time, and the program on a machine whose resolver asks it.

``python -m tests.services.slow_names PORT WORD...`` runs the program: what it looks up is asked over UDP at that port,
in the thread that asks, which waits for the answer as it would wait for the system's resolver.
"""

from __future__ import annotations

import runpy
import socket
import struct
import sys
import threading
from typing import Any, Final

ANSWERED_WITH: Final = "127.0.0.1"
_WAIT_SECONDS: Final = 120.0


class SlowNames:
    """Every name has the address 127.0.0.1; that of one which begins with ``slow`` comes after ``seconds``, or later.

    Later, until :attr:`may_answer` is set. ``asked`` and ``answered`` are the names, in order.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.may_answer = threading.Event()
        self.asked: list[str] = []
        self.answered: list[str] = []
        threading.Thread(target=self._serve, name="slow-names", daemon=True).start()

    @property
    def program(self) -> tuple[str, ...]:
        """What stands after ``python -m``."""
        return ("tests.services.slow_names", str(self.port))

    def close(self) -> None:
        """Answer no more."""
        self.may_answer.set()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                query, caller = self._socket.recvfrom(512)
            except OSError:
                return
            threading.Thread(target=self._answer, args=(query, caller), daemon=True).start()

    def _answer(self, query: bytes, caller: tuple[str, int]) -> None:
        name, end = _name_in(query)
        self.asked.append(name)
        if name.startswith("slow"):
            threading.Event().wait(self._seconds)
            self.may_answer.wait()
        record = struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(ANSWERED_WITH)
        header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
        self.answered.append(name)
        try:
            self._socket.sendto(header + query[12 : end + 4] + record, caller)
        except OSError:
            return


def _name_in(message: bytes) -> tuple[str, int]:
    """The name that a query asks for, and where it ends."""
    labels, at = [], 12
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), at + 1


def _look_up(port: int, name: str) -> str:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_WAIT_SECONDS)
        asking.sendto(query, ("127.0.0.1", port))
        try:
            answer = asking.recv(512)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "no answer") from None
    return socket.inet_ntoa(answer[-4:])


def _live_by(port: int) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, service: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if isinstance(name, str) and name.endswith(".example"):
            return real(_look_up(port, name), service, *more, **named)
        return real(host, service, *more, **named)

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]


if __name__ == "__main__":
    _live_by(int(sys.argv[1]))
    sys.argv[1:2] = []
    runpy.run_module("leadkeeper", run_name="__main__", alter_sys=True)
