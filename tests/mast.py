"""A mast in a valley: a relay between real sockets that drops connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass
class Mast:
    """A relay that drops each connection after so many bytes up, or down; the last in the list hold for good."""

    port: int
    up: list[int]
    down: list[int]
    sent_up: int = 0

    @contextlib.asynccontextmanager
    async def relaying(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up = self.up.pop(0) if self.up else None
        down = self.down.pop(0) if self.down else None
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)

        async def carry(
            source: asyncio.StreamReader, to: asyncio.StreamWriter, budget: int | None, is_up: bool
        ) -> None:
            while piece := await source.read(4096):
                if budget is not None:
                    piece = piece[:budget]
                    budget -= len(piece)
                if is_up:
                    self.sent_up += len(piece)
                to.write(piece)
                await to.drain()
                if budget == 0:
                    break

        carrying = [
            asyncio.create_task(carry(reader, far_writer, up, True)),
            asyncio.create_task(carry(far_reader, writer, down, False)),
        ]
        await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
        far_writer.close()
        writer.transport.abort()
