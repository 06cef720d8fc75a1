"""Starting the field app: natively, or in server mode for development and tests."""

import logging
from typing import Any

import flet as ft
from flet.messaging.session import Session

from app.screens.road import Road, query_of
from app.screens.root import Opened, Root
from app.state import AppState, Message

log = logging.getLogger(__name__)


def start(app: AppState | None = None) -> None:
    """Show this machine's notebook, opened here if it is not yet; every window of this process shows the same one."""
    app = app or AppState.open()

    async def main(page: ft.Page) -> None:
        if not page.web:
            await watch_network(app, page)
        await app.settle_in()
        if app.is_open:
            await app.open_photos()
            app.start_syncing()
        open_window(app, page)
        app.device.shown()

    # CanvasKit as in phones' browsers; the other renderer, skwasm, now and then reads outside its memory and stands still.
    ft.run(main, assets_dir=str(app.device.assets), no_cdn=True, web_renderer=ft.WebRenderer.CANVAS_KIT)


async def watch_network(app: AppState, page: ft.Page) -> None:
    """Keep the device told whether its network is paid for by amount; natively only the client knows."""

    def told(kinds: list[ft.ConnectivityType]) -> None:
        free = {ft.ConnectivityType.WIFI, ft.ConnectivityType.ETHERNET}
        app.device.heard_of_network(
            None if not kinds else ft.ConnectivityType.MOBILE in kinds and not free & set(kinds)
        )

    def changed(event: ft.ConnectivityChangeEvent) -> None:
        told(event.connectivity)

    network = ft.Connectivity(on_change=changed)
    page.services.append(network)
    try:
        told(await network.get_connectivity())
    except RuntimeError as unknown:
        log.info("the client does not tell its network: %s", unknown)


def open_window(app: AppState, page: ft.Page) -> None:
    """Show the app in a window, at the address it was opened with; to be called inside its Flet session."""
    first = page.route or "/"
    window, road = app.open_window(), Road(first.partition("?")[0] if "enrol" in query_of(first) else first)

    def arrived(event: ft.RouteChangeEvent) -> None:
        road.arrived(event.route)

    def redraw(_event: Any) -> None:
        window.redraw()

    def close(_event: Any) -> None:
        app.close_window(window)

    def fault(message: str) -> None:
        # Flet would show its own error page in place of the app; the fault itself is in the log.
        app.tell(Message.of(FAULT))

    page.on_route_change = arrived
    page.on_view_pop = road.back
    page.on_connect = redraw
    page.on_close = close
    page.session.error = fault  # type: ignore[method-assign]
    _outlive(page.session)
    page.render_views(Root, Opened(window, road, query_of(first)))


def _outlive(session: Session) -> None:
    """An answer for a control that is gone (a camera left while it was opening) is dropped; Flet would stop listening for good."""
    take = session.handle_invoke_method_results

    def taken(control_id: int, call_id: str, result: Any, error: str | None) -> None:
        try:
            take(control_id, call_id, result, error)
        except RuntimeError as gone:
            log.info("an answer came too late: %s", gone)

    session.handle_invoke_method_results = taken  # type: ignore[method-assign]


FAULT = (
    "Thao tác vừa rồi chưa làm được. Những gì đã ghi vẫn an toàn. Hãy thử lại; nếu vẫn vậy, báo người phụ trách. / "
    "That did not work. What was recorded is safe. Please try again; if it stays so, tell the person in charge."
)
