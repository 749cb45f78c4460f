// How sure a mean difference is: the middle of the means of its groups drawn anew, as analysis/comparison/differences.py
// does for whole tables. The same numbers come out each time.

const DRAWS = 1000;

// Mulberry32: numbers from 0 to 1 by a seed, good enough to draw groups, and as fast as drawing thousands needs.
function drawsOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Between sorted values, as numpy's quantile.
function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

// Of groups, each {images, total}; null with fewer than two.
function intervalOf(groups) {
  if (groups.length < 2) return null;
  const totals = Float64Array.from(groups, ({ total }) => total);
  const sizes = Float64Array.from(groups, ({ images }) => images);
  const draw = drawsOf(0);
  const means = new Float64Array(DRAWS);
  for (let number = 0; number < DRAWS; number += 1) {
    let [total, size] = [0, 0];
    for (let left = groups.length; left > 0; left -= 1) {
      const group = Math.floor(draw() * groups.length);
      total += totals[group];
      size += sizes[group];
    }
    means[number] = total / size;
  }
  means.sort();
  return [(1 - data.level) / 2, (1 + data.level) / 2].map((share) => quantile(means, share));
}
