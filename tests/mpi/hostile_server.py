#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A web server on loopback that serves pictures and misbehaves in every other way: hostile_server.py PICTURE... prints its port."""
import itertools
import socket
import struct
import sys
import threading
import time

pictures = [open(path, "rb").read() for path in sys.argv[1:]]
picture = pictures[0]
asked = {}
lock = threading.Lock()


def answer(status, body, *headers, length=None):
    lines = ["HTTP/1.1 " + status, "Connection: close", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def endless(connection, head):
    connection.sendall(head)
    for _ in itertools.repeat(None):
        connection.sendall(bytes(1 << 20))


def stall(connection):
    connection.sendall(answer("200 OK", picture[:1000], length=len(picture)))
    time.sleep(600)


def reset(connection):
    connection.sendall(answer("200 OK", picture[:1000], length=len(picture)))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def serve(connection, path, number):
    redirects = {"/loop": "/loop", "/to-file": "file:///etc/passwd", "/to-ftp": "ftp://127.0.0.1/a.png"}
    name = path.rsplit(".", 1)[0].rstrip("0123456789")
    if name in ("/good", "/a%20c%C3%A4t%") or (name == "/tired" and number > 2):
        connection.sendall(answer("200 OK", picture))
    elif name == "/late":  # some of them, when they are asked for first
        which = int(path[len("/late") :].split(".")[0])
        time.sleep(1 if number == 1 and which % 3 == 0 else 0)
        connection.sendall(answer("200 OK", pictures[which % len(pictures)]))
    elif name == "/tired":
        connection.sendall(answer("500 Oops", b"oops"))
    elif name in redirects:
        connection.sendall(answer("302 Found", b"", "Location: " + redirects[name]))
    elif name == "/html":
        connection.sendall(answer("200 OK", b"<!DOCTYPE html><html><body>Please log in</body></html>"))
    elif name == "/stalls":
        stall(connection)
    elif name == "/resets":
        reset(connection)
    elif name == "/announces-more":
        connection.sendall(answer("200 OK", picture, length=2 * len(picture)))
    elif name == "/announces-less":
        connection.sendall(answer("200 OK", picture, length=len(picture) // 2))
    elif name == "/endless":
        endless(connection, answer("200 OK", b"", length=False))
    elif name == "/announces-10GB":
        endless(connection, answer("200 OK", b"", length=10**10))
    elif name != "/closes":
        connection.sendall(answer("404 Not Found", b"no such picture"))


def talk(connection):
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(8192)
            if not more:
                return
            request += more
        path = request.split()[1].decode()
        with lock:
            asked[path] = asked.get(path, 0) + 1
            number = asked[path]
        try:
            serve(connection, path, number)
        except OSError:
            pass  # the other side has had enough


with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()
