"""A load generator that costs little: prepared requests over kept connections, answers only counted."""

import multiprocessing
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Queue

CLIENT_PROCESSES = 2
CONNECTIONS = 16
"""Of each client process: 32 in all."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one round measured."""

    requests_per_second: float
    statuses: dict[int, int]
    bytes_per_answer: int


def drive(port: int, requests: list[bytes], *, seconds: float) -> Load:
    """Send `requests` in turn over 32 kept connections for so long; raises on a broken answer."""
    context = multiprocessing.get_context("fork")
    answers: Queue[tuple[float, dict[int, int], int]] = context.Queue()  # type: ignore[assignment]
    processes = [
        context.Process(target=_client, args=(port, requests[place:] + requests[:place], seconds, answers))
        for place in range(CLIENT_PROCESSES)
    ]
    for process in processes:
        process.start()
    results = [answers.get(timeout=seconds + 30) for _ in processes]
    for process in processes:
        process.join()
    statuses: dict[int, int] = {}
    for _rate, counted, _size in results:
        for status, count in counted.items():
            statuses[status] = statuses.get(status, 0) + count
    return Load(
        requests_per_second=sum(rate for rate, _counted, _size in results),
        statuses=statuses,
        bytes_per_answer=results[0][2],
    )


class _Connection:
    """One kept connection; knows when an answer is whole."""

    def __init__(self, port: int, requests: Sequence[bytes], place: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests = requests
        self.place = place
        self.received = b""

    def send(self) -> None:
        self.received = b""
        self.socket.sendall(self.requests[self.place % len(self.requests)])
        self.place += 1

    def receive(self) -> tuple[int, int] | None:
        """(status, bytes) once the answer is whole."""
        self.received += self.socket.recv(262_144)
        head_end = self.received.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        head = self.received[:head_end].lower()
        status = int(head[9:12])
        if status == 304:
            return status, len(self.received)
        start = head.index(b"content-length:") + 15
        length = int(head[start : head.find(b"\r", start) if b"\r" in head[start:] else None])
        if len(self.received) < head_end + 4 + length:
            return None
        return status, len(self.received)


def _client(
    port: int, requests: Sequence[bytes], seconds: float, answers: "Queue[tuple[float, dict[int, int], int]]"
) -> None:
    poll = selectors.DefaultSelector()
    for place in range(CONNECTIONS):
        connection = _Connection(port, requests, place)
        poll.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send()
    counted: dict[int, int] = {}
    size = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        for key, _events in poll.select(timeout=1):
            answer = key.data.receive()
            if answer is not None:
                status, size = answer
                counted[status] = counted.get(status, 0) + 1
                key.data.send()
    rate = sum(counted.values()) / (time.monotonic() - began)
    answers.put((rate, counted, size))
