"use strict";

// Where errors are: a variant's confusion matrix, and what a variant changed, pair by pair. What is clicked becomes the view of images.

// The classes that a matrix shows, in their order: more do not fit, and those without errors say little.
function shownClasses(study, variant) {
  const errors = study.classes.map((_, label) => {
    const others = study.classes.map((_, called) => (called === label ? 0 : study.share(variant, label, called)));
    return [label, others.reduce((sum, share) => sum + share, 0)];
  });
  const most = errors.sort((one, other) => other[1] - one[1] || one[0] - other[0]).slice(0, study.in_matrix);
  return most.map(([label]) => label).sort((one, other) => one - other);
}

// A table of the share of each class's images, in per cent, that runs of a variant call each class; errors are buttons.
function matrixTable(study, variant, onChoice) {
  const shown = shownClasses(study, variant);
  const worst = Math.max(...shown.flatMap((label) => shown.map((called) => (label === called ? 0 : study.share(variant, label, called)))));
  const cell = (label, called) => {
    const share = study.share(variant, label, called), text = (100 * share + 1e-10).toFixed(1); // halves up, as everywhere
    if (label === called || share === 0) return make("td", { className: label === called ? "right" : "none" }, share ? text : "0");
    const [name, other] = [study.classes[label], study.classes[called]];
    const button = make("button", { type: "button", tabIndex: -1, "aria-label": `${name} called ${other}: ${text} %` }, text);
    button.onclick = () => onChoice({ a: label, b: called, way: "called", variants: [variant], show: "all" });
    const tinted = make("td", { className: "error" }, button);
    tinted.style.setProperty("--share", `${Math.round((60 * share) / worst)}%`);
    return tinted;
  };
  const head = [make("td", {}), ...shown.map((label) => make("th", { scope: "col" }, study.classes[label]))];
  const rows = shown.map((label) => {
    return make("tr", {}, make("th", { scope: "row" }, study.classes[label]), ...shown.map((called) => cell(label, called)));
  });
  const table = make("table", { className: "matrix" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  oneStop(table);
  return table;
}

// One button of a matrix can be reached by Tab; arrow keys lead to the next one in their direction.
function oneStop(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.querySelector("button")));
  const first = rows.flat().find(Boolean);
  if (first) first.tabIndex = 0;
  table.onkeydown = (event) => {
    const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [0, 0];
    if ((!down && !right) || modified(event)) return;
    event.preventDefault();
    let row = rows.findIndex((buttons) => buttons.includes(event.target)), column = rows[row].indexOf(event.target);
    do [row, column] = [row + down, column + right];
    while (rows[row] && column in rows[row] && !rows[row][column]);
    if (rows[row]?.[column]) rows[row][column].focus();
  };
  table.addEventListener("focusin", (event) => {
    for (const button of table.querySelectorAll('button[tabindex="0"]')) button.tabIndex = -1;
    event.target.tabIndex = 0;
  });
}

// Of each pair of classes, how many of all images a variant fixed, how many it got newly wrong, and the difference: [[a, b], fixed, broken, gain].
function changes(study, variant) {
  const rows = [];
  for (let start = 0; start < study.changes.length; start += 5) {
    const [of, a, b, fixed, broken] = study.changes.subarray(start, start + 5);
    if (of === variant) rows.push([[a, b], fixed, broken, fixed - broken]);
  }
  return rows;
}

// The same as a table; titles sort it, numbers of images open them.
function changesTable(study, variant, onChoice, sorted = { column: 3, falling: true }) {
  const name = ([a, b]) => `${study.classes[a]} and ${study.classes[b]}`;
  const rows = changes(study, variant).sort((one, other) => {
    const by = sorted.column ? one[sorted.column] - other[sorted.column] : name(one[0]).localeCompare(name(other[0]), "en");
    return (sorted.falling ? -by : by) || one[0][0] - other[0][0] || one[0][1] - other[0][1];
  });
  const table = make("table", { className: "changes" });
  const titles = ["Pair", "Fixed", "Newly wrong", "Gain"].map((title, column) => {
    const falling = sorted.column === column ? !sorted.falling : column > 0;
    const again = () => {
      const next = changesTable(study, variant, onChoice, { column, falling });
      table.replaceWith(next);
      next.querySelectorAll("thead button")[column].focus();
    };
    const sort = sorted.column === column ? { "aria-sort": sorted.falling ? "descending" : "ascending" } : {};
    return make("th", { scope: "col", ...sort }, make("button", { type: "button", onclick: again }, title));
  });
  const opened = (count, change, [a, b]) => {
    if (!count) return "0";
    const show = `${change}:${study.variants[variant].name}`;
    const label = `${count} ${CHANGES[change]} ${study.variants[variant].label}: ${name([a, b])}`;
    return make("button", { type: "button", "aria-label": label, onclick: () => onChoice({ a, b, way: "both", show }) }, String(count));
  };
  const lines = rows.map(([pair, fixed, broken, gain]) => [
    make("th", { scope: "row" }, name(pair)),
    make("td", {}, opened(fixed, "fixed", pair)),
    make("td", {}, opened(broken, "broken", pair)),
    make("td", {}, `${gain > 0 ? "+" : gain < 0 ? "\u2212" : ""}${Math.abs(gain)}`),
  ]);
  table.append(make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...lines.map((line) => make("tr", {}, ...line))));
  return table;
}
