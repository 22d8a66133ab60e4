// A picture made elsewhere, whose parts can be picked with the mouse and the keyboard.
//
// `html` comes from the kit's own figure functions, which escape every text of the data. A part that carries data-pick
// is picked by a click (or Enter, it being a button); the arrow keys left and right are reported, too.

function render({ model, el }) {
  const root = document.createElement("div");
  root.setAttribute("role", "group");

  function draw() {
    const held = root.contains(document.activeElement) ? document.activeElement.dataset.pick : null;
    root.setAttribute("aria-label", model.get("name"));
    root.innerHTML = model.get("html");
    if (held === null) return;
    const again = [...root.querySelectorAll("[data-pick]")].find((part) => part.dataset.pick === held);
    (again || root.querySelector("[data-pick]"))?.focus();
  }

  root.addEventListener("click", (event) => {
    const part = event.target.closest("[data-pick]");
    if (part) model.send({ pick: part.dataset.pick });
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    if (!event.target.closest("[data-pick]")) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook has shortcuts of its own
    model.send({ step: event.key === "ArrowLeft" ? -1 : 1 });
  });
  el.append(root);
  model.on("change:html", draw);
  draw();
  return () => model.off("change:html", draw);
}

export default { render };
