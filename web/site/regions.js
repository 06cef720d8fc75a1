// What stands in each region of a picture, from its luma; the same figures as `regions` in app/photos/ink.py gives.

const ACROSS = 8, DOWN = 8, GLARE_FROM = 250, NOISE = 6, REACH = [1, 2, 4, 8];
const LOWEST = 4, HIGHEST = 80, LONGEST = 60, THIN = 5, LONG = 12, SHADE = 4;

/** Means of three neighbours, rounded, along rows and then along columns; the outermost ones repeat. */
function softened(luma, w, h) {
  const once = new Uint8Array(w * h), twice = new Uint8Array(w * h);
  for (let y = 0, at = 0; y < h; y++)
    for (let x = 0; x < w; x++, at++)
      once[at] = (luma[at - (x > 0)] + luma[at] + luma[at + (x < w - 1)] + 1.5) / 3;
  for (let y = 0, at = 0; y < h; y++)
    for (let x = 0; x < w; x++, at++)
      twice[at] = (once[at - (y > 0) * w] + once[at] + once[at + (y < h - 1) * w] + 1.5) / 3;
  return twice;
}

/** A grey closing: what is bright around every place. Changes `luma`. */
function paper(luma, w, h) {
  for (const step of REACH)
    for (let y = 0; y < h; y++)
      for (let x = w - 1, at = y * w + x; x >= step; x--, at--) if (luma[at - step] > luma[at]) luma[at] = luma[at - step];
  for (const step of REACH.map(step => step * w))
    for (let at = w * h - 1; at >= step; at--) if (luma[at - step] > luma[at]) luma[at] = luma[at - step];
  for (const step of REACH)
    for (let y = 0; y < h; y++)
      for (let x = 0, at = y * w; x < w - step; x++, at++) if (luma[at + step] < luma[at]) luma[at] = luma[at + step];
  for (const step of REACH.map(step => step * w))
    for (let at = 0; at < w * h - step; at++) if (luma[at + step] < luma[at]) luma[at] = luma[at + step];
  return luma;
}

/** Boxes [left, top, right, bottom, pixels, ink] of what is connected, also over corners. */
function spots(inked, depth, w, h) {
  const found = [], partOf = [];
  const join = (box, other) => {
    box[0] = Math.min(box[0], other[0]); box[1] = Math.min(box[1], other[1]);
    box[2] = Math.max(box[2], other[2]); box[3] = Math.max(box[3], other[3]);
    box[4] += other[4]; box[5] = Math.max(box[5], other[5]);
  };
  let above = [];
  for (let y = 0; y < h; y++) {
    const runs = [], row = y * w;
    let nth = 0;
    for (let x = 0; x < w; x++) {
      if (!inked[row + x]) continue;
      const left = x;
      let ink = 0;
      for (; x < w && inked[row + x]; x++) ink = Math.max(ink, depth[row + x]);
      const right = x - 1;
      while (nth < above.length && above[nth][1] < left - 1) nth++;
      let mine = -1;
      for (let k = nth; k < above.length && above[k][0] <= right + 1; k++) {
        let over = above[k][2];
        while (partOf[over] !== over) over = partOf[over];
        if (mine < 0) mine = over;
        else if (over !== mine) {
          const other = Math.max(mine, over);
          mine = Math.min(mine, over);
          partOf[other] = mine;
          join(found[mine], found[other]);
        }
      }
      const run = [left, y, right, y, right - left + 1, ink];
      if (mine < 0) {
        mine = found.push(run) - 1;
        partOf.push(mine);
      } else join(found[mine], run);
      runs.push([left, right, mine]);
    }
    above = runs;
  }
  return found.filter((_, number) => partOf[number] === number);
}

/** The value that so many tenths of the width do not exceed. */
function tenths(parts, which, total, many) {
  let below = 0;
  for (const part of [...parts].sort((one, other) => one[which] - other[which])) if (10 * (below += part[1]) >= many * total) return part[which];
}

