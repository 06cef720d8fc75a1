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
