// A history as chips: switch one off, drag it elsewhere, take it out, add an item or a query from a search box.
//
// All state lives in Python. This file draws `chips`, an array of {key, token, text, time, on}, and `found`, what a search
// gave; whatever the reader does is sent as a message {do: ...}. Texts are data from strangers: they are only ever set
// as textContent or as attribute values, never as HTML.

const SAID = { R_I: "clicked after a recommendation", S_Q: "typed into the search box", S_I: "clicked after a search" };
const FAR = 6; // pixels after which a press is a drag

function make(tag, attributes = {}, text = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

function render({ model, el }) {
  const root = make("div", { class: "gsc" });
  const list = make("ol", { class: "gsc-list", "aria-label": "history, oldest first" });
  const status = make("div", { class: "gsc-status", role: "status", "aria-live": "polite" });
  let focused = null; // key of the chip that the keyboard is on
  let said = ""; // what to announce once Python has answered

  const head = make("div", { class: "gsc-head" });
  const again = make("button", { class: "gsc-again", type: "button" }, "start over");
  again.addEventListener("click", () => model.send({ do: "reset" }));
  const hint = "click: off or on · drag or ← →: move · Delete: take out";
  head.append(make("strong", {}, "history"), make("span", { class: "gsc-hint" }, hint), again);

  function draw() {
    const chips = model.get("chips");
    list.replaceChildren(...chips.map((chip, place) => chipOf(chip, place, chips.length)));
    if (!chips.length) list.append(make("li", { class: "gsc-empty" }, "nothing yet: a shopper nobody knows"));
    if (focused !== null) {
      const chip = list.querySelector(`[data-key="${focused}"] .gsc-main`);
      if (chip) chip.focus();
    }
    status.textContent = said;
    said = "";
  }

  function chipOf(chip, place, count) {
    const state = chip.on ? "on" : "off";
    const item = make("li", { class: `gsc-chip gsc-${chip.token} gsc-${state}`, "data-key": chip.key });
    const where = `place ${place + 1} of ${count}`;
    const name = `${chip.text}, ${SAID[chip.token]}, ${where}`;
    const main = make("button", {
      class: "gsc-main", type: "button", "aria-pressed": String(chip.on), "aria-label": name, title: `${chip.text} (time ${chip.time})`,
      "aria-keyshortcuts": "Enter ArrowLeft ArrowRight Delete",
    });
    main.append(make("span", { class: "gsc-token" }, `<${chip.token}>`), make("span", { class: "gsc-text" }, chip.text));
    const out = make("button", { class: "gsc-out", type: "button", tabindex: "-1", "aria-label": `take out ${name}` }, "×");
    item.append(main, out);

    const toggle = () => {
      said = `${chip.text} is ${chip.on ? "off" : "on"}`;
      model.send({ do: "switch", key: chip.key });
    };
    const remove = () => {
      said = `${chip.text} is taken out`;
      const next = item.nextElementSibling || item.previousElementSibling;
      focused = next ? next.dataset.key : null;
      model.send({ do: "remove", key: chip.key });
    };
    const move = (to) => {
      if (to < 0 || to >= count || to === place) return;
      said = `${chip.text} moved to place ${to + 1} of ${count}`;
      model.send({ do: "move", key: chip.key, to });
    };
    main.addEventListener("focus", () => (focused = chip.key));
    main.addEventListener("blur", (event) => {
      if (event.relatedTarget) focused = null; // the reader went elsewhere; a redraw has no related target
    });
    main.addEventListener("keydown", (event) => {
      const act = {
        ArrowLeft: () => move(place - 1), ArrowRight: () => move(place + 1),
        Home: () => move(0), End: () => move(count - 1), Delete: remove, Backspace: remove,
      }[event.key];
      if (!act) return;
      event.preventDefault();
      event.stopPropagation(); // the notebook has shortcuts of its own
      act();
    });
    out.addEventListener("click", remove);
    draggable(item, main, toggle, move);
    return item;
  }

  // A short press is a click; a longer way is a drag, followed on the whole document, for the chip itself moves in the
  // list as it goes and would lose the pointer.
  function draggable(item, main, toggle, move) {
    let dragged = false;
    main.addEventListener("click", (event) => {
      if (!dragged || event.detail === 0) toggle(); // a key press clicks with detail 0
      dragged = false;
    });
    main.addEventListener("pointerdown", (start) => {
      if (start.button !== 0) return;
      dragged = false;
      const follow = new AbortController();
      const on = (name, act) => document.addEventListener(name, act, { signal: follow.signal });
      on("pointermove", (event) => {
        dragged ||= Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) >= FAR;
        if (!dragged) return;
        item.classList.add("gsc-dragged");
        const others = [...list.children].filter((each) => each !== item);
        const next = others[placeAt(others, event.clientX, event.clientY)] || null;
        if (item.nextElementSibling !== next) list.insertBefore(item, next);
      });
      on("pointerup", () => {
        follow.abort();
        item.classList.remove("gsc-dragged");
        if (dragged) move([...list.children].indexOf(item));
      });
      on("pointercancel", () => {
        follow.abort();
        draw();
      });
    });
  }

  const adder = adderOf(model, status);
  root.append(head, list, adder.root, status);
  el.append(root);
  model.on("change:chips", draw);
  model.on("change:found", adder.draw);
  draw();
  return () => {
    model.off("change:chips", draw);
    model.off("change:found", adder.draw);
  };
}

