"use strict";
/* What a reader can set: names, ranges, the stops of sliders, examples; and all of it as the part of the address behind #. */
const splitState = (() => {
  // About 38 stops in each factor of ten, evenly in logarithms, with two digits.
  const DIGITS = [
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 25, 26, 28, 30, 32, 34, 36, 38, 40, 42, 45, 48, 50, 53, 56, 60,
    63, 67, 71, 75, 80, 85, 90, 95,
  ];

  /** Numbers from low to high, both among them; `zero` puts 0 before. */
  function logarithmic(low, high, zero = false) {
    const first = Math.floor(Math.log10(low)) - 1;
    const powers = Array.from({ length: Math.round(Math.log10(high)) - first }, (_, i) => first + i);
    const all = powers.flatMap((power) => DIGITS.map((digits) => Number(`${digits}e${power}`)));
    const inside = all.filter((stop) => stop >= low && stop < high);
    return [...(zero ? [0] : []), ...inside, high];
  }

  const whole = (low, high) => Array.from({ length: high - low + 1 }, (_, i) => low + i);

  const parameter = (key, symbol, words, stops, more = {}) => ({
    key, symbol, words, stops, low: stops[0], high: stops[stops.length - 1], ...more,
  });

  const PARAMETERS = [
    parameter("n", "n", "labels", logarithmic(10, 1e6), { whole: true, group: "data" }),
    parameter("m", "m", "rows without a label", logarithmic(10, 1e8), { whole: true, group: "data" }),
    parameter("V", "V(Y)", "variance of labels", logarithmic(0.01, 100), { group: "data" }),
    parameter("a", "a", "what training removes", logarithmic(0.001, 100, true), { group: "law" }),
    parameter("alpha", "α", "how fast", logarithmic(0.05, 2), { group: "law" }),
    parameter("b", "b", "what always remains", logarithmic(0.001, 100, true), { group: "law" }),
    parameter("K", "K", "folds of cross-fitting", whole(2, 20), { whole: true, group: "estimator" }),
    parameter("share", "s / n", "your split", [0, 1], { hidden: true }),
  ];
  const SWITCHES = ["endless", "recycle", "tuned"];
  const CHOICES = { y: ["error", "variance"], x: ["linear", "log"] };

  const PLAIN = { endless: false, recycle: true, tuned: true, K: 5, share: 0.5, y: "error", x: "linear" };
  const EXAMPLES = [
    { name: "Tweets", n: 300, m: 3900, V: 2.33, a: 4.4, alpha: 0.457, b: 0.585 },
    { name: "EmoBank", n: 1000, m: 9000, V: 0.1216, a: 0.287, alpha: 0.297, b: 0.042 },
    { name: "Learns fast", n: 500, m: 50000, V: 1, a: 2, alpha: 1, b: 0.1 },
    { name: "Small pool", n: 400, m: 100, V: 4, a: 8, alpha: 0.5, b: 0.6 },
    { name: "Nothing to learn", n: 300, m: 10000, V: 1, a: 0.5, alpha: 0.5, b: 0.99 },
  ];
  const START = { ...PLAIN, ...EXAMPLES[0] };
  delete START.name;

  /** The state of an example, with switches and view as they are. */
  const of_example = (state, { name, ...numbers }) => ({ ...state, endless: false, ...numbers });

  const inside = ({ low, high }, value) => Number.isFinite(value) && low <= value && value <= high;

  /** The nearest number that is allowed. */
  function allowed(one, value) {
    const number = Math.min(Math.max(value, one.low), one.high);
    return one.whole ? Math.round(number) : number;
  }

  /** Which stop of a slider is nearest, in logarithms where stops are. */
  function nearest_stop({ stops }, value) {
    const above = stops.findIndex((stop) => stop >= value);
    if (above <= 0) return above < 0 ? stops.length - 1 : 0;
    const [below, next] = [stops[above - 1], stops[above]];
    const middle = below > 0 ? Math.sqrt(below * next) : next / 2;
    return value < middle ? above - 1 : above;
  }

  const SHORT = { error: "se", variance: "variance", linear: "linear", log: "log" };

  /** What stands behind # in the address. */
  function to_address(state) {
    const numbers = PARAMETERS.map(({ key }) => [key, key === "m" && state.endless ? "inf" : String(state[key])]);
    const switches = ["recycle", "tuned"].map((key) => [key, state[key] ? "1" : "0"]);
    const choices = Object.keys(CHOICES).map((key) => [key, SHORT[state[key]]]);
    return new URLSearchParams([...numbers, ...switches, ...choices]).toString();
  }

  /** The state of an address, and what of it could not be read; what it does not say is as at the start. */
  function from_address(address) {
    const given = new URLSearchParams(address);
    const [state, refused] = [{ ...START }, []];
    for (const [key, text] of given) if (!read(state, key, text)) refused.push(`${key}=${text}`);
    return { state, refused };
  }

  function read(state, key, text) {
    const one = PARAMETERS.find((other) => other.key === key);
    if (one) return read_number(state, one, text);
    if (key === "recycle" || key === "tuned") return set_if(state, key, { 0: false, 1: true }[text]);
    const choice = (CHOICES[key] || []).find((name) => SHORT[name] === text);
    return set_if(state, key, choice);
  }

  function read_number(state, one, text) {
    if (one.key === "m" && text === "inf") return set_if(state, "endless", true);
    const value = text.trim() === "" ? NaN : Number(text);
    return set_if(state, one.key, inside(one, value) ? allowed(one, value) : undefined);
  }

  function set_if(state, key, value) {
    if (value !== undefined) state[key] = value;
    return value !== undefined;
  }

  return {
    PARAMETERS, SWITCHES, CHOICES, EXAMPLES, START, of_example, inside, allowed, nearest_stop, to_address, from_address,
  };
})();
if (typeof module === "object") module.exports = splitState;
