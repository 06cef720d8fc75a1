// Marks on a photo, as app/photos/marks.py lays them out; `PillowPicture.draw` in app/photos/pillow.py inks them alike.

const FAMILY = "So Marks", RIM = "#FFFFFF";
let loading;

/** The font of marks from the bytes of its file, loaded once; to be awaited before letters are drawn. */
export function ready(bytes) {
  loading ??= new FontFace(FAMILY, bytes).load().then(face => self.fonts.add(face));
  return loading;
}

/** Inks strokes and letters, each over a white rim of its own, into a 2d context. */
export function draw(pen, shapes) {
  pen.save();
  pen.lineCap = pen.lineJoin = "round";
  pen.textBaseline = "alphabetic";
  pen.fontKerning = "none";
  for (const shape of shapes) {
    if (shape.points) {
      pen.beginPath();
      for (const [x, y] of shape.points) pen.lineTo(x, y);
      for (const [ink, width] of [[RIM, shape.width + 2 * shape.rim], [shape.ink, shape.width]]) {
        pen.strokeStyle = ink;
        pen.lineWidth = width;
        pen.stroke();
      }
    } else {
      pen.font = `${shape.size}px "${FAMILY}"`;
      pen.strokeStyle = RIM;
      pen.lineWidth = 2 * shape.rim;
      pen.fillStyle = shape.ink;
      if (shape.rim) for (const [letter, x] of shape.letters) pen.strokeText(letter, x, shape.baseline);
      for (const [letter, x] of shape.letters) pen.fillText(letter, x, shape.baseline);
    }
  }
  pen.restore();
}
