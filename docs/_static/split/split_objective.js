"use strict";
/* What ScalingLaw of sklearn_ftr computes, under the same names: the law, the variance of each way to use n labels beside a
   pool of m rows, the best split, the choice. Sources: docs/statistics.md, "Optimal split"; Wang, Ye and Zhao (2025),
   arXiv 2511.19486, section 4.1. Runs in browsers and under node. `tests/test_split_page.py` compares every number.

   `known` holds total_variance = V(Y), recycle and tuned, and the law's a, alpha and b; m may be Infinity. */
const splitObjective = (() => {
  const ROUNDING = 1e-25; // a residual variance below this, in units of V(Y), is nothing
  const TIE = 5e-13; // variances of splits that differ by less are equal
  const SEARCH_SIZE = 1024; // whole numbers that are looked at together
  const RELATIVE_TIE = 1e-9; // of options
  const ABSOLUTE_TIE = 1e-12; // the same, in units of the variance of labels alone
  const FEWEST = 2; // labels of either stage

  /** Residual variance v(s) after training on s labels. */
  const predict = ({ a, alpha, b }, s) => (a ? a * s ** -alpha + b : b);

  /** Its derivative. */
  const slope = ({ a, alpha }, s) => (a ? -a * alpha * s ** (-alpha - 1) : 0);

  /** Variance of the mean of n labels. */
  const alone = (known, n) => known.total_variance / n;

  /** V(y - lambda f) / r + lambda^2 V(f) / m of r labels that rectify. A tuned lambda is 1 / (1 + r / m), less where v exceeds V(Y). */
  function rectified(known, residual, r, m) {
    const total = known.total_variance;
    let left = residual <= ROUNDING * total ? 0 : residual;
    if (known.tuned) left = Math.min(left, total);
    return left / r + Math.max(total - left, 0) / (m + (known.tuned ? r : 0));
  }

  /** The same after the mean of the s labels that have trained has been added, by inverse variance. */
  const recycled = (known, variance, s) =>
    known.recycle ? variance / (1 + (variance * s) / known.total_variance) : variance;

  /** Of a split: s labels train, n - s rectify. */
  const split_variance = (known, s, n, m) =>
    recycled(known, rectified(known, predict(known, s), n - s, m), s);

  /** Labels that train each of K models. */
  const cross_fitting_size = (n, folds) => n - Math.floor(n / folds);

  /** Of cross-fitting: every label rectifies a model that the other folds have trained. */
  const cross_fitting_variance = (known, folds, n, m) =>
    rectified(known, predict(known, cross_fitting_size(n, folds)), n, m);

  /** What the best split minimises: that of a split, where a lambda that is tuned still takes v as it is. */
  function objective(known, s, n, m) {
    const residual = predict(known, s);
    const total = known.total_variance;
    const pool = Math.max(total - residual, 0) / (m + (known.tuned ? n - s : 0));
    const plain = residual / (n - s) + pool;
    return known.recycle ? 1 / (1 / plain + s / total) : plain;
  }

  /** The whole number s with the smallest variance: tables of whole numbers, each between the neighbors of the best of the last. */
  function optimal_split(known, n, m) {
    let [low, high] = [FEWEST, n - FEWEST];
    for (;;) {
      const table = whole_table(low, high);
      const variances = table.map((s) => objective(known, s, n, m));
      const best = variances.indexOf(Math.min(...variances));
      if (high - low < SEARCH_SIZE) return table[first_within_a_tie(variances, best, known, n)];
      low = table[Math.max(best - 1, 0)];
      high = table[Math.min(best + 1, table.length - 1)];
    }
  }

  function first_within_a_tie(variances, best, known, n) {
    const limit = variances[best] * (1 + TIE) + (ROUNDING * known.total_variance) / n;
    return variances.findIndex((variance) => variance <= limit);
  }

  /** Whole numbers between both, all if they are few; else dense near either end, evenly in logarithms of the distance from it. */
  function whole_table(low, high) {
    if (high - low < SEARCH_SIZE) return Array.from({ length: high - low + 1 }, (_, i) => low + i);
    const half = SEARCH_SIZE / 2;
    const steps = Array.from({ length: half }, (_, i) => (high - low) ** (i / (half - 1)) - 1);
    const both = steps.flatMap((step) => [Math.floor(low + step), Math.floor(high - step)]);
    return [...new Set(both)].map((s) => Math.min(Math.max(s, low), high)).sort((x, y) => x - y);
  }

  /** From and to which s the standard error is at most (1 + share) times that of the split s. */
  function regret_band(known, s, n, m, share) {
    const limit = split_variance(known, s, n, m) * (1 + share) ** 2;
    const good = (other) => split_variance(known, other, n, m) <= limit;
    return [last_good(good, s, FEWEST), last_good(good, s, n - FEWEST)];
  }

  /** The farthest whole number towards `end` up to which all are good, if what is no longer good stays so. */
  function last_good(good, start, end) {
    if (good(end)) return end;
    let [inside, outside] = [start, end];
    while (Math.abs(outside - inside) > 1) {
      const middle = Math.trunc((inside + outside) / 2);
      if (good(middle)) inside = middle;
      else outside = middle;
    }
    return inside;
  }

  /** Of labels with predictions that leave this residual variance. */
  const correlation = (known, residual) =>
    Math.sqrt(Math.max(1 - residual / known.total_variance, 0));

  function option(known, n, variance, more) {
    const efficiency = variance > 0 ? alone(known, n) / variance : Infinity;
    return { standard_error: Math.sqrt(variance), efficiency, ...more };
  }

  function labels_only(known, n) {
    const more = { strategy: "labels only", n_finetune: 0, n_rectify: n, n_folds: 0, n_trainings: 0, correlation: 0 };
    return option(known, n, alone(known, n), more);
  }

  function split(known, n, m, s) {
    const correlated = correlation(known, predict(known, s));
    const more = { strategy: "split", n_finetune: s, n_rectify: n - s, n_folds: 0, n_trainings: 1, correlation: correlated };
    return option(known, n, split_variance(known, s, n, m), more);
  }

  function cross_fitting(known, n, m, folds) {
    const s = cross_fitting_size(n, folds);
    const correlated = correlation(known, predict(known, s));
    const more = { strategy: "cross-fitting", n_finetune: s, n_rectify: n, n_folds: folds, n_trainings: folds, correlation: correlated };
    return option(known, n, cross_fitting_variance(known, folds, n, m), more);
  }

  /** Every option for n labels; cross-fitting has two labels at least in each fold. */
  function plan(known, n, m, folds) {
    const options = [labels_only(known, n)];
    if (n >= 2 * FEWEST) options.push(split(known, n, m, optimal_split(known, n, m)));
    if (n >= 4 && folds <= n / 2) options.push(cross_fitting(known, n, m, folds));
    return options;
  }

  /** Whether predictions correlate with labels enough to help: by more than 1 / sqrt(r - 2) (arXiv 2505.20178). */
  function can_help({ strategy, correlation: correlated, n_rectify: r }) {
    const needed = r > 2 ? 1 / Math.sqrt(r - 2) : 0;
    return strategy === "labels only" || correlated > needed * (1 + RELATIVE_TIE);
  }

  /** The smallest variance; of options that tie the one with the fewest trainings. */
  function best(options) {
    const allowed = options.filter(can_help);
    const relative = allowed.map(({ efficiency }) => 1 / efficiency);
    const limit = Math.min(...relative) * (1 + RELATIVE_TIE) + ABSOLUTE_TIE;
    const ties = allowed.filter((_, i) => relative[i] <= limit);
    return ties.reduce((first, other) => (other.n_trainings < first.n_trainings ? other : first));
  }

  return {
    predict, slope, alone, rectified, recycled, split_variance, cross_fitting_size, cross_fitting_variance,
    objective, optimal_split, regret_band, labels_only, split, cross_fitting, plan, can_help, best,
  };
})();
if (typeof module === "object") module.exports = splitObjective;
