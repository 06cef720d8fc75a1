"""How soon an upload goes on when central still holds the dead connection it stopped on; on loopback, without any link."""

import asyncio
import base64
import random
import socket
import sys
import tempfile
import time
from pathlib import Path

import httpx

from app.sync import exchange
from app.sync.uploads import UPLOADS, Upload
from bench.link.day import snapshot
from bench.link.road import Road, end, free_port, ready

STOP = 120_000


def half_open(times: int = 5) -> list[float]:
    """Seconds from asking until the photo is whole, each time with a connection that stopped at 120 kB and never closed."""
    port = free_port()
    road = Road("loopback", [], port, port, port)
    with tempfile.TemporaryDirectory() as folder:
        central = road.start([sys.executable, "-m", "bench.link.central", folder, str(port)])
        try:
            code = ready(central)
            return asyncio.run(_measure(road.url, port, code, Path(folder) / "photos" / "parts", times))
        finally:
            end(central)


async def _measure(url: str, port: int, code: str, parts: Path, times: int) -> list[float]:
    dice, took, lines = random.Random(times), [], []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        token = (await exchange.enrol(client, code, "Máy đo", "a" * 32))["token"]
        for _ in range(times):
            shot = snapshot(dice)
            lines.append(await _dead_line(client, port, token, shot.sha256, shot.data, parts))
            upload = Upload(client, shot.sha256, shot.data, token=token, on_progress=lambda *_: None)
            start = time.perf_counter()
            await upload.go_on()
            took.append(time.perf_counter() - start)
    for line in lines:
        line.close()
    return took


async def _dead_line(
    client: httpx.AsyncClient, port: int, token: str, name: str, data: bytes, parts: Path
) -> socket.socket:
    """A PATCH that has brought STOP bytes and falls silent."""
    tus = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
    named = base64.b64encode(bytes.fromhex(name)).decode()
    announced = {"Upload-Length": str(len(data)), "Upload-Metadata": f"sha256 {named}"}
    assert (await client.post(UPLOADS, headers=tus | announced)).status_code == 201
    line = socket.create_connection(("127.0.0.1", port))
    head = f"PATCH {UPLOADS}/{name} HTTP/1.1\r\nHost: central\r\nContent-Type: application/offset+octet-stream\r\n"
    head += f"Upload-Offset: 0\r\nContent-Length: {len(data)}\r\n"
    head += "".join(f"{key}: {value}\r\n" for key, value in tus.items()) + "\r\n"
    await asyncio.to_thread(line.sendall, head.encode() + data[:STOP])
    while not (parts / name).exists() or (parts / name).stat().st_size < STOP:
        await asyncio.sleep(0.01)
    return line
