"""Central as one ASGI app: the API under /api/v1, the pages of Home Affairs under /hq, the field app at /."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central import access, minutes, photos, problems, proof_page, reference, summary_api, sync_api, uploads, visits
from central.bodies import PackedAnswers, UnpackedBodies
from central.database import Database, rows
from central.field_app import FieldApp, read_build
from central.hq import pages
from central.hq.door import page, refusal_page
from central.passwords import Passwords
from central.photo_store import PhotoStore
from central.problems import API, Problem, ProblemDocument, problem_responses
from central.readings import Readings
from central.settings import Settings

ROUTERS = (access, sync_api, reference, uploads, photos, summary_api, visits, minutes, proof_page, pages)
"""Parts that bring a `router`, in the order in which paths are tried."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
FOR_PHONES = (f"{API}/sync", f"{API}/uploads")
"""Asked hundreds of times an evening over 100 kbit/s, and nothing a browser could open: only with a phone's token, and no GET."""
IMAGE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""A photo opened by itself: browsers put a page of their own with inline style around it."""


def system_clock() -> int:
    """Unix milliseconds, UTC."""
    return time.time_ns() // 1_000_000


def create_app(settings: Settings, now: Callable[[], int] = system_clock) -> FastAPI:
    """Central over one database and photo folder; `now` gives ms UTC. Raises app.schema.NewerSchema, field_app.NotBuilt."""
    build = read_build(settings.field_app) if settings.field_app else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.db.close()

    app = FastAPI(
        title="Sổ kiểm tra",
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.now = now
    app.state.db = Database(settings.database_url, settings.witness)
    app.state.photos = PhotoStore(settings.photos)
    app.state.readings = Readings()
    app.state.passwords = Passwords(settings.password_cost)
    problems.install(app, "/hq", refusal_page)
    app.include_router(_health)
    for part in ROUTERS:
        app.include_router(part.router)
    app.add_middleware(UnpackedBodies)
    app.add_middleware(PackedAnswers)
    if build:
        app.add_middleware(FieldApp, build=build)
    app.add_middleware(GuardedAnswers, is_https=settings.is_https)
    _describe_problems(app)
    return app


_health = APIRouter(tags=["health"])


@_health.get("/", include_in_schema=False)
def get_front(request: Request) -> Response:
    """What is at / while there is no field app to serve: what to do about it, and the code of an enrolment link."""
    code = request.query_params.get("enrol", "")
    return page(request, "welcome.html", None, 503, code=code[:20])


@_health.get("/favicon.ico", include_in_schema=False)
def get_icon() -> Response:
    """Browsers ask for one beside a photo that is opened by itself."""
    return Response(status_code=204, headers={"Cache-Control": "public, max-age=86400"})


class Health(BaseModel):
    status: str


@_health.get(f"{API}/healthz", responses=problem_responses(503))
def get_health(request: Request) -> Health:
    """200 when the database and the photo store answer."""
    state = request.app.state
    with state.db.reading() as connection:
        rows(connection, "SELECT 1")
    if not state.photos.healthy():
        raise Problem(503, "unavailable", "Kho ảnh không trả lời", "The photo store does not answer", "later")
    return Health(status="ok")


def _describe_problems(app: FastAPI) -> None:
    """OpenAPI with problem documents where FastAPI would describe its own error bodies."""
    plain = app.openapi

    def described() -> dict[str, object]:
        if app.openapi_schema is None:
            document = plain()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


class GuardedAnswers:
    """ASGI middleware: the security headers of every answer."""

    def __init__(self, app: ASGIApp, is_https: bool):
        self.app = app
        self.is_https = is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableHeaders(raw=message["headers"])
                headers["X-Content-Type-Options"] = "nosniff"
                if path.startswith(FOR_PHONES):
                    headers.setdefault("Cache-Control", "no-store")
                    await send(message)
                    return
                headers["Referrer-Policy"] = "same-origin"
                if self.is_https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                is_ours = path.startswith(("/api/", "/hq")) or path in ("/", "/verify")
                if is_ours and "content-security-policy" not in headers:
                    policy = API_POLICY if path.startswith("/api/") else PAGE_POLICY
                    is_image = headers.get("content-type", "").startswith("image/")
                    headers["Content-Security-Policy"] = IMAGE_POLICY if is_image else policy
                    headers["X-Frame-Options"] = "DENY"
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, guarded)
