#!/usr/bin/env python3
"""Makes an account of LinkShield with one of each credential, for `shield bench`; prints NAME=VALUE lines.

Run by `bench.prepare` of shield.toml with SHIELD_BENCH_URL and SHIELD_BENCH_DATA. The token that confirms the address is
read from the letter in the data directory, where a service that mails to files leaves it.
"""

import http.client
import json
import os
import pathlib
import secrets
import sys
import time
import urllib.parse


def variable(name, meaning):
    """What it says; without it, one line and the end."""
    return os.environ.get(name) or sys.exit(f"{name} is not set: it names {meaning}")


URL = urllib.parse.urlsplit(variable("SHIELD_BENCH_URL", "the service, as http://host:port"))
DATA = variable("SHIELD_BENCH_DATA", f"the data directory (`--data`) of LinkShield at {URL.netloc}")
LETTERS = pathlib.Path(DATA) / "mail"
EMAIL = f"bench-{secrets.token_hex(8)}@example.org"
PASSWORD = secrets.token_urlsafe(16)
# Registrations are limited by address: each run comes from another one.
ADDRESS = f"198.51.100.{secrets.randbelow(254) + 1}"


def ask(method, path, body=None, **headers):
    """The answer's headers and JSON; anything but success ends this program."""
    connection = http.client.HTTPConnection(URL.netloc, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["x-forwarded-for"] = ADDRESS
    if body is not None:
        headers["content-type"] = "application/json"
        body = json.dumps(body)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if not 200 <= answer.status < 300:
        sys.exit(f"{method} {path}: {answer.status}: {text.decode(errors='replace')[:400]}")
    return answer.headers, json.loads(text) if text else None


def mailed_token():
    """The token in the letter to us: alone on its line, 43 characters."""
    for _ in range(200):
        for letter in sorted(LETTERS.glob("*.eml"), reverse=True):
            lines = letter.read_text().splitlines()
            if any(line.startswith("To:") and EMAIL in line for line in lines):
                return next(line for line in lines if len(line) == 43 and " " not in line)
        time.sleep(0.05)
    sys.exit(f"no letter to {EMAIL} in {LETTERS}")


ask("POST", "/api/v1/user/register", {"email": EMAIL, "password": PASSWORD, "accept_terms": True})
ask("POST", "/api/v1/user/verify-email", {"token": mailed_token()})
headers, login = ask("POST", "/api/v1/user/login", {"email": EMAIL, "password": PASSWORD})
cookie = headers["set-cookie"].split(";")[0]
bearer = f"Bearer {login['access_token']}"
_, key = ask("POST", "/api/v1/user/api-keys", {"name": "bench"}, authorization=bearer)
_, csrf = ask("GET", "/api/csrf/token", cookie=cookie)
_, check = ask("POST", "/api/v1/url-check/check", {"url": "https://example.com/"})

values = {
    "TOKEN": login["access_token"],
    "COOKIE": cookie,
    "CSRF": csrf["csrf_token"],
    "API_KEY": key["api_key"],
    "CHECK_ID": check["id"],
}
print("\n".join(f"{name}={value}" for name, value in values.items()))
