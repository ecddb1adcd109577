"use strict";
/* Two pictures: the standard error against the split, and the law. Text is as large as that of the page: a unit is a pixel. */
const splitChart = (() => {
  const NAMESPACE = "http://www.w3.org/2000/svg";
  const [TOP, RIGHT, BOTTOM] = [12, 24, 46];
  const DIGIT = 7.4; // width of one in pixels
  const POINTS = 320;

  function node(name, attributes = {}, children = []) {
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const text = (words, x, y, attributes = {}) => node("text", { x, y, ...attributes }, [words]);

  /** From numbers to pixels and back, by way of `bend`, which is the identity or a logarithm. */
  function scale([low, high], [start, end], bend = (x) => x, unbend = (x) => x) {
    const [first, length] = [bend(low), bend(high) - bend(low)];
    const place = (value) => start + ((bend(value) - first) / length) * (end - start);
    place.invert = (pixel) => unbend(first + ((pixel - start) / (end - start)) * length);
    return place;
  }

  const log_scale = (domain, range) => scale(domain, range, Math.log, Math.exp);

  /** Round numbers between both, about `wanted` of them. */
  function ticks(low, high, wanted) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  }

  /** Powers of ten, or 1, 2 and 5 times those where there are few. */
  function log_ticks(low, high, most = 6) {
    const decades = Math.log10(high / low);
    const [factors, every] = decades < 2 ? [[1, 2, 5], 1] : [[1], Math.ceil(decades / most)];
    const first = Math.floor(Math.log10(low));
    const powers = Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => first + i).filter((power) => power % every === 0);
    const all = powers.flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)));
    return all.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
  }

  /** The rectangle between the axes, with room for the numbers at its left. */
  function area(width, height, numbers) {
    const longest = Math.max(...numbers.map((words) => words.length));
    return { left: Math.ceil(longest * DIGIT) + 12, right: width - RIGHT, top: TOP, bottom: height - BOTTOM, width, height };
  }

  function horizontal_grid(box, y, values, words) {
    return values.flatMap((value, i) => [
      node("line", { x1: box.left, x2: box.right, y1: y(value), y2: y(value), class: "grid" }),
      text(words[i], box.left - 7, y(value) + 4, { "text-anchor": "end" }),
    ]);
  }

  function horizontal_axis(box, x, values, words, title) {
    const marks = values.flatMap((value) => [
      node("line", { x1: x(value), x2: x(value), y1: box.bottom, y2: box.bottom + 5, class: "axis" }),
      text(words(value), x(value), box.bottom + 19, { "text-anchor": "middle" }),
    ]);
    const line = node("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "axis" });
    const middle = (box.left + box.right) / 2;
    return [line, ...marks, text(title, middle, box.bottom + 38, { "text-anchor": "middle", class: "title" })];
  }

  const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}`;

  /** What is too high to be shown is drawn a little above the area, which clips it. */
  const curve = (box, x, y, values, of) =>
    path(values.map((value) => [x(value), Math.max(Math.min(y(of(value)), 2 * box.bottom), box.top - 50)]));

  const level = (box, pixel, kind) => node("line", { x1: box.left, x2: box.right, y1: pixel, y2: pixel, class: `line ${kind}` });

  function clipped(box, name, children) {
    const { left, right, top, bottom } = box;
    const inside = node("rect", { x: left, y: top, width: right - left, height: bottom - top });
    return [node("clipPath", { id: name }, [inside]), node("g", { "clip-path": `url(#${name})` }, children)];
  }

  function fill(svg, box, children) {
    svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    svg.setAttribute("width", box.width);
    svg.setAttribute("height", box.height);
    svg.replaceChildren(...children);
  }

  /** Numbers of labels at which curves are drawn: even on the axis, and dense near both ends. */
  function sizes(x, n, box) {
    const even = Array.from({ length: POINTS + 1 }, (_, i) => x.invert(box.left + ((box.right - box.left) * i) / POINTS) * n);
    const near = Array.from({ length: 48 }, (_, i) => (n / 2) ** (i / 47));
    const all = [...even, ...near, ...near.map((size) => n - size)];
    return all.filter((s) => s >= 1 && s <= n - 1).sort((one, other) => one - other);
  }

  /** The axis of the split: shares of n. */
  const share_scale = (view, range) =>
    view.x === "log" ? log_scale([1 / view.n, 1], range) : scale([0, 1], range);

  /** Lowest and highest value shown: labels only are never far from the top, and steps of a tenth of them keep the picture still. */
  function span(view, measure) {
    const top = measure(view.alone);
    const lowest = Math.min(...[view.alone, view.split, view.cross].filter(Boolean).map(measure)) / top;
    const low = Math.max(Math.floor((lowest - 0.06) * 10) / 10, 0);
    return [low * top, (1 + 0.35 * (1 - low) + 0.05) * top];
  }

  function draw_split(svg, view, width, height) {
    const measure = ({ standard_error }) => standard_error ** (view.y === "variance" ? 2 : 1);
    const [low, high] = span(view, measure);
    const values = ticks(low, high, 5);
    const words = values.map((value) => splitWords.number(value));
    const box = area(width, height, words);
    const y = scale([low, high], [box.bottom, box.top]);
    const x = share_scale(view, [box.left, box.right]);
    const at = (s) => measure({ standard_error: Math.sqrt(splitObjective.split_variance(view.known, s, view.n, view.m)) });
    fill(svg, box, [
      band(box, x, view),
      ...horizontal_grid(box, y, values, words),
      ...horizontal_axis(box, x, share_ticks(view, width), splitWords.percent, "share of labels that fine-tune, s / n"),
      ...clipped(box, "inside-split", [
        level(box, y(measure(view.alone)), "alone"),
        ...(view.cross ? [level(box, y(measure(view.cross)), "folds")] : []),
        node("path", { d: curve(box, (s) => x(s / view.n), y, sizes(x, view.n, box), at), class: "line split" }),
      ]),
      ...your_split(box, x, y, view, measure),
      ...optimum(box, x, y, view, measure),
    ]);
    return box;
  }

  const share_ticks = (view, width) =>
    view.x === "log" ? log_ticks(1 / view.n, 1, width < 500 ? 4 : 6) : ticks(0, 1, width < 500 ? 5 : 10);

  function band(box, x, { band: [low, high], n, split_helps }) {
    const [start, end] = [x(low / n), x(high / n)];
    const size = { x: start, y: box.top, width: Math.max(end - start, 1), height: box.bottom - box.top };
    return node("rect", { ...size, class: "band", visibility: split_helps ? "visible" : "hidden" });
  }

  function optimum(box, x, y, view, measure) {
    if (!view.split_helps) return [];
    const share = view.split.n_finetune / view.n;
    const [left, top] = [x(share), y(measure(view.split))];
    const words = `best: s = ${splitWords.count(view.split.n_finetune)}`;
    return [
      node("line", { x1: left, x2: left, y1: top, y2: box.bottom, class: "drop" }),
      node("circle", { cx: left, cy: top, r: 6.5, class: "best" }),
      text(words, kept_inside(left, words, box), top - 14, { "text-anchor": "middle", class: "mark" }),
    ];
  }

  function kept_inside(pixel, words, box) {
    const half = (words.length * DIGIT) / 2 + 4;
    return Math.min(Math.max(pixel, box.left + half), box.right - half);
  }

  function your_split(box, x, y, { yours }, measure) {
    const left = Math.min(Math.max(x(yours.share), box.left), box.right);
    const top = Math.max(y(measure(yours)), box.top);
    return [
      node("line", { x1: left, x2: left, y1: box.top, y2: box.bottom, class: "yours" }),
      node("circle", { cx: left, cy: top, r: 6, class: "yours" }),
    ];
  }

  function draw_law(svg, view, width, height) {
    const { known, n, split, cross, residual } = view;
    const high = 1.18 * Math.max(known.total_variance, residual(n));
    const values = ticks(0, high, 4);
    const words = values.map((value) => splitWords.number(value));
    const box = area(width, height, words);
    const y = scale([0, high], [box.bottom, box.top]);
    const x = log_scale([1, n], [box.left, box.right]);
    const all = Array.from({ length: POINTS + 1 }, (_, i) => x.invert(box.left + ((box.right - box.left) * i) / POINTS));
    fill(svg, box, [
      ...horizontal_grid(box, y, values, words),
      ...horizontal_axis(box, x, log_ticks(1, n, width < 500 ? 4 : 6), splitWords.number, "labels that train, s"),
      ...clipped(box, "inside-law", [
        level(box, y(known.total_variance), "alone"),
        level(box, y(known.b), "floor"),
        node("path", { d: curve(box, x, y, all, residual), class: "line law" }),
      ]),
      text("V(Y)", box.right - 4, y(known.total_variance) - 6, { "text-anchor": "end", class: "mark" }),
      text("b", box.left + 6, y(known.b) - 6, { class: "mark", visibility: known.b > 0 ? "visible" : "hidden" }),
      ...law_marks(box, x, y, residual, split, cross),
    ]);
  }

  /** Where the best split and cross-fitting stand on it. */
  function law_marks(box, x, y, residual, split, cross) {
    const top = (s) => Math.max(y(residual(s)), box.top);
    const marks = [node("circle", { cx: x(split.n_finetune), cy: top(split.n_finetune), r: 6.5, class: "best" })];
    if (!cross) return marks;
    const [left, middle] = [x(cross.n_finetune), top(cross.n_finetune)];
    return [...marks, node("rect", { x: left - 5.5, y: middle - 5.5, width: 11, height: 11, class: "folds" })];
  }

  return { draw_split, draw_law, share_scale, ticks, log_ticks };
})();
