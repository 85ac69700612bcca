import socketserver
import threading
from email import message_from_bytes, policy


class SmtpHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as smtplib speaks."""

    def handle(self):
        self._say("220 loopback")
        recipient = None
        while line := self.rfile.readline():
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                self._say("354 go on")
                self.server.received.append((recipient, self._read_data()))
                answer = self.server.after_data(recipient)
                if answer is None:
                    return
                self._say(answer)
            elif verb == b"RCPT":
                recipient = line.split(b"<")[1].split(b">")[0].decode()
                self._say("250 OK")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 OK")

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def _read_data(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


class SmtpServer(socketserver.ThreadingTCPServer):
    """A mail server on loopback; ``received`` has (recipient, bytes) of what came in.

    ``after_data`` takes a recipient and returns the answer, or None to hang up.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), SmtpHandler)
        self.received = []
        self.after_data = lambda recipient: "250 OK"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def get_mails(self):
        return {
            recipient: message_from_bytes(data, policy=policy.default)
            for recipient, data in self.received
        }

    def close(self):
        self.shutdown()
        self.server_close()
