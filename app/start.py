"""Starting the field app: natively, or in server mode for development and tests."""

import flet as ft

from app.screens.root import Root
from app.state import AppState


def start() -> None:
    """Open this machine's notebook and show it; every window of this process shows the same one."""
    app = AppState.open()

    async def main(page: ft.Page) -> None:
        app.start_syncing()
        page.render(lambda: Root(app))

    ft.run(main, assets_dir=str(app.device.assets), no_cdn=True)
