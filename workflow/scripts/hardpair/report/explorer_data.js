"use strict";

// What runs make of images, and which images a view asks for. Nothing in this file touches the page.

const ANY = -1; // instead of a class
const KINDS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array };

function unpacked({ kind, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

class Study {
  constructor(data) {
    Object.assign(this, data);
    for (const [name, table] of Object.entries(data.tables)) this[name] = unpacked(table);
    this.count = this.index.length;
  }

  // Places in the tables of one variant, and of one of its runs.
  of(variant, image) {
    return variant * this.count + image;
  }

  run(variant, seed, image) {
    return (variant * this.seeds.length + seed) * this.count + image;
  }

  meanP(variant, image) {
    return this.mean[this.of(variant, image)] / 65535;
  }

  mostlyWrong(variant, image) {
    return 2 * this.wrong[this.of(variant, image)] > this.runs;
  }

  mostlyRight(variant, image) {
    return 2 * this.wrong[this.of(variant, image)] < this.runs;
  }

  // "mended", "broken" or "": what a variant does to an image, against the baseline.
  change(variant, image) {
    if (this.mostlyWrong(this.baseline, image) && this.mostlyRight(variant, image)) return "mended";
    if (this.mostlyRight(this.baseline, image) && this.mostlyWrong(variant, image)) return "broken";
    return "";
  }

  // How often runs of these variants call an image each wrong class that fits the two classes, most often first: [class, runs].
  calls(image, { a, b }, variants) {
    const label = this.label[image], counts = new Map();
    const fits = (called) => (a === ANY || a === label) && (b === ANY || b === called);
    const turned = (called) => (b === ANY || b === label) && (a === ANY || a === called);
    for (const variant of variants) {
      for (let seed = 0; seed < this.seeds.length; seed++) {
        const called = this.called[this.run(variant, seed, image)];
        if (called !== label && (fits(called) || turned(called))) counts.set(called, (counts.get(called) ?? 0) + 1);
      }
    }
    return [...counts].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
  }

  // Whose runs decide whether an image is among those that are confused.
  asked({ variants, show }) {
    const [kind, name] = show.split(":");
    if (kind === "all") return variants;
    return [...new Set([...variants, this.baseline, this.variants.findIndex((variant) => variant.name === name)])];
  }

  // Images of a view in its order; ties go to the more wrong, then to the lower p_t, then to the lower index.
  matches(view) {
    const asked = this.asked(view), [kind, name] = view.show.split(":");
    const changer = this.variants.findIndex((variant) => variant.name === name);
    const rows = [];
    for (let image = 0; image < this.count; image++) {
      if (kind !== "all" && this.change(changer, image) !== kind) continue;
      if (!this.confused(image, view, asked)) continue;
      const means = view.variants.map((variant) => this.mean[this.of(variant, image)]);
      const wrong = view.variants.reduce((sum, variant) => sum + this.wrong[this.of(variant, image)], 0);
      const p = means.reduce((sum, mean) => sum + mean, 0);
      const range = Math.max(...means) - Math.min(...means);
      const first = { wrong: [], p: [p], disagree: [-range] }[view.sort];
      rows.push({ image, keys: [...first, -wrong, p, this.index[image]] });
    }
    rows.sort((one, other) => {
      const place = one.keys.findIndex((key, place) => key !== other.keys[place]);
      return place < 0 ? 0 : one.keys[place] - other.keys[place];
    });
    return rows.map((row) => row.image);
  }

  // Any class with any class also holds images that only runs get wrong which are not shown one by one.
  confused(image, view, asked) {
    if (view.a === ANY && view.b === ANY) return asked.some((variant) => this.wrong[this.of(variant, image)] > 0);
    return this.calls(image, view, asked).length > 0;
  }
}

// A view as the end of a link, and back; what a link does not know or gets wrong is as at first.
function linked(study, view) {
  const parts = new URLSearchParams();
  for (const key of ["a", "b"]) parts.set(key, view[key] === ANY ? "" : study.names[view[key]]);
  for (const variant of view.variants) parts.append("v", study.variants[variant].name);
  parts.set("show", view.show);
  parts.set("sort", view.sort);
  if (view.image !== null) parts.set("image", study.index[view.image]);
  return `#explorer?${parts}`;
}

function firstView(study) {
  const few = study.variants.map((_, place) => place).filter((place) => place < 6 || place === study.baseline);
  return { a: study.pair[0], b: study.pair[1], variants: few, show: "all", sort: "wrong", image: null };
}

function viewOf(study, hash) {
  const view = firstView(study), parts = new URLSearchParams(hash.slice("#explorer?".length));
  if (!hash.startsWith("#explorer?")) return view;
  for (const key of ["a", "b"]) {
    const place = study.names.indexOf(parts.get(key));
    if (place >= 0) view[key] = place;
    else if (parts.get(key) === "") view[key] = ANY;
  }
  const names = parts.getAll("v"), chosen = study.variants.flatMap((variant, place) => (names.includes(variant.name) ? [place] : []));
  if (chosen.length) view.variants = chosen;
  if (shows(study).some(([value]) => value === parts.get("show"))) view.show = parts.get("show");
  if (["wrong", "p", "disagree"].includes(parts.get("sort"))) view.sort = parts.get("sort");
  const image = parts.has("image") ? study.index.indexOf(Number(parts.get("image"))) : -1;
  return image < 0 ? view : { ...view, image };
}

// What may be asked for, as [value, text].
function shows(study) {
  const others = study.variants.filter((_, place) => place !== study.baseline);
  return [
    ["all", "all that are confused"],
    ...others.map(({ name, label }) => [`mended:${name}`, `mended by ${label}`]),
    ...others.map(({ name, label }) => [`broken:${name}`, `broken by ${label}`]),
  ];
}
