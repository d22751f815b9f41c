"""A backend in another language, with one security component: it checks HS256 tokens, as frameworks for Python do."""

import base64
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time

KEY = b"a key that only this backend knows"
BOUNDS = [0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.01, 0.1]
LOCK = threading.Lock()
# Requests for things of one's own that are answered, before the rest is too many.
OWN_MAX = int(sys.argv[2]) if len(sys.argv) > 2 else None
COUNTS = [0] * (len(BOUNDS) + 1)
SUM = [0.0]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(text):
    return text + b"." + encode(hmac.new(KEY, text, hashlib.sha256).digest())


def verify(token):
    """Whether the token is ours; how long that took is counted."""
    began = time.perf_counter()
    text, _, _ = token.encode().rpartition(b".")
    good = hmac.compare_digest(signed(text), token.encode())
    took = time.perf_counter() - began
    with LOCK:
        COUNTS[sum(bound < took for bound in BOUNDS)] += 1
        SUM[0] += took
    return good


def metrics():
    lines, below = ["# TYPE jwt_seconds histogram"], 0
    with LOCK:
        for bound, count in zip(BOUNDS + ["+Inf"], COUNTS):
            below += count
            lines.append(f'jwt_seconds_bucket{{le="{bound}"}} {below}')
        lines += [f"jwt_seconds_sum {SUM[0]}", f"jwt_seconds_count {below}"]
    return "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Small writes must not wait for each other.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/metrics":
            return self.answer(200, metrics())
        if self.path == "/own":
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            good = verify(token)
            if OWN_MAX is not None and sum(COUNTS) > OWN_MAX:
                return self.answer(429, "too many")
            return self.answer(200, "yours") if good else self.answer(401, "whose?")
        return self.answer(200, "anybody's")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        head = encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        claims = encode(json.dumps({"sub": "ada", "exp": 4102444800}).encode())
        self.answer(200, json.dumps({"access_token": signed(head + b"." + claims).decode()}))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if text.startswith("{") else "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
