"use strict";
/* Numbers and findings in words, and the same question in Python. */
const splitWords = (() => {
  const count = (value) => value.toLocaleString("en");
  const percent = (share) => `${number(100 * share, share < 0.1 ? 2 : 3)} %`;

  /** Three significant digits, with a power of ten where that is shorter. */
  function number(value, digits = 3) {
    if (value === Infinity) return "∞";
    if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6)) return exponential(value, digits);
    return value.toLocaleString("en", { maximumSignificantDigits: digits });
  }

  function exponential(value, digits) {
    const [factor, power] = value.toExponential(digits - 1).split("e");
    const raised = [...power.replace("+", "")].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
    return Number(factor) === 1 ? `10${raised}` : `${Number(factor)} × 10${raised}`;
  }

  const times = (efficiency) => (efficiency < 100 ? efficiency.toFixed(2) : number(efficiency));

  const labels = (s) => (s === 1 ? "1 label" : `${count(s)} labels`);

  /** What the best split is worth. */
  function headline({ n, split, split_helps }) {
    if (!split_helps) return `Labels alone are ${split.efficiency < 0.9995 ? "better than" : "as good as"} any split.`;
    return `Fine-tune on ${labels(split.n_finetune)}, rectify with ${count(n - split.n_finetune)}.`;
  }

  function worth(view) {
    const { n, split, split_helps } = view;
    if (!split_helps) return why_not(view);
    if (split.efficiency === Infinity) return "Predictions are perfect: no variance is left.";
    const work = count(Math.round(n * split.efficiency));
    return `Each label counts ${times(split.efficiency)} times: ${count(n)} labels do the work of ${work}.`;
  }

  function why_not({ n, split, alone, can_help }) {
    if (split.correlation === 0)
      return `After training on ${labels(split.n_finetune)} predictions leave all of V(Y): they cannot help.`;
    if (!can_help)
      return `Predictions after training on ${labels(split.n_finetune)} correlate with labels by ${number(split.correlation, 2)}: too little to help.`;
    return `The best split, s = ${count(split.n_finetune)}, has a standard error of ${number(split.standard_error, 4)}; all ${count(n)} labels by themselves have ${number(alone.standard_error, 4)}.`;
  }

  /** How much a split may be missed by. */
  function tolerance({ band, split_helps, n }) {
    if (!split_helps) return "";
    const [low, high] = band;
    if (low === high) return "Any other split is more than 1 % worse.";
    return `Any split from ${count(low)} to ${count(high)} (${percent(low / n)} to ${percent(high / n)}) is within 1 % of that standard error.`;
  }

  function folds({ K, cross, cross_helps, split, split_helps }) {
    if (!cross) return `Cross-fitting with ${K} folds needs ${2 * K} labels.`;
    const what = `Cross-fitting with ${K} folds`;
    if (!cross_helps) return split_helps ? `${what} does not help.` : `${what} does not help either.`;
    if (cross.efficiency === Infinity) return `${what} leaves no variance, either.`;
    const counts = `each label counts ${times(cross.efficiency)} times, for ${K} trainings.`;
    return `${what} ${split_helps ? beside(cross, split) : "helps"}: ${counts}`;
  }

  function beside(cross, split) {
    const ratio = cross.efficiency / split.efficiency;
    if (Math.abs(ratio - 1) < 0.0005) return "is as good";
    return ratio > 1 ? "is better" : "is worse";
  }

  function yours({ yours: { s, share, standard_error }, split, alone }) {
    const position = `s = ${count(s)} (${percent(share)}): standard error ${number(standard_error, 4)}`;
    if (!(split.standard_error > 0)) return `${position}.`;
    const above = standard_error / split.standard_error - 1;
    const regret = above < 0.0005 ? "as good as the best split" : `${percent(above)} above the best split`;
    return `${position}, ${regret}${standard_error > alone.standard_error ? ", and worse than labels alone" : ""}.`;
  }

  /** The picture of the split for those who do not see it. */
  function described({ n, split, alone, cross, K }, quantity, measure) {
    const others = cross ? `, cross-fitting with ${K} folds ${number(measure(cross), 4)}` : "";
    return `${quantity} of the estimate against the share of ${count(n)} labels that fine-tune. Smallest at s = ${count(split.n_finetune)}, ${number(measure(split), 4)}; labels only ${number(measure(alone), 4)}${others}.`;
  }

  function law_described({ n, known, split, residual }) {
    return `Residual variance after training on 1 to ${count(n)} labels, ${number(known.a)} s^-${number(known.alpha)} + ${number(known.b)}; at the best split ${number(residual(split.n_finetune), 4)} of V(Y) = ${number(known.total_variance)}.`;
  }

  const truth = (value) => (value ? "True" : "False");

  /** Code that makes the same plan. */
  function python({ n, m, K, known }) {
    const pool = m === Infinity ? 'float("inf")' : String(m);
    return [
      "from sklearn_ftr import ScalingLaw",
      "",
      "law = ScalingLaw(",
      `    a=${known.a}, alpha=${known.alpha}, b=${known.b},`,
      ")",
      "plan = law.plan(",
      `    n_labeled=${n},`,
      `    n_unlabeled=${pool},`,
      `    total_variance=${known.total_variance},`,
      `    folds=(${K},),`,
      `    recycle=${truth(known.recycle)},`,
      `    power_tuning=${truth(known.tuned)},`,
      ")",
      "print(plan)",
    ].join("\n");
  }

  return { count, percent, number, times, headline, worth, tolerance, folds, yours, described, law_described, python };
})();
if (typeof module === "object") module.exports = splitWords;
