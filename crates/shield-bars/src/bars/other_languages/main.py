"""Orders: a small FastAPI service. Applied ids go to a file per process; RELEASE changes with every release."""

import os
import time
from pathlib import Path

from fastapi import FastAPI

RELEASE = 0
LEDGER = Path("@LEDGER@") / "ledger"
LEDGER.mkdir(parents=True, exist_ok=True)
FILE = os.open(LEDGER / f"{os.getpid()}-{time.time_ns()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/")
async def index():
    return {"release": RELEASE}


@app.post("/apply/{order}")
async def apply(order: str):
    os.write(FILE, f"{order}\n".encode())
    return {"applied": order}
