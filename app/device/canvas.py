"""Pictures in the browser: its own decoders and encoders, a canvas in memory, and `web/site/measure.js`.

Everything is drawn without the graphics card (`willReadFrequently`), so that one photo gives one verdict on every phone.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from app.photos.judge import JUDGED_SIDE
from app.photos.light import CELL, WHITE, finish, paper
from app.photos.marks import Drawing
from app.photos.perspective import Warp
from app.photos.prepare import COVER_CELLS, Box, Grey, Measured, Undecodable, fitted
from app.photos.regions import MEASURED_SIDE, Region

BAND = 96
"""Rows that are warped or lit at a time: a tenth of a second on a phone."""


class CanvasPictures:
    """`Pictures` in a dedicated worker."""

    async def opened(self, raw: bytes, longest_side: int) -> "CanvasPicture":
        blob = js.Blob.new(to_js([to_js(raw)]))
        try:
            bitmap = await js.createImageBitmap(blob, _options(imageOrientation="from-image"))
        except JsException as error:
            raise Undecodable(str(error)) from error
        await asyncio.sleep(0)
        try:
            return CanvasPicture(_drawn(bitmap, *fitted(bitmap.width, bitmap.height, longest_side)))
        finally:
            bitmap.close()


class CanvasPicture:
    """A `Picture` on a canvas."""

    def __init__(self, canvas: Any):
        self.width, self.height = int(canvas.width), int(canvas.height)
        self._canvas = canvas

    async def encoded(self, media_type: str, quality: int, side: int | None = None) -> bytes | None:
        size = fitted(self.width, self.height, side or max(self.width, self.height))
        canvas = self._canvas if size == (self.width, self.height) else _drawn(self._canvas, *size)
        blob = await canvas.convertToBlob(_options(type=media_type, quality=quality / 100))
        if canvas is not self._canvas:
            _free(canvas)
        if blob.type != media_type:  # a client without that encoder gives a PNG instead
            return None
        return bytes((await blob.arrayBuffer()).to_bytes())

    async def measured(self) -> Measured:
        width, height = fitted(self.width, self.height, MEASURED_SIDE)
        canvas = self._canvas if (width, height) == (self.width, self.height) else _drawn(self._canvas, width, height)
        pixels = _pen(canvas).getImageData(0, 0, width, height).data
        if canvas is not self._canvas:
            _free(canvas)
        await asyncio.sleep(0)
        variance, mean = js.skt.measure(pixels, width, height, JUDGED_SIDE).to_py()
        await asyncio.sleep(0)
        figures = list(js.skt.regions(pixels, width, height).to_py())
        many = len(Region._fields)
        regions = (Region(*figures[at : at + many]) for at in range(0, len(figures), many))
        return Measured(float(variance), float(mean), tuple(regions))

    async def grey(self, side: int) -> Grey:
        width, height = fitted(self.width, self.height, side)
        small = _drawn(self._canvas, width, height)
        luma = js.skt.luma(_pen(small).getImageData(0, 0, width, height).data)
        _free(small)
        return Grey(bytes(luma.to_bytes()), width, height)

    async def warp(self, warp: Warp, width: int, height: int) -> None:
        pixels = _pen(self._canvas).getImageData(0, 0, self.width, self.height).data
        flat = js.OffscreenCanvas.new(width, height)
        pen, how = _pen(flat), to_js(warp)
        for top in range(0, height, BAND):
            await asyncio.sleep(0)
            rows = js.ImageData.new(width, min(BAND, height - top))
            js.skt.warp(pixels, self.width, self.height, how, rows.data, width, top)
            pen.putImageData(rows, 0, top)
        _free(self._canvas)
        self._canvas, self.width, self.height = flat, width, height

    async def even(self) -> None:
        pen, width, height = _pen(self._canvas), self.width, self.height
        across, down = -(-width // CELL), -(-height // CELL)
        cells = js.skt.cells(pen.getImageData(0, 0, width, height).data, width, height, CELL)
        await asyncio.sleep(0)
        found = paper(bytes(cells.to_bytes()), across, down)
        white, how = to_js(found), finish(found)
        for top in range(0, height, BAND):
            await asyncio.sleep(0)
            rows = pen.getImageData(0, top, width, min(BAND, height - top))
            js.skt.even(rows.data, width, top, white, across, CELL, WHITE)
            pen.putImageData(rows, 0, top)
        pixels = pen.getImageData(0, 0, width, height).data
        for top in range(0, height, BAND):
            await asyncio.sleep(0)
            rows = js.ImageData.new(width, min(BAND, height - top))
            js.skt.finish(pixels, width, height, rows.data, top, *how)
            pen.putImageData(rows, 0, top)

    def cover(self, boxes: Sequence[Box]) -> None:
        pen = _pen(self._canvas)
        for left, top, right, bottom in boxes:
            width, height = right - left, bottom - top
            pixels = pen.getImageData(left, top, width, height)
            js.skt.cover(pixels.data, width, height, COVER_CELLS)
            pen.putImageData(pixels, left, top)

    async def draw(self, shapes: Drawing, font: bytes) -> None:
        await js.skt.marks.ready(to_js(font))
        js.skt.marks.draw(_pen(self._canvas), json.dumps([asdict(shape) for shape in shapes]))

    def grow(self, below: int, ground: str) -> None:
        taller = js.OffscreenCanvas.new(self.width, self.height + below)
        pen = _pen(taller)
        pen.fillStyle = ground
        pen.fillRect(0, self.height, self.width, below)
        pen.drawImage(self._canvas, 0, 0)
        _free(self._canvas)
        self._canvas, self.height = taller, self.height + below

    def close(self) -> None:
        _free(self._canvas)


def _drawn(source: Any, width: int, height: int) -> Any:
    """A canvas of that size with the picture on white. `source` is left as it is."""
    canvas = js.OffscreenCanvas.new(width, height)
    pen = _pen(canvas)
    pen.fillStyle = "white"
    pen.fillRect(0, 0, width, height)
    pen.imageSmoothingQuality = "high"
    pen.drawImage(source, 0, 0, width, height)
    return canvas


def _pen(canvas: Any) -> Any:
    return canvas.getContext("2d", _options(willReadFrequently=True))


def _free(canvas: Any) -> None:
    """Its pixels away at once: some clients wait for a garbage collection that a phone has no memory for."""
    canvas.width = canvas.height = 0


def _options(**named: Any) -> Any:
    return to_js(named, dict_converter=js.Object.fromEntries)
