#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A web server on loopback for pictures that not everybody may have: private_server.py FOLDER LOG prints its port.

It serves FOLDER's files to those who say me:geheim or ?key=sesam or ;key=sesam, /away/NAME as a redirect to the same file of another host (localhost), and
/lost/ANYTHING as lost.png. LOG gets what each request said: host, path and headers."""
import http.server
import pathlib
import sys

folder, log = pathlib.Path(sys.argv[1]), open(sys.argv[2], "a")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        log.write(f"{self.headers['Host']} {self.path} {dict(self.headers)}\n")
        log.flush()
        path, _, query = self.path.replace(";", "?", 1).partition("?")
        port = self.server.server_address[1]
        if path.startswith("/away/"):
            self.answer(302, b"", ("Location", f"http://localhost:{port}/{path[6:]}?key=sesam&signature=luna77"))
        elif path.startswith("/lost/"):
            self.answer(200, (folder / "lost.png").read_bytes())
        elif self.headers["Authorization"] != "Basic bWU6Z2VoZWlt" and "key=sesam" not in query:
            self.answer(401, b"who are you?")
        elif not (folder / path[1:]).is_file():
            self.answer(404, b"not there")
        else:
            self.answer(200, (folder / path[1:]).read_bytes())

    def answer(self, code, body, *headers):
        self.send_response(code)
        for header in (("Content-Length", str(len(body))), *headers):
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
