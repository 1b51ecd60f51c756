"use strict";

// The view of many images: choices above, a list of cards below; the end of the address holds it all.

(() => {
  const PAGE = 60; // images that are listed at once
  const SELECTS = ["a", "way", "b", "show", "sort"];
  const at = (name) => document.getElementById(`explorer-${name}`);
  const study = new Study(JSON.parse(at("data").textContent));
  const list = at("list"), dialog = at("detail");
  let view, matching, listed;

  function option([value, text]) {
    return make("option", { value }, text);
  }

  function build() {
    const classes = [[ANY, "any class"], ...study.classes.map((name, place) => [place, name])];
    for (const key of ["a", "b"]) at(key).append(...classes.map(option));
    at("show").append(...shows(study).map(option));
    const box = (variant, value) => make("label", {}, make("input", { type: "checkbox", value }), swatch(variant), variant.label);
    at("variants").append(...study.variants.map(box));
    const others = study.variants.map((variant, place) => [place, variant.label]);
    at("of").append(...others.map(option));
    at("of").value = study.baseline;
    at("of").onchange = () => at("matrix").replaceChildren(matrixTable(study, Number(at("of").value), choose));
    at("of").onchange();
    at("by").append(...others.filter(([place]) => place !== study.baseline).map(option));
    at("by").onchange = () => at("changes").replaceChildren(changesTable(study, Number(at("by").value), choose));
    if (others.length > 1) at("by").onchange();
    else at("changed").hidden = true;
    for (const name of [...SELECTS, "variants"]) at(name).addEventListener("change", read);
    at("more").onclick = () => more(list.children.length);
    list.onkeydown = walk;
    list.addEventListener("focusin", (event) => reach(event.target.closest(".card"))); // which no property of it sets
    dialog.onkeydown = (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && !modified(event) && !event.target.closest(".scroll")) step(by);
    };
    dialog.onclose = closed;
    at("view").hidden = false;
    window.addEventListener("hashchange", () => {
      if (isView(location.hash)) follow(); // other links lead to sections
    });
  }

  // From the choices to the view.
  function read(event) {
    const chosen = [...at("variants").querySelectorAll("input:checked")].map((input) => Number(input.value));
    if (!chosen.length) {
      event.target.checked = true; // one must stay
      return;
    }
    const [a, b] = [Number(at("a").value), Number(at("b").value)];
    view = { a, b, way: at("way").value, variants: chosen, show: at("show").value, sort: at("sort").value, image: null };
    remember();
    update();
  }

  // From a cell of a table to the view, and to its first image.
  function choose(chosen) {
    view = { ...view, ...chosen, image: null };
    remember();
    apply();
    at("count").scrollIntoView({ block: "start" });
    (list.querySelector(".card") ?? at("a")).focus({ preventScroll: true });
  }

  // From the address to the view.
  function follow() {
    view = viewOf(study, location.hash);
    apply();
    if (isView(location.hash)) at("view").closest("section").scrollIntoView({ behavior: "instant" });
    if (view.image !== null) open(view.image);
    else if (dialog.open) dialog.close();
  }

  // From the view to the choices and the list.
  function apply() {
    for (const key of SELECTS) at(key).value = view[key];
    for (const input of at("variants").querySelectorAll("input")) input.checked = view.variants.includes(Number(input.value));
    update();
  }

  function remember() {
    history.replaceState(null, "", linked(study, view));
  }

  function update() {
    matching = study.matches(view);
    listed = 0;
    list.replaceChildren();
    more(0);
    const change = view.show === "all" ? "" : `, ${at("show").selectedOptions[0].textContent}`;
    const among = study.count < study.misclassified ? ` (among the ${study.count.toLocaleString("en")} images shown)` : "";
    at("count").textContent = `${selection(study, view, matching.length)}${change}${among}`;
  }

  function more(focused) {
    const next = matching.slice(listed, listed + PAGE);
    list.append(...next.map((image) => make("li", {}, card(image))));
    listed += next.length;
    at("more").hidden = listed >= matching.length;
    const cards = list.querySelectorAll(".card");
    if (focused && cards[focused]) cards[focused].focus();
    else if (cards.length) reach(cards[0]);
  }

  function card(image) {
    const deciding = study.deciding(view), calls = study.calls(image, view, deciding), label = study.classes[study.label[image]];
    const runs = deciding.length * study.seeds.length;
    const by = runs > 1 ? ` by ${calls[0]?.[1]} of ${runs} runs` : "";
    const often = calls.length ? `called ${study.classes[calls[0][0]]}${by}` : "wrong in other runs";
    const changes = Object.entries(CHANGES).flatMap(([change, text]) => {
      const labels = view.variants.filter((place) => study.change(place, image) === change).map((place) => study.variants[place].label);
      return labels.length ? [make("strong", {}, `${text} ${labels.join(", ")}`)] : [];
    });
    const means = view.variants.flatMap((place) => {
      const variant = study.variants[place], name = make("span", { className: "name", title: variant.label }, variant.label);
      return [swatch(variant), name, make("span", {}, study.meanP(place, image).toFixed(2))];
    });
    const button = make("button", { type: "button", className: "card", tabIndex: -1, onclick: () => open(image) });
    button.dataset.image = study.index[image];
    button.append(picture(study, image, { "aria-hidden": "true" }), make("strong", {}, label), make("small", {}, often));
    button.append(meanStrip(study, view.variants, image), make("span", { className: "means" }, ...means), ...changes);
    return button;
  }

  // One card at a time can be reached by Tab; arrow keys lead to the others.
  function reach(chosen) {
    if (!chosen) return;
    for (const other of list.querySelectorAll('.card[tabindex="0"]')) other.tabIndex = -1;
    chosen.tabIndex = 0;
  }

  function walk(event) {
    const cards = [...list.querySelectorAll(".card")], place = cards.indexOf(document.activeElement);
    if (place < 0 || modified(event)) return;
    const top = (card) => card.parentElement.offsetTop;
    const columns = cards.findIndex((card) => top(card) !== top(cards[0]));
    const row = columns < 0 ? cards.length : columns;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -place, End: cards.length - 1 - place }[event.key];
    if (by === undefined) return;
    const to = place + by;
    event.preventDefault();
    if (to >= cards.length && listed < matching.length) more(to);
    else cards[to]?.focus();
  }

  function open(image) {
    view.image = image;
    remember();
    const place = matching.indexOf(image), focused = dialog.contains(document.activeElement) ? document.activeElement.id : "";
    const unfolded = dialog.open && dialog.querySelector("details").open;
    const steps = { onStep: step, onClose: () => dialog.close(), place, count: place < 0 ? 0 : matching.length };
    dialog.replaceChildren(...detail(study, view, image, steps));
    dialog.querySelector("details").open = unfolded;
    if (!dialog.open) dialog.showModal();
    const same = focused && document.getElementById(focused);
    (same && !same.disabled ? same : at("close")).focus();
  }

  function step(by) {
    const place = matching.indexOf(view.image);
    if (place >= 0 && place + by in matching) open(matching[place + by]);
  }

  function closed() {
    const place = matching.indexOf(view.image);
    view.image = null;
    remember();
    while (place >= listed && listed < matching.length) more(0);
    list.children[place]?.firstChild.focus();
  }

  build();
  follow();
})();
