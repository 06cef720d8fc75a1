"""What reads HTTP in front of central, with one thing of our own: also what is no HTTP is refused with a problem document."""

import asyncio
import json

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from central.problems import MEDIA_TYPE, Problem

_NOT_HTTP = Problem(400, "malformed", "Yêu cầu không phải HTTP đúng mẫu", "This is not proper HTTP")
_BODY = json.dumps(_NOT_HTTP.document(), ensure_ascii=False).encode()
_ANSWER = (
    f"HTTP/1.1 400 Bad Request\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(_BODY)}\r\nConnection: close\r\n\r\n"
).encode() + _BODY


KEEP_ALIVE_S = 75
"""How long a connection may rest between two requests. On a bad line a packet repeated twice brings the next one later than uvicorn's
5 seconds, and whatever was on its way would be lost with the connection."""


class Parser(AutoHTTPProtocol):  # type: ignore[valid-type, misc]
    """uvicorn's own choice of a parser; `uvicorn.run(app, http=Parser)`."""

    transport: asyncio.Transport

    def send_400_response(self, _message: str) -> None:
        self.transport.write(_ANSWER)
        self.transport.close()
