"use strict";
/* What connects controls, address, pictures and words: the state goes in, everything that is shown comes out. */
(() => {
  const { PARAMETERS, SWITCHES, CHOICES, EXAMPLES } = splitState;
  const ADDRESS_DELAY = 200; // milliseconds: browsers refuse to be told of every step of a slider
  const REGRET = 0.01;
  const STEPS = 1000; // of the slider of one's own split
  const find = (id) => document.getElementById(id);
  let state = splitState.START;
  let waiting = 0;
  let box = null;

  /** All that is shown follows from this. */
  function view_of({ n, m, endless, a, alpha, b, V, K, recycle, tuned, share, x, y }) {
    const known = { a, alpha, b, total_variance: V, recycle, tuned };
    const pool = endless ? Infinity : m;
    const [alone, split, cross] = splitObjective.plan(known, n, pool, K);
    const helps = (option) => Boolean(option) && splitObjective.best([alone, option]) !== alone;
    return {
      known, n, m: pool, K, x, y, alone, split, cross,
      chosen: splitObjective.best([alone, split, cross].filter(Boolean)),
      split_helps: helps(split),
      cross_helps: helps(cross),
      can_help: splitObjective.can_help(split),
      band: splitObjective.regret_band(known, split.n_finetune, n, pool, REGRET),
      residual: (s) => splitObjective.predict(known, s),
      yours: your_split(known, n, pool, share),
    };
  }

  function your_split(known, n, pool, share) {
    const s = Math.min(Math.max(Math.round(share * n), 2), n - 2);
    return { ...splitObjective.split(known, n, pool, s), s, share: s / n };
  }

  function change(more) {
    state = { ...state, ...more };
    render();
    clearTimeout(waiting);
    waiting = setTimeout(write_address, ADDRESS_DELAY);
  }

  function write_address() {
    const address = `#${splitState.to_address(state)}`;
    if (address !== location.hash) history.replaceState(null, "", address);
  }

  function read_address() {
    const { state: read, refused } = splitState.from_address(location.hash.slice(1));
    state = read;
    find("refused").textContent = refused.length
      ? `The address has ${refused.join(", ")}, which cannot be read; what it was at the start is taken instead.`
      : "";
    render();
  }

  function render() {
    const view = view_of(state);
    show_controls(view);
    show_words(view);
    show_options(view);
    show_pictures(view);
  }

  function show_controls(view) {
    for (const one of PARAMETERS.filter(({ hidden }) => !hidden)) show_number(one);
    for (const key of SWITCHES) find(key).checked = state[key];
    for (const key of Object.keys(CHOICES)) find(`${key}-${state[key]}`).checked = true;
    for (const id of ["m", "m-slider"]) find(id).disabled = state.endless;
    const scale = splitChart.share_scale(view, [0, STEPS]);
    find("share").value = Math.round(scale(view.yours.share));
    find("share").setAttribute("aria-valuetext", splitWords.yours(view));
  }

  function show_number(one) {
    const [input, slider, value] = [find(one.key), find(`${one.key}-slider`), state[one.key]];
    if (document.activeElement !== input || Number(input.value) !== value) input.value = value;
    input.removeAttribute("aria-invalid");
    slider.value = splitState.nearest_stop(one, value);
    slider.setAttribute("aria-valuetext", `${value.toLocaleString("en", { maximumFractionDigits: 6 })} ${one.words}`);
  }

  function show_words(view) {
    for (const name of ["headline", "worth", "tolerance", "folds", "yours"]) show_text(name, splitWords[name](view));
    show_text("python", splitWords.python(view));
    show_text("quantity", state.y === "variance" ? "Variance of the estimate" : "Standard error of the estimate");
  }

  /** What has not changed is not said again. */
  function show_text(id, words) {
    if (find(id).textContent !== words) find(id).textContent = words;
  }

  function show_options(view) {
    show_option("alone", view.alone, view);
    show_option("split", view.split, view);
    show_option("cross", view.cross, view);
    show_text("cross-name", `cross-fitting, K\u00a0=\u00a0${view.K}`);
    find("band-key").hidden = !view.split_helps;
  }

  function show_option(name, option, view) {
    const row = find(`option-${name}`);
    const cells = option ? option_cells(option) : ["", "–", "–", "–"];
    row.querySelectorAll("td").forEach((cell, i) => (cell.textContent = cells[i]));
    row.classList.toggle("chosen", option === view.chosen);
    row.querySelector(".tick").textContent = option === view.chosen ? "best" : "";
  }

  const option_cells = ({ n_finetune, standard_error, efficiency, n_trainings }) => [
    splitWords.count(n_finetune), splitWords.number(standard_error, 4), splitWords.times(efficiency), String(n_trainings),
  ];

  function show_pictures(view) {
    const [split, law] = [find("split-picture"), find("law-picture")];
    const width = (svg) => Math.max(Math.floor(svg.parentElement.clientWidth), 240);
    const narrow = matchMedia("(max-width: 899px)").matches;
    box = splitChart.draw_split(split, view, width(split), narrow ? 236 : 380);
    find("yours-row").style.setProperty("--start", `${box.left}px`);
    find("yours-row").style.setProperty("--end", `${box.width - box.right}px`);
    splitChart.draw_law(law, view, width(law), narrow ? 200 : 230);
    const measure = ({ standard_error }) => standard_error ** (state.y === "variance" ? 2 : 1);
    split.setAttribute("aria-label", splitWords.described(view, state.y === "variance" ? "Variance" : "Standard error", measure));
    law.setAttribute("aria-label", splitWords.law_described(view));
  }

  /* Controls. */

  function make_controls() {
    for (const one of PARAMETERS.filter(({ hidden }) => !hidden)) make_control(one);
    for (const example of EXAMPLES) find("examples").append(make_example(example));
    for (const key of SWITCHES) find(key).addEventListener("change", () => change({ [key]: find(key).checked }));
    for (const [key, names] of Object.entries(CHOICES))
      for (const name of names) find(`${key}-${name}`).addEventListener("change", () => change({ [key]: name }));
    find("share").addEventListener("input", () => change({ share: share_at(Number(find("share").value), [0, STEPS]) }));
    drag_in(find("split-picture"));
  }

  function make_control(one) {
    const row = find("control").content.cloneNode(true);
    const [label, input, slider] = ["label", "input[type=number]", "input[type=range]"].map((name) => row.querySelector(name));
    label.htmlFor = input.id = one.key;
    label.querySelector("b").textContent = one.symbol;
    label.querySelector("span").textContent = one.words;
    Object.assign(input, { min: one.low, max: one.high, step: one.whole ? 1 : "any" });
    Object.assign(slider, { id: `${one.key}-slider`, min: 0, max: one.stops.length - 1, step: 1 });
    slider.setAttribute("aria-label", `${one.symbol}, ${one.words}`);
    slider.addEventListener("input", () => change({ [one.key]: one.stops[Number(slider.value)] }));
    listen_to_number(one, input, row.querySelector(".error"));
    find(`group-${one.group}`).append(row);
  }

  /** What is typed counts as soon as it is allowed; what is not is said, and mended when the field is left. */
  function listen_to_number(one, input, error) {
    error.id = `${one.key}-error`;
    input.setAttribute("aria-describedby", error.id);
    input.addEventListener("input", () => {
      const good = input.value !== "" && splitState.inside(one, Number(input.value));
      error.textContent = good ? "" : `From ${number_in_words(one.low)} to ${number_in_words(one.high)}.`;
      if (good) change({ [one.key]: splitState.allowed(one, Number(input.value)) });
      else input.setAttribute("aria-invalid", "true");
    });
    input.addEventListener("change", () => {
      error.textContent = "";
      const value = input.value === "" ? state[one.key] : splitState.allowed(one, Number(input.value));
      change({ [one.key]: value });
      input.value = value;
    });
  }

  const number_in_words = (value) => value.toLocaleString("en", { maximumFractionDigits: 6 });

  function make_example(example) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = example.name;
    button.addEventListener("click", () => change(splitState.of_example(state, example)));
    return button;
  }

  const share_at = (place, range) => Math.min(Math.max(splitChart.share_scale(state, range).invert(place), 0), 1);

  function drag_in(svg) {
    const move = (event) => {
      const left = svg.getBoundingClientRect().left;
      change({ share: share_at(event.clientX - left, [box.left, box.right]) });
    };
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      move(event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (svg.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  make_controls();
  read_address();
  addEventListener("hashchange", read_address);
  new ResizeObserver(() => show_pictures(view_of(state))).observe(find("split-picture").parentElement);
})();
