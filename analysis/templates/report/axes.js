// Scales and ticks of plots: pure functions of numbers.

// A function from values to pixels, its `invert`, and its `ticks`: about as many as are asked for.
function linearScale([low, high], [from, to]) {
  const span = high - low || 1;
  const scale = (value) => from + ((value - low) / span) * (to - from);
  const invert = (pixel) => low + ((pixel - from) / (to - from || 1)) * span;
  return Object.assign(scale, { domain: [low, high], range: [from, to], invert, ticks: (count) => linearTicks(low, high, count) });
}

// The same for positive values over decades.
function logScale([low, high], range) {
  const inner = linearScale([Math.log10(low), Math.log10(high)], range);
  const scale = (value) => inner(Math.log10(value));
  return Object.assign(scale, { domain: [low, high], range, invert: (pixel) => 10 ** inner.invert(pixel), ticks: (count) => logTicks(low, high, count) });
}

// Multiples of 1, 2 or 5 times a power of ten; two at least, for one tells no scale.
function linearTicks(low, high, count) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  if (last <= first) return linearTicks(low, high, 2 * Math.max(1, count));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

// Powers of ten, each or every second and so on.
function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, count)));
  const ticks = [];
  for (let power = first; power <= last; power += every) ticks.push(Number((10 ** power).toPrecision(12)));
  return ticks.length ? ticks : linearTicks(low, high, count);
}

// A number as short as an axis wants it: 0.95, 1,500, 2 M.
function formatTick(value) {
  const size = Math.abs(value);
  for (const [least, letter] of [[1e9, " G"], [1e6, " M"], [1e4, " k"]]) {
    if (size >= least) return `${Number((value / least * (least === 1e4 ? 10 : 1)).toPrecision(3)).toLocaleString("en")}${letter}`;
  }
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 6 });
}
const formatTickShare = (value) => `${Number((100 * value).toPrecision(3))} %`;

// A time in seconds as its day, or as its time of day where all lie on one.
function formatTime(seconds, span) {
  const [day, time] = new Date(1000 * seconds).toISOString().split("T");
  return span < 2 * 86400 ? time.slice(0, 5) : day;
}

// The smallest and largest of the values that there are, with some air around them.
function extent(values, air = 0) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || value === undefined || Number.isNaN(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const around = (high - low) * air;
  return [low - around, high + around];
}
