#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""quickstart.py FOLDER [--once]: shows one request going through a pair of relays."""

import json
import pathlib
import signal
import sys

from between import Between
from example_api import ExampleApi
from relay import TOKEN, Relay, curl, default_settings

REQUEST_PATH = "/accounts/4711/transfers?currency=EUR"
REQUEST_BODY = b'{"to": "DE02120300000000202051", "amount": "129.95"}'
SHOWN = 160  # bytes of hexadecimal


def heading(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def hexdump(data):
    for at in range(0, len(data), 16):
        row = data[at:at + 16]
        text = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        print(f"    {at:04x}  {row.hex(' '):47}  {text}")


def start(folder, name, api):
    settings = default_settings(name) | {"UPSTREAM": f"http://127.0.0.1:{api.port}",
                                         "LOG_LEVEL": "info"}
    return Relay(pathlib.Path(folder), name, settings).start()


def show(outbound, inbound, between, api):
    heading("1. The application sends an ordinary request to the relay beside it")
    command = ["--request", "POST", "--header", "content-type: application/json"]
    fields = [f"x-mte-outbound-token: {TOKEN}", f"x-mte-upstream: {between.url}"]
    print(f"    curl '{outbound.url(REQUEST_PATH)}' \\\n        "
          + " \\\n        ".join(f"--header '{field}'" for field in fields)
          + f" \\\n        --header 'content-type: application/json' \\\n"
          f"        --data '{REQUEST_BODY.decode()}'")
    answer = curl(outbound.url(REQUEST_PATH), *command, fields=fields, data=REQUEST_BODY)

    message = between.messages[-1]
    heading(f"2. What crossed between the relays: one POST of {len(message)} bytes, beginning with")
    hexdump(message[:SHOWN])
    crossed = b"".join(between.crossed)
    words = [b"accounts", b"4711", b"transfers", b"EUR", b"DE02120300000000202051", b"129.95",
             b"amount", b"application/json"]
    found = [word for word in words if word in crossed]
    print(f"    all {len(crossed)} bytes of both directions searched for: "
          + " ".join(word.decode() for word in words))
    print(f"    found: {', '.join(word.decode() for word in found) if found else 'none of them'}")

    heading("3. What the API saw")
    print(json.dumps(api.requests[-1], indent=1))

    heading("4. What the application got back")
    print(f"    HTTP status {answer.status}, {len(answer.body)} bytes")
    seen = json.loads(answer.body)
    arrived = answer.status == 200 and seen == api.requests[-1] and seen["path"] == REQUEST_PATH
    print(f"    the API's answer, byte for byte: {'yes' if arrived else 'NO'}")
    return arrived and not found


def main():
    # A stop from outside ends as Ctrl-C does, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    api, relays, between, good = ExampleApi().start(), [], None, False
    try:
        relays.append(start(sys.argv[1], "inbound", api))
        between = Between(relays[0].port)
        relays.append(start(sys.argv[1], "outbound", api))
        good = show(relays[1], relays[0], between, api)
        if good and "--once" not in sys.argv:
            heading("The pair keeps running: send requests of your own, Ctrl-C ends it")
            print(f"    logs: {' '.join(str(relay.log_path) for relay in relays)}")
            signal.pause()
    except KeyboardInterrupt:
        print()
    finally:
        for relay in reversed(relays):
            relay.stop()
        if between:
            between.stop()
        api.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
