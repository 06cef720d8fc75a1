// How sharp and how bright a picture is, from its pixels; the same figures as `measure` in app/photos/pillow.py gives.

const taps = (from, to) => {
  // A triangle filter as wide as the shrinking asks for: for each new place the first old one and the weights from there on.
  const scale = from / to, reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, place) => {
    const middle = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(middle - reach + 0.5)), end = Math.min(from, Math.trunc(middle + reach + 0.5));
    const weights = Array.from({ length: end - first }, (_, n) => Math.max(0, 1 - Math.abs(first + n + 0.5 - middle) / reach));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: Float64Array.from(weights, weight => weight / sum) };
  });
};

/** Luma of RGBA pixels by ITU-R 601 in whole numbers, as Pillow has it. */
export function luma(pixels) {
  const grey = new Uint8Array(pixels.length / 4);
  for (let to = 0, at = 0; to < grey.length; to++, at += 4)
    grey[to] = (19595 * pixels[at] + 38470 * pixels[at + 1] + 7471 * pixels[at + 2] + 0x8000) >> 16;
  return grey;
}

/**
 * [variance of the 4-neighbour Laplacian of luma, mean luma] of RGBA pixels, at most `side` large.
 * Below 3 by 3 pixels there is no Laplacian and the variance is 0.
 */
export function measure(pixels, width, height, side = 640) {
  const longest = Math.max(width, height), shrink = longest > side ? side / longest : 1;
  const w = Math.max(1, Math.round(width * shrink)), h = Math.max(1, Math.round(height * shrink));
  const across = taps(width, w), down = taps(height, h);
  const whole = luma(pixels), narrow = new Uint8Array(w * height), small = new Uint8Array(w * h);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < w; x++) {
      const { first, weights } = across[x];
      let sum = 0.5;
      for (let n = 0; n < weights.length; n++) sum += weights[n] * whole[y * width + first + n];
      narrow[y * w + x] = sum;
    }
  }
  let light = 0;
  for (let y = 0; y < h; y++) {
    const { first, weights } = down[y];
    for (let x = 0; x < w; x++) {
      let sum = 0.5;
      for (let n = 0; n < weights.length; n++) sum += weights[n] * narrow[(first + n) * w + x];
      small[y * w + x] = sum;  // a Uint8Array drops the fraction: half up
      light += small[y * w + x];
    }
  }
  const brightness = light / (w * h);
  if (w < 3 || h < 3) return [0, brightness];
  let sum = 0, squares = 0;
  for (let y = 1; y < h - 1; y++) {
    for (let x = 1, at = y * w + 1; x < w - 1; x++, at++) {
      const edge = small[at - 1] + small[at + 1] + small[at - w] + small[at + w] - 4 * small[at];
      sum += edge;
      squares += edge * edge;
    }
  }
  const many = (w - 2) * (h - 2);
  return [squares / many - (sum / many) ** 2, brightness];
}

/** Makes RGBA pixels unrecognisable where they lie: `cells` by `cells` rectangles at most, each of its mean colour. */
export function cover(pixels, width, height, cells) {
  const across = Math.min(cells, width), down = Math.min(cells, height);
  const sums = new Float64Array(across * down * 4);
  const each = work => {
    for (let y = 0, at = 0; y < height; y++)
      for (let x = 0; x < width; x++, at += 4)
        work(at, 4 * (Math.floor(y * down / height) * across + Math.floor(x * across / width)));
  };
  each((at, cell) => { for (let n = 0; n < 3; n++) sums[cell + n] += pixels[at + n]; sums[cell + 3]++; });
  each((at, cell) => { for (let n = 0; n < 3; n++) pixels[at + n] = Math.round(sums[cell + n] / sums[cell + 3]); });
}
