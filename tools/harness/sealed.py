# SPDX-License-Identifier: MIT
"""Sealed messages as whoever stands between the relays sees them, without a key: their parts, and
frames moved about. With SECRET also the error frames of a relay that has it (docs/protocol.md)."""

import hashlib
import hmac
import struct

REQ_LEN, RSP_LEN, FRAME_HEAD_LEN, ERR_LEN = 52, 28, 4, 76
END = 0x80
REJECT, UNKNOWN_PAIR, CLOCK, REPLAY, BUSY = 1, 2, 3, 4, 5


def frames_of(message, header_len):
    """The frames behind the header, each with its own head."""
    frames, at = [], header_len
    while at < len(message):
        n = FRAME_HEAD_LEN + int.from_bytes(message[at + 1:at + 4], "big")
        frames.append(message[at:at + n])
        at += n
    return frames


def error_code(answer):
    """The code of an ERR in (status, content type, body), None for anything else."""
    status, content_type, body = answer
    assert status == 200
    return body[2] if content_type == "application/mte-error" and len(body) == ERR_LEN else None


def expand(key, label):
    """HKDF-Expand of up to 32 bytes, without a context."""
    return hmac.digest(key, b"mar1 " + label + b"\0\1", "sha256")


def make_error(secret, code, time_ms, message):
    """What every relay with that SECRET can say of a sealed request."""
    psk = hashlib.scrypt(secret.encode(), salt=b"mte-api-relay psk v1", n=1 << 15, r=8, p=1,
                         maxmem=1 << 26, dklen=32)
    said = struct.pack(">BBBBQ", 1, 0x7f, code, 0, time_ms)
    said += hashlib.sha256(message[:REQ_LEN]).digest()
    return said + hmac.digest(expand(psk, b"error"), said, "sha256")


# Changes of a request whose frames are a HEAD and at least two of DATA: all must be rejected alike.
# Each is given the header and the frames.

def with_end(frame, is_last):
    return bytes([frame[0] | END if is_last else frame[0] & ~END]) + frame[1:]


CHANGES = {
    "two DATA frames swapped": lambda header, f: [header, f[0], f[2], f[1], *f[3:]],
    "DATA before HEAD": lambda header, f: [header, f[1], f[0], *f[2:]],
    "a frame dropped": lambda header, f: [header, f[0], *f[2:]],
    "a frame doubled": lambda header, f: [header, f[0], f[1], *f[1:]],
    "the last frame dropped": lambda header, f: [header, *f[:-1]],
    "the last frame cut": lambda header, f: [header, *f[:-1], f[-1][:-1]],
    "a frame appended": lambda header, f: [header, *f, f[-1]],
    "a byte appended": lambda header, f: [header, *f, b"\0"],
    "END taken away": lambda header, f: [header, *f[:-1], with_end(f[-1], False)],
    "END moved a frame ahead": lambda header, f: [header, *f[:-2], with_end(f[-2], True)],
    "END on two frames": lambda header, f: [header, *f[:-2], with_end(f[-2], True), f[-1]],
    "no frames": lambda header, f: [header],
    "half a header": lambda header, f: [header[:26]],
    "another counter": lambda header, f: [header[:27], bytes([header[27] ^ 64]), header[28:], *f],
    "another time": lambda header, f: [header[:35], bytes([header[35] ^ 1]), header[36:], *f],
    "another salt": lambda header, f: [header[:51], bytes([header[51] ^ 1]), *f],
}


def change(message, name):
    return b"".join(CHANGES[name](message[:REQ_LEN], frames_of(message, REQ_LEN)))
