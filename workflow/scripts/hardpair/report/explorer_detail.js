"use strict";

// Making elements, drawing pictures, and the view of one image.

const SVG = new Set(["svg", "line", "circle"]);

// An element with properties or attributes, and children; texts become text and never markup.
function make(tag, properties = {}, ...children) {
  const element = SVG.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !SVG.has(tag)) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Whether a key has a meaning for the browser or the system.
function modified(event) {
  return event.ctrlKey || event.altKey || event.metaKey;
}

function swatch(variant) {
  const mark = make("span", { className: "swatch", "aria-hidden": "true" });
  mark.style.background = variant.colour;
  return mark;
}

const sheets = new Map();

// A sheet of pictures, unpacked when it is first needed.
function sheet(study, place) {
  if (!sheets.has(place)) {
    const image = new Image();
    image.src = `data:image/webp;base64,${study.pictures.sheets[place]}`;
    sheets.set(place, image.decode().then(() => image));
  }
  return sheets.get(place);
}

function picture(study, image, properties) {
  const { side, across, per_sheet: perSheet } = study.pictures, place = image % perSheet;
  const canvas = make("canvas", { className: "picture", width: side, height: side, ...properties });
  sheet(study, Math.floor(image / perSheet)).then((source) => {
    const [left, top] = [(place % across) * side, Math.floor(place / across) * side];
    canvas.getContext("2d").drawImage(source, left, top, side, side, 0, 0, side, side);
  });
  return canvas;
}

const x = (p) => 6 + 228 * p; // where p_t stands on a strip

function strip(properties, ...marks) {
  const ticks = [0, 0.5, 1].map((p) => make("line", { class: "axis", x1: x(p), x2: x(p), y1: 2, y2: 22 }));
  const axis = make("line", { class: "axis", x1: x(0), x2: x(1), y1: 12, y2: 12 });
  return make("svg", { class: "strip", viewBox: "0 0 240 24", ...properties }, ...ticks, axis, ...marks);
}

// p_t of each run of a variant from 0 to 1: filled where the run is wrong, a bar at the mean over all runs.
function runStrip(study, variant, image) {
  const { colour, label } = study.variants[variant], mean = x(study.meanP(variant, image));
  const dots = study.predicted(variant, image).map((called, seed) => {
    const p = study.p[study.runPlace(variant, seed, image)] / 255, right = called === study.label[image];
    const dot = { cx: x(p), cy: 7 + 5 * (seed % 3), r: 3.2, class: right ? "right" : "wrong" };
    return make("circle", right ? dot : { ...dot, fill: colour });
  });
  const bar = make("line", { class: "mean", x1: mean, x2: mean, y1: 1, y2: 23 });
  return strip({ role: "img", "aria-label": `p_t of the runs of ${label}, from 0 to 1` }, ...dots, bar);
}

// Mean p_t of each variant; with numbers beside it.
function meanStrip(study, variants, image) {
  const dots = variants.map((variant) => {
    return make("circle", { cx: x(study.meanP(variant, image)), cy: 12, r: 7, fill: study.variants[variant].colour });
  });
  return strip({ "aria-hidden": "true" }, ...dots);
}

// On a narrow screen a stacked table is a block for each row, in which the title of its column stands before each cell.
function tableOf(titles, rows, label, className = "") {
  const cells = (others) => others.map((cell, place) => make("td", { "data-title": titles[place + 1] }, cell));
  const line = ([first, ...others]) => [make("th", { scope: "row" }, first), ...cells(others)];
  const head = make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title))));
  const body = make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...line(cells))));
  return make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, make("table", { className }, head, body));
}

// What runs of a variant call an image: "dog 8, horse 1".
function calledBy(study, variant, image) {
  return counted(study.predicted(variant, image)).map(([called, runs]) => `${study.classes[called]} ${runs}`).join(", ");
}

// The content of the dialog about one image.
function detail(study, view, image, { onStep, onClose, place, count }) {
  const label = study.classes[study.label[image]];
  const variants = [...new Set([study.baseline, ...view.variants])].sort((one, other) => one - other);
  const step = (by, text) => {
    const disabled = place + by < 0 || place + by >= count;
    return make("button", { type: "button", id: `explorer-step${by}`, disabled, onclick: () => onStep(by) }, text);
  };
  const named = (variant) => {
    const { label } = study.variants[variant], change = { fixed: ": fixed", broken: ": newly wrong" }[study.change(variant, image)];
    return make("span", {}, swatch(study.variants[variant]), ` ${label}`, change ?? "");
  };
  const rows = variants.map((variant) => [
    named(variant),
    runStrip(study, variant, image),
    study.meanP(variant, image).toFixed(3),
    `${study.wrongRuns(variant, image)} of ${study.runs}`,
    calledBy(study, variant, image),
  ]);
  const runs = study.seeds.map((seed, place) => [
    String(seed),
    ...variants.map((variant) => {
      const run = study.runPlace(variant, place, image);
      return `${(study.p[run] / 255).toFixed(2)} ${study.classes[study.called[run]]}`;
    }),
  ]);
  return [
    make(
      "div",
      { className: "bar" },
      make("h3", { id: "explorer-title" }, `Image ${study.index[image]}, true class ${label}`),
      step(-1, "Previous"),
      step(1, "Next"),
      make("button", { type: "button", id: "explorer-close", onclick: onClose }, "Close"),
    ),
    picture(study, image, { role: "img", "aria-label": `The image, of class ${label}` }),
    tableOf(["Variant", "p_t of each run (filled: wrong)", "Mean p_t", "Wrong runs", "Predicted"], rows, "Variants on this image", "stacked"),
    make(
      "details",
      {},
      make("summary", { id: "explorer-runs" }, "p_t and predicted class of each run"),
      tableOf(["Seed", ...variants.map((variant) => study.variants[variant].label)], runs, "Runs on this image"),
    ),
  ];
}