/** The luma that best divides the picture into a dark and a light part (Otsu). */
function split(luma) {
  const shades = new Float64Array(256 / SHADE), pixels = luma.length;
  for (const light of luma) shades[Math.floor(light / SHADE)]++;
  const mass = shades.reduce((sum, many, shade) => sum + shade * many, 0);
  let below = 0, dark = 0, best = -1, found = 0;
  shades.subarray(0, -1).forEach((many, shade) => {
    below += many;
    dark += shade * many;
    if (!below || below === pixels) return;
    const apart = mass * below - dark * pixels, spread = apart * apart / (below * (pixels - below));
    if (spread > best) [best, found] = [spread, SHADE * (shade + 1)];
  });
  return found;
}

/** For each region, row by row: letters, spots, height, ink, paper, darkest, fill, four edges, glare, split. Empty below 32 pixels. */
export function regions(luma, width, height) {
  const wide = Math.floor(width / ACROSS), high = Math.floor(height / DOWN), w = wide * ACROSS, h = high * DOWN;
  if (Math.min(wide, high) < 4) return new Float64Array();
  const cut = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) cut.set(luma.subarray(y * width, y * width + w), y * w);
  const bright = paper(softened(cut, w, h), w, h), depth = new Uint8Array(w * h), inked = new Uint8Array(w * h);
  for (let at = 0; at < w * h; at++) {
    depth[at] = Math.max(0, bright[at] - cut[at]);
    inked[at] = depth[at] > (bright[at] >> 3) + 6;
  }
  const sums = Array.from({ length: ACROSS * DOWN }, () => [0, 0, 0, 0, 0, 0, 0, 0, 0]);  // of four edges each, squared, glare
  for (let y = 0, at = 0; y < h; y++) {
    for (let x = 0; x < w; x++, at++) {
      const sum = sums[Math.floor(y / high) * ACROSS + Math.floor(x / wide)];
      if (cut[at] >= GLARE_FROM) sum[8]++;
      let near = inked[at];
      for (let v = Math.max(0, y - 1); !near && v <= Math.min(h - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(w - 1, x + 1); u++) near |= inked[v * w + u];
      if (!near) continue;
      const left = y * w + (x + w - 1) % w, right = y * w + (x + 1) % w, below = (y + 1) % h * w - y * w;  // beyond the rim: round
      [right, at + below, right + below, left + below].forEach((other, way) => {
        const edge = Math.abs(cut[at] - cut[other]);
        if (edge >= NOISE) { sum[2 * way] += edge; sum[2 * way + 1] += edge * edge; }
      });
    }
  }
  const parts = Array.from({ length: ACROSS * DOWN }, () => []);
  for (const [left, top, right, bottom, pixels, ink] of spots(inked, depth, w, h)) {
    const length = right - left + 1, tall = bottom - top + 1;
    if (tall < LOWEST || tall > HIGHEST || length < 2 || length > LONGEST * tall || pixels < 5) continue;
    if (tall <= THIN && length > LONG * tall) continue;
    const middle = (top + bottom) >> 1, light = Math.max(1, bright[middle * w + ((left + right) >> 1)]);
    if (tall <= THIN && ink * 10 < light * 3) continue;
    for (let column = Math.floor(left / wide); column <= Math.floor(right / wide); column++)
      parts[Math.floor(middle / high) * ACROSS + column].push(
        [tall, Math.min(right, column * wide + wide - 1) - Math.max(left, column * wide) + 1, ink, light, pixels / (length * tall)]);
  }
  const divide = split(cut);
  return Float64Array.from(parts.flatMap((inIt, region) => {
    const sum = sums[region];
    const edges = [...[0, 2, 4, 6].map(way => sum[way] && sum[way + 1] / sum[way]), sum[8] / (wide * high), divide];
    if (!inIt.length) return [0, 0, 0, 0, 0, 0, 0, ...edges];
    const total = inIt.reduce((sum, part) => sum + part[1], 0), typical = (which, many = 5) => tenths(inIt, which, total, many);
    return [total / typical(0), inIt.length, typical(0), typical(2), typical(3), typical(2, 9), typical(4), ...edges];
  }));
}
