"use strict";

// What runs make of images, and which images a view selects. Nothing in this file touches the page.

const ANY = -1; // instead of a class
const CHANGES = { fixed: "fixed by", broken: "newly wrong with" }; // of an image by a variant, against the baseline
const WAYS = ["both", "called"]; // of confusions of a view: two classes with each other, or only the first called the second
const KINDS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array };

function unpacked({ kind, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

// How often each value occurs, most often first: [value, count].
function counted(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
}

class Study {
  constructor(data) {
    Object.assign(this, data);
    for (const [name, table] of Object.entries(data.tables)) this[name] = unpacked(table);
    for (const name of ["matrix", "changes"]) this[name] = unpacked(data[name]);
    this.count = this.index.length;
    const many = this.classes.length, row = (place) => this.matrix.subarray(place * many, (place + 1) * many);
    // How many images of a class all runs of a variant were given, by variant and class; at least 1.
    const total = (_, place) => Math.max(1, row(place).reduce((sum, count) => sum + count, 0));
    this.totals = Array.from({ length: this.matrix.length / many }, total);
  }

  // Places in the tables of variants and of runs.
  place(variant, image) {
    return variant * this.count + image;
  }

  runPlace(variant, seed, image) {
    return (variant * this.seeds.length + seed) * this.count + image;
  }

  meanP(variant, image) {
    return this.mean[this.place(variant, image)] / 65535;
  }

  wrongRuns(variant, image) {
    return this.wrong[this.place(variant, image)];
  }

  // The class that each run of a variant shown one by one takes an image for.
  predicted(variant, image) {
    return this.seeds.map((_, seed) => this.called[this.runPlace(variant, seed, image)]);
  }

  // Of the images of a class, the share that all runs of a variant call a class.
  share(variant, label, called) {
    const row = variant * this.classes.length + label;
    return this.matrix[row * this.classes.length + called] / this.totals[row];
  }

  // The two classes that variants confuse most often.
  mostConfused() {
    const either = ([a, b]) => this.variants.reduce((sum, _, variant) => sum + this.share(variant, a, b) + this.share(variant, b, a), 0);
    const pairs = this.classes.flatMap((_, a) => this.classes.map((_, b) => [a, b])).filter(([a, b]) => a < b);
    const rates = pairs.map(either);
    return pairs[rates.reduce((most, rate, place) => (rate > rates[most] ? place : most), 0)];
  }

  // A key of CHANGES, or "".
  change(variant, image) {
    const [before, after] = [this.baseline, variant].map((place) => 2 * this.wrongRuns(place, image) - this.runs);
    if (before > 0 && after < 0) return "fixed";
    return before < 0 && after > 0 ? "broken" : "";
  }

  // How often runs of these variants call an image each wrong class that fits the view, most often first: [class, runs].
  calls(image, { a, b, way }, variants) {
    const label = this.label[image];
    const fits = (first, second) => (a === ANY || a === first) && (b === ANY || b === second);
    const wrong = variants.flatMap((variant) => this.predicted(variant, image)).filter((called) => called !== label);
    return counted(wrong.filter((called) => fits(label, called) || (way === "both" && fits(called, label))));
  }

  // Which change of which variant a view is about; of all confused images, "all".
  changed({ show }) {
    const [kind, name] = show.split(":");
    return [kind, this.variants.findIndex((variant) => variant.name === name)];
  }

  // Variants whose runs decide whether an image is among those that are confused.
  deciding(view) {
    const [kind, changer] = this.changed(view);
    return kind === "all" ? view.variants : [this.baseline, changer];
  }

  // Images of a view in its order; ties go to the more wrong, then to the lower p_t, then to the lower index.
  matches(view) {
    const deciding = this.deciding(view), [kind, changer] = this.changed(view);
    const rows = [];
    for (let image = 0; image < this.count; image++) {
      if (kind !== "all" && this.change(changer, image) !== kind) continue;
      const errors = this.errors(image, view, deciding);
      if (!errors) continue;
      const means = view.variants.map((variant) => this.mean[this.place(variant, image)]);
      const wrong = view.variants.reduce((sum, variant) => sum + this.wrongRuns(variant, image), 0);
      const p = means.reduce((sum, mean) => sum + mean, 0);
      const range = Math.max(...means) - Math.min(...means);
      const first = { wrong: -errors, p, disagree: -range }[view.sort];
      rows.push({ image, keys: [first, -wrong, p, this.index[image]] });
    }
    rows.sort((one, other) => {
      const place = one.keys.findIndex((key, place) => key !== other.keys[place]);
      return place < 0 ? 0 : one.keys[place] - other.keys[place];
    });
    return rows.map((row) => row.image);
  }

  // How many runs make an error that fits the view; of any class with any class, also runs which are not shown one by one.
  errors(image, view, deciding) {
    const any = view.a === ANY && view.b === ANY, calls = () => this.calls(image, view, deciding).map(([, runs]) => runs);
    const counts = any ? deciding.map((variant) => this.wrongRuns(variant, image)) : calls();
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

const VIEW = "#explorer?"; // with which the end of a link to a view begins

function isView(hash) {
  return hash.startsWith(VIEW);
}

// A view as the end of a link, and back; what a link lacks or gets wrong is as at first.
function linked(study, view) {
  const parts = new URLSearchParams();
  for (const key of ["a", "b"]) parts.set(key, view[key] === ANY ? "" : study.names[view[key]]);
  parts.set("way", view.way);
  for (const variant of view.variants) parts.append("v", study.variants[variant].name);
  parts.set("show", view.show);
  parts.set("sort", view.sort);
  if (view.image !== null) parts.set("image", study.index[view.image]);
  return `${VIEW}${parts}`;
}

function viewOf(study, hash) {
  const few = study.variants.map((_, place) => place).filter((place) => place < 6 || place === study.baseline);
  const view = { a: study.pair[0], b: study.pair[1], way: "both", variants: few, show: "all", sort: "wrong", image: null };
  if (!study.matches(view).length) [view.a, view.b] = study.mostConfused();
  if (!isView(hash)) return view;
  const parts = new URLSearchParams(hash.slice(VIEW.length));
  for (const key of ["a", "b"]) {
    const place = study.names.indexOf(parts.get(key));
    if (place >= 0) view[key] = place;
    else if (parts.get(key) === "") view[key] = ANY;
  }
  if (WAYS.includes(parts.get("way"))) view.way = parts.get("way");
  const names = parts.getAll("v"), chosen = study.variants.flatMap((variant, place) => (names.includes(variant.name) ? [place] : []));
  if (chosen.length) view.variants = chosen;
  if (shows(study).some(([value]) => value === parts.get("show"))) view.show = parts.get("show");
  if (["wrong", "p", "disagree"].includes(parts.get("sort"))) view.sort = parts.get("sort");
  const image = parts.has("image") ? study.index.indexOf(Number(parts.get("image"))) : -1;
  return image < 0 ? view : { ...view, image };
}

// What a view selects, in words: "12 images of cat that at least one run calls dog".
function selection(study, view, count) {
  const { a, b, way } = view, run = study.deciding(view).length * study.runs > 1 ? "at least one run" : "the run";
  const images = `${count ? count.toLocaleString("en") : "No"} image${count > 1 ? "s" : ""}`, name = (label) => study.classes[label];
  if (a === ANY && b === ANY) return `${images} that ${run} misclassifies`;
  if (way === "called") {
    if (a === ANY) return `${images} of other classes that ${run} calls ${name(b)}`;
    return `${images} of ${name(a)} that ${run} ${b === ANY ? "misclassifies" : `calls ${name(b)}`}`;
  }
  if (a === ANY || b === ANY) return `${images} on which ${run} confuses ${name(Math.max(a, b))} with another class`;
  return `${images} that ${run} calls the other of ${name(a)} and ${name(b)}`;
}

// Which images a view may show, as [value, text].
function shows(study) {
  const others = study.variants.filter((_, place) => place !== study.baseline);
  const changes = Object.entries(CHANGES).flatMap(([change, text]) =>
    others.map(({ name, label }) => [`${change}:${name}`, `${text} ${label}`]),
  );
  return [["all", "all confused images"], ...changes];
}
