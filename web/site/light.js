// Even light on a photographed board, as `_evened` in app/photos/pillow.py makes it; what paper is, says app/photos/light.py.

/** Mean luma of squares of `cell` pixels of a grey picture, row by row; those at the right and lower rim are as large as what is left. */
export function cells(grey, width, height, cell) {
  const across = Math.ceil(width / cell), down = Math.ceil(height / cell);
  const sums = new Float64Array(across * down), many = new Float64Array(across * down);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor(y / cell) * across;
    for (let x = 0; x < width; x++, at++) {
      const here = row + Math.floor(x / cell);
      sums[here] += grey[at];
      many[here]++;
    }
  }
  return Uint8Array.from(sums, (sum, here) => Math.floor((sum + many[here] / 2) / many[here]));
}

/** RGBA `rows` of a picture `width` wide, from its row `top` on, as bright as if `paper` (of cells, `across` in a row) were `white`. */
export function even(rows, width, top, paper, across, cell, white) {
  const last = paper.length / across - 1, height = rows.length / 4 / width;
  const between = (place, end) => {  // the cells before and after it, and how far it lies on the way
    const at = Math.min(Math.max((place + 0.5) / cell - 0.5, 0), end), before = Math.min(Math.floor(at), end);
    return [before, Math.min(before + 1, end), at - before];
  };
  for (let y = 0, at = 0; y < height; y++) {
    const [upper, lower, down] = between(top + y, last);
    for (let x = 0; x < width; x++, at += 4) {
      const [left, right, far] = between(x, across - 1);
      const one = Math.round(paper[upper * across + left] * (1 - far) + paper[upper * across + right] * far);
      const two = Math.round(paper[lower * across + left] * (1 - far) + paper[lower * across + right] * far);
      const light = Math.round(one * (1 - down) + two * down);
      for (let colour = at; colour < at + 3; colour++) rows[colour] = Math.min(255, Math.floor(rows[colour] * white / light));
    }
  }
}

/**
 * Fill RGBA `rows`, from row `top` on, of a picture `width` by `height`: each pixel `by` times as far from the mean of those within
 * `reach` of it, across and down, as it lies in `pixels`. At the rim its pixels go on.
 */
export function finish(pixels, width, height, rows, top, reach, by) {
  const many = 2 * reach + 1, above = Math.max(0, top - reach), below = Math.min(height, top + rows.length / 4 / width + reach);
  const means = new Uint8Array(3 * width * (below - above));
  for (let y = above, to = 0; y < below; y++) {
    const row = 4 * width * y, last = width - 1;
    for (let x = 0; x < width; x++) {
      for (let colour = 0; colour < 3; colour++) {
        let sum = 0;
        for (let k = x - reach; k <= x + reach; k++) sum += pixels[row + 4 * Math.min(last, Math.max(0, k)) + colour];
        means[to++] = Math.floor(sum / many + 0.5);
      }
    }
  }
  for (let y = top, at = 0; at < rows.length; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      for (let colour = 0; colour < 3; colour++) {
        let sum = 0;
        for (let k = y - reach; k <= y + reach; k++) {
          const line = Math.min(height - 1, Math.max(0, k)) - above;
          sum += means[3 * (line * width + x) + colour];
        }
        const mean = Math.floor(sum / many + 0.5);
        rows[at + colour] = Math.trunc(Math.min(255, Math.max(0, mean + by * (pixels[4 * (y * width + x) + colour] - mean))));
      }
      rows[at + 3] = 255;
    }
  }
}
