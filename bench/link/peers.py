"""What others do on the same road: @tus/server with tus-js-client for photos, PouchDB with express-pouchdb for entries."""

import json
import os
import random
import shutil
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any

from app.notebook import Notebook
from app.recorder import Enrolment
from app.sync import journal
from bench.link.day import PHOTOS, record_day, snapshot
from bench.link.road import Road, end, ready
from web.build import CACHE
from web.packages import beside_python, from_npm

FOREIGN = Path(__file__).parents[2] / "tests" / "foreign"

CUBIC = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
int socket(int domain, int type, int protocol) {
  static int (*real)(int, int, int);
  if (!real) real = dlsym(RTLD_NEXT, "socket");
  int s = real(domain, type, protocol);
  if (s >= 0 && domain == AF_INET) setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
  return s;
}
"""
"""Put before Node's own `socket`, since Node cannot choose the congestion control of a connection."""


@cache
def cubic_for_node() -> dict[str, str]:
    """What the environment of a Node program needs so that its sockets use CUBIC; empty where no compiler is at hand."""
    if shutil.which("gcc") is None:
        return {}
    CACHE.mkdir(parents=True, exist_ok=True)
    source, library = CACHE / "cubic.c", CACHE / "cubic.so"
    source.write_text(CUBIC, encoding="utf-8")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def modules() -> str:
    return str(from_npm(FOREIGN, CACHE))


def node(script: str, *given: str) -> list[str]:
    return [beside_python("node"), str(FOREIGN / script), modules(), *given]


def tus_visit(road: Road, seed: int, folder: Path) -> dict[str, Any]:
    """One visit's 15 photos over one connection, one after the other, begun anew where it stopped after 15 silent seconds."""
    dice, names = random.Random(seed), []
    for number in range(PHOTOS):
        path = folder / f"{number}.jpg"
        path.write_bytes(snapshot(dice).data)
        names.append(str(path))
    files = folder / "files"
    files.mkdir()
    server = road.start(node("tus_server.mjs", str(files), str(road.port)), **cubic_for_node())
    try:
        ready(server)
        before, start = road.passed()["up_bytes"], time.monotonic()
        environment = {"RETRY_MS": "200", "STALL_MS": "15000", **cubic_for_node()}
        client = road.start(node("tus_client.mjs", f"{road.url}/files", "x", *names), **environment)
        assert client.stdout
        sent = len(client.stdout.read().splitlines())
        if client.wait() or sent != PHOTOS:
            raise RuntimeError(f"tus-js-client sent {sent} of {PHOTOS} photos")
        took = time.monotonic() - start
        time.sleep(0.6)
        return {"seed": seed, "whole_s": took, "up_bytes": road.passed()["up_bytes"] - before}
    finally:
        end(server)


async def pouch_day(road: Road, seed: int, folder: Path) -> dict[str, Any]:
    """The day's records as documents, replicated, and once more with nothing new."""
    enrolment = Enrolment(
        "0199c0de-0000-7000-8000-000000000001", "t", "s", road.url, "u", "An", "inspector", "doan-1", ""
    )

    async def settle(_book: Notebook) -> None:
        """There is no central here."""

    (folder / "phone").mkdir()
    book = await record_day(folder / "phone", seed, enrolment, settle)
    documents: dict[str, dict[str, Any]] = {}
    with book.store.reading() as connection:
        for entry in journal.select(connection, "1 = 1 ORDER BY seq"):
            name = f"{entry.kind}:{entry.record}".replace("/", ":")
            documents.setdefault(name, {"_id": name, "type": entry.kind}).update(entry.fields)
    book.close()
    listed = folder / "documents.json"
    listed.write_text(json.dumps(list(documents.values()), ensure_ascii=False), encoding="utf-8")
    held = folder / "pouch"
    held.mkdir()
    server = road.start(node("pouch_server.mjs", str(held), str(road.port)), held, **cubic_for_node())
    try:
        ready(server)
        before = road.passed()
        client = road.start(node("pouch_client.mjs", f"{road.url}/day", str(listed)), held, **cubic_for_node())
        assert client.stdout
        told: dict[str, Any] = json.loads(client.stdout.read())
        client.wait()
        time.sleep(0.6)
        after = road.passed()
        sums = {key: after[key] - before[key] for key in ("up_bytes", "down_bytes", "connections")}
        return {"seed": seed, "documents": len(documents), **told, **sums}
    finally:
        end(server)


def processors() -> str:
    return f"{os.cpu_count()} CPU, load {os.getloadavg()[0]:.1f}"