// Before which of the other chips a chip falls that is dropped at (x, y): the nearest in the nearest row.
function placeAt(others, x, y) {
  let best = 0;
  let nearest = Infinity;
  others.forEach((other, place) => {
    const box = other.getBoundingClientRect();
    const rows = Math.max(box.top - y, y - box.bottom, 0);
    const middle = box.left + box.width / 2;
    const distance = 1000 * rows + Math.abs(x - middle);
    if (distance < nearest) {
      nearest = distance;
      best = x < middle ? place : place + 1;
    }
  });
  return best;
}

// The search box below the chips: a text field with a list of choices, the first of which is the text as a query.
function adderOf(model, status) {
  const root = make("div", { class: "gsc-adder" });
  const name = `gsc-${Math.random().toString(36).slice(2)}`;
  const field = make("input", {
    class: "gsc-field", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
    "aria-label": "add to the history: words of a title, or a query", "aria-autocomplete": "list",
    "aria-expanded": "false", "aria-controls": name, placeholder: "add to the history: words of a title, or a query",
  });
  const list = make("ul", { class: "gsc-options", id: name, role: "listbox", "aria-label": "what to add", hidden: "" });
  let options = [];
  let active = 0;
  let waiting = null;

  function close() {
    options = [];
    list.hidden = true;
    list.replaceChildren();
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function draw() {
    const typed = field.value.trim();
    const found = model.get("found");
    if (!typed || found.typed !== typed) return;
    options = [{ token: "S_Q", text: typed, message: { do: "add_query", query: typed } }];
    for (const [item, title] of found.items) {
      options.push({ token: "R_I", text: title, message: { do: "add_item", item } });
    }
    active = Math.min(active, options.length - 1);
    list.replaceChildren(...options.map(optionOf));
    const more = found.total - found.items.length;
    const words = !found.total ? "no title holds these words" : more > 0 ? `and ${more} more: type another word` : "";
    if (words) list.append(make("li", { class: "gsc-more", role: "presentation" }, words));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    mark();
  }

  function optionOf(option, place) {
    const item = make("li", { class: `gsc-option gsc-${option.token}`, role: "option", id: `${name}-${place}` });
    item.append(make("span", { class: "gsc-token" }, `<${option.token}>`));
    item.append(make("span", { class: "gsc-text" }, option.token === "S_Q" ? `the query “${option.text}”` : option.text));
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      choose(place);
    });
    return item;
  }

  function mark() {
    [...list.querySelectorAll(".gsc-option")].forEach((item, place) => {
      item.setAttribute("aria-selected", String(place === active));
    });
    if (options.length) field.setAttribute("aria-activedescendant", `${name}-${active}`);
  }

  function choose(place) {
    if (!options[place]) return;
    model.send(options[place].message);
    status.textContent = `${options[place].text} is added at the end`;
    field.value = "";
    active = 0;
    close();
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    active = 0;
    const typed = field.value.trim();
    if (!typed) return close();
    waiting = setTimeout(() => model.send({ do: "find", typed }), 120);
  });
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const typed = field.value.trim();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const count = options.length || 1;
      active = (active + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      mark();
    } else if (event.key === "Enter" && typed) {
      event.preventDefault();
      if (!options.length) options = [{ text: typed, message: { do: "add_query", query: typed } }];
      choose(Math.min(active, options.length - 1));
    } else if (event.key === "Escape") {
      close();
    }
  });
  field.addEventListener("blur", close);
  root.append(field, list);
  return { root, draw };
}

export default { render };
