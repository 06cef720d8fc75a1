"""Two phones on one Wi-Fi network without internet: an endpoint on this phone, and the way to the other phone's.

Native only: a browser has no sockets to listen on, and a page that came over HTTPS may not ask an HTTP address.
"""

import asyncio
import hmac
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx

HEAD_MAX = 8 * 1024
BODY_MAX = 64 * 1024 * 1024
IDLE_SECONDS = 20.0
"""How long either end waits for the next bytes."""
WRONG_MAX = 10
"""Wrong codes after which the endpoint answers nobody any more."""

Answer = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
"""(path, body) → (HTTP status, body)."""


class Unreachable(Exception):
    """The other phone does not answer; nothing was lost, and the same again goes on from there."""


def own_addresses() -> list[str]:
    """This phone's addresses on local networks, the usual hotspots' first; nothing is sent to find out."""
    networks = ["192.168.43", "172.20.10", "10.42.0", *(f"192.168.{x}" for x in range(256) if x != 43)]
    found = [address for network in networks if (address := _source(f"{network}.254")).startswith(f"{network}.")]
    return list(dict.fromkeys(found))


def _source(target: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


class Endpoint:
    """A small HTTP endpoint on one address: POST with the right code as bearer token, and nothing else."""

    def __init__(self, code: str, answer: Answer):
        self._code, self._answer = code, answer
        self._wrong = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, address: str, port: int = 0) -> int:
        """Listen; returns the port. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, address, port, limit=HEAD_MAX)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close it and every line still open. Harmless to repeat."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._open):
                writer.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                status, body = await self._one(reader)
                writer.write(
                    f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
                )
                await asyncio.wait_for(writer.drain(), 10 * IDLE_SECONDS)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        """What one request is answered. Raises when the line breaks or what comes is no HTTP."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_SECONDS)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if self._wrong >= WRONG_MAX:
            return 429, b""
        if not hmac.compare_digest(headers.get("authorization", "").encode(), f"Bearer {self._code}".encode()):
            self._wrong += 1
            return 401, b""
        length = int(headers.get("content-length", "0"))
        if method != "POST":
            return 404, b""
        if not 0 <= length <= BODY_MAX:
            return 413, b""
        body = bytearray()
        while len(body) < length:
            piece = await asyncio.wait_for(reader.read(min(65536, length - len(body))), IDLE_SECONDS)
            if not piece:
                raise asyncio.IncompleteReadError(bytes(body), length)
            body += piece
        return await self._answer(path, bytes(body))


def way_to(address: str, code: str) -> Answer:
    """Asks the phone at `address` (host:port). The answer raises Unreachable when there is none, or a broken one."""

    async def ask(path: str, body: bytes) -> tuple[int, bytes]:
        try:
            async with httpx.AsyncClient(timeout=IDLE_SECONDS * 3, trust_env=False) as client:
                answer = await client.post(
                    f"http://{address}{path}", content=body, headers={"Authorization": f"Bearer {code}"}
                )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(str(error)) from error
        return answer.status_code, answer.content

    return ask
