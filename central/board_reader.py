"""`kiemtra read-boards`: the process that reads photographed boards beside `kiemtra serve`, at the lowest priority.

`serve` starts it and starts it again when it has ended; it ends itself when whoever started it is gone.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable

from central.boards import NoReader, Tesseract, read_next
from central.database import Database
from central.photo_store import PhotoStore
from central.settings import Settings

REST_SECONDS = 5
"""Between looking for new photos when all are read."""
AGAIN_SECONDS = 60
"""Until the reader is started again after it ended."""
NO_READER = 3
"""Exit status that says Tesseract is not here: starting it again would not help."""

log = logging.getLogger(__name__)


def work(settings: Settings, now: Callable[[], int], *, beside: int | None) -> int:
    """Read all there is to read; beside a process that serves (its pid) wait for more until it is gone. The exit status."""
    try:
        reader = Tesseract()
    except NoReader as reason:
        print(reason, file=sys.stderr)
        return NO_READER
    os.nice(19)
    db, photos = Database(settings.database_url, settings.witness), PhotoStore(settings.photos)
    rest = threading.Event()
    try:
        while beside is None or os.getppid() == beside:  # it may be gone before this process has begun
            if read_next(db, photos, reader, now) is None:
                if beside is None:
                    return 0
                rest.wait(REST_SECONDS)
    finally:
        db.close()
    return 0


class Beside:
    """The reading process while central serves: started, started again when it dies, ended with central."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="board reader", daemon=True)

    def __enter__(self) -> "Beside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        self._thread.join(5)

    def _keep(self) -> None:
        while not self._is_over.is_set():
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "central", "read-boards", "--beside", str(os.getpid())]
                )
            except OSError as reason:
                log.warning("boards are not read: %s", reason)
                return
            if self._is_over.is_set():
                self._process.terminate()
            status = self._process.wait()
            if status == NO_READER:
                return
            if not self._is_over.wait(AGAIN_SECONDS):
                log.warning("the board reader ended (%s) and is started again", status)
