# SPDX-License-Identifier: MIT
"""HTTP/1.1 messages as bytes: read whole, and the place of each byte of a body known."""

import dataclasses


@dataclasses.dataclass
class Message:
    """A request or an answer. pieces: (place in raw, length) of each stretch of the body."""

    raw: bytes
    head_len: int
    pieces: list

    @property
    def body(self):
        return b"".join(self.raw[at:at + n] for at, n in self.pieces)

    @property
    def words(self):
        """The three of the first line."""
        return self.raw.split(b"\r\n", 1)[0].decode().split(" ", 2)

    @property
    def status(self):
        return int(self.words[1])

    def field(self, name):
        return field_of(self.raw[:self.head_len], name)

    def place(self, offset):
        """Where in raw is that byte of the body, or the end behind its last byte."""
        for at, n in self.pieces:
            if offset < n:
                return at + offset
            offset -= n
        return self.pieces[-1][0] + self.pieces[-1][1] if self.pieces else self.head_len


def field_of(head, name):
    """Of a head; None where it is not there."""
    _, found, rest = head.lower().partition(b"\r\n" + name.encode() + b":")
    if not found:
        return None
    at = len(head) - len(rest)
    return head[at:].split(b"\r\n", 1)[0].strip().decode()


async def read_message(reader):
    """The next one, by its content-length or in chunks. IncompleteReadError if it breaks off."""
    raw = await reader.readuntil(b"\r\n\r\n")
    head_len, pieces = len(raw), []
    if field_of(raw, "transfer-encoding") is None:
        n = int(field_of(raw, "content-length") or 0)
        return Message(raw + await reader.readexactly(n), head_len, [(head_len, n)])
    parts = [raw]
    at, n = head_len, 1
    while n:
        line = await reader.readuntil(b"\r\n")
        n = int(line.split(b";")[0], 16)
        parts += [line, await reader.readexactly(n + 2)]
        if n:
            pieces.append((at + len(line), n))
        at += len(line) + n + 2
    return Message(b"".join(parts), head_len, pieces)
