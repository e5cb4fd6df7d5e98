"""A mail server for tests: speaks enough SMTP on loopback to take messages, or to refuse them."""

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage
from types import TracebackType
from typing import Self, cast


class SmtpSink(socketserver.ThreadingTCPServer):
    """Runs while its context is open; `messages` holds what arrived, oldest first.

    `recipient_answer` is what RCPT is answered: `550 unknown` or `451 later` refuse a message.
    """

    daemon_threads = True

    def __init__(self, *, recipient_answer: str = "250 ok") -> None:
        super().__init__(("127.0.0.1", 0), Talker)
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.recipient_answer = recipient_answer
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class Talker(socketserver.StreamRequestHandler):
    """One connection, until QUIT."""

    def handle(self) -> None:
        sink = cast("SmtpSink", self.server)
        self._say("220 sink")
        for line in self.rfile:
            word = line.strip().upper()[:4]
            if word == b"RCPT":
                sink.recipients.append(line.decode().strip())
                self._say(sink.recipient_answer)
            elif word == b"DATA":
                self._say("354 go on")
                sink.messages.append(self._read_message())
                self._say("250 ok")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _read_message(self) -> EmailMessage:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b"..") else line)
        return email.message_from_bytes(b"".join(lines), policy=email.policy.default)

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")
