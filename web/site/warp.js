// A board seen from the front: the same pixels as Pillow's Image.transform(PERSPECTIVE, BICUBIC) gives, within one step.

/** The four weights of a cubic (a = -1, as Pillow has it) over the places -1, 0, 1, 2 for a point `part` after place 0. */
function weigh(weights, part) {
  const square = part * part, cube = square * part;
  weights[0] = 2 * square - part - cube;
  weights[1] = 1 - 2 * square + cube;
  weights[2] = part + square - cube;
  weights[3] = cube - square;
}

/**
 * RGBA pixels of the rows from `top` on of a picture `width` wide, whose pixel (x, y) lies in `pixels`, `wide` by `high`, where
 * `warp` (eight numbers, see app/photos/perspective.py) says. `rows` is filled; what lies outside becomes black.
 */
export function warp(pixels, wide, high, warp, rows, width, top) {
  const [a, b, c, d, e, f, g, h] = warp, across = new Float64Array(4), down = new Float64Array(4);
  const columns = new Int32Array(4), lines = new Int32Array(4);
  for (let at = 0, n = 0; at < rows.length; at += 4, n++) {
    const x = n % width + 0.5, y = top + Math.floor(n / width) + 0.5, below = g * x + h * y + 1;
    const u = (a * x + b * y + c) / below, v = (d * x + e * y + f) / below;
    rows[at + 3] = 255;
    if (!(u >= 0 && u < wide && v >= 0 && v < high)) {
      rows[at] = rows[at + 1] = rows[at + 2] = 0;
      continue;
    }
    const left = Math.floor(u - 0.5), upper = Math.floor(v - 0.5);
    weigh(across, u - 0.5 - left);
    weigh(down, v - 0.5 - upper);
    for (let k = 0; k < 4; k++) {  // beyond the rim: its pixels again
      columns[k] = 4 * Math.min(wide - 1, Math.max(0, left + k - 1));
      lines[k] = 4 * wide * Math.min(high - 1, Math.max(0, upper + k - 1));
    }
    for (let colour = 0; colour < 3; colour++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) {
        const line = lines[k] + colour;
        sum += down[k] * (across[0] * pixels[line + columns[0]] + across[1] * pixels[line + columns[1]]
          + across[2] * pixels[line + columns[2]] + across[3] * pixels[line + columns[3]]);
      }
      rows[at + colour] = sum;  // clamped to 0 and 255
    }
  }
}
