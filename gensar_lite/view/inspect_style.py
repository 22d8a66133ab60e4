"""Style and script of the identifier report: one calm column, light or dark as the reader's system is, no network.

The script fills the look-up table from data in the page; it puts strangers' texts in as text, never as HTML.
"""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f5; --card: #ffffff; --ink: #1c2126; --dim: #58626a; --line: #e0e3df; --accent: #005f99;
  --fine: #00694a; --fine-tint: #e4f4ee; --look: #7a5200; --look-tint: #fdf3dc; --bad: #a33a00; --bad-tint: #fdeae1;
  --figure-ink: #4b545b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121518; --card: #1a1e22; --ink: #e7eaec; --dim: #a2abb2; --line: #2f363c; --accent: #7cc0ee;
    --fine: #5fd3a8; --fine-tint: #16312a; --look: #f2c063; --look-tint: #362b13; --bad: #ff9d76; --bad-tint: #3b2219;
    --figure-ink: #b4bcc2;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--page); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main, header { max-width: 1120px; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; z-index: 9; }
.eyebrow { color: var(--dim); font-size: .85rem; margin: 0; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .2rem 0 1.2rem; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 0 0 .3rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; font-weight: 650; }
p { margin: .4rem 0; }
.dim, figcaption { color: var(--dim); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.4rem 1.5rem;
  margin: 1.1rem 0; }
section > .lead { color: var(--dim); margin: 0 0 1rem; max-width: 75ch; }
.verdict { border-radius: 12px; padding: 1.2rem 1.5rem; border-left: 6px solid; margin: 0 0 1rem; }
.verdict strong { font-size: 1.15rem; }
.verdict.fine { background: var(--fine-tint); border-color: var(--fine); }
.verdict.look { background: var(--look-tint); border-color: var(--look); }
.verdict.bad { background: var(--bad-tint); border-color: var(--bad); }
.verdict ul { margin: .7rem 0 0; padding: 0; list-style: none; }
.verdict li { margin: .35rem 0; padding-left: 1.5rem; position: relative; }
.verdict li .mark { position: absolute; left: 0; }
.badge { display: inline-block; font-size: .8rem; font-weight: 600; padding: .05rem .55rem; border-radius: 99px;
  white-space: nowrap; }
.badge.fine { color: var(--fine); background: var(--fine-tint); }
.badge.look { color: var(--look); background: var(--look-tint); }
.badge.bad { color: var(--bad); background: var(--bad-tint); }
.mark.bad { color: var(--bad); } .mark.look { color: var(--look); } .mark.fine { color: var(--fine); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .8rem; margin: 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: .7rem .9rem; }
.facts dt { color: var(--dim); font-size: .82rem; }
.facts dd { margin: 0; font-size: 1.12rem; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; margin: 1.2rem 0 0; }
nav a { display: inline-block; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: 99px;
  text-decoration: none; background: var(--card); }
nav a:hover { border-color: var(--accent); }
.card { border-left: 4px solid var(--line); padding: .15rem 0 .15rem .9rem; margin: .9rem 0; }
.card.bad { border-color: var(--bad); } .card.look { border-color: var(--look); }
.card h4 { margin: 0; font-size: 1rem; font-weight: 600; }
.card p { margin: .15rem 0; max-width: 85ch; }
.card .value { font-variant-numeric: tabular-nums; font-weight: 650; }
code, .formula { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace; font-size: .86em; }
figure { margin: 1rem 0; }
figcaption { font-size: .92rem; max-width: 90ch; }
.plot { width: 100%; min-height: 200px; overflow: hidden; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding: .3rem 0; }
th, td { padding: .32rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--dim); font-weight: 600; white-space: nowrap; position: sticky; top: 0;
  background: var(--card); }
td.number, th.number { text-align: right; white-space: nowrap; }
td.code { white-space: nowrap; }
.tall { max-height: 34rem; overflow: auto; }
tbody tr:hover td { background: var(--page); }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--accent); padding: .2rem 0; }
details > .scroll { max-height: 34rem; overflow: auto; border: 1px solid var(--line); border-radius: 8px; }
input[type=search] { font: inherit; width: min(100%, 34rem); padding: .5rem .8rem; border: 1px solid var(--dim);
  border-radius: 8px; background: var(--page); color: var(--ink); }
ul.plain { padding-left: 1.1rem; margin: .4rem 0; }
footer { color: var(--dim); font-size: .85rem; padding: 1rem 0 3rem; }
.plot .xtick text, .plot .ytick text, .plot .xtitle, .plot .ytitle, .plot .x2title, .plot .y2title, .plot .x3title,
.plot .y3title, .plot .gtitle, .plot .legendtext, .plot .cbaxis text, .plot .cbtitle text,
.plot [class*="tick"] text, .plot .annotation-text { fill: var(--figure-ink) !important; }
.plot .heatmaplayer text { fill: #000000 !important; }
@media (max-width: 640px) { section { padding: 1rem; } h1 { font-size: 1.35rem; } }
@media print { nav, .skip { display: none; } section { break-inside: avoid; } }
"""

SCRIPT = """
(function () {
  const data = JSON.parse(document.getElementById("items").textContent);
  const box = document.getElementById("find"), body = document.getElementById("found");
  const said = document.getElementById("found-words");
  if (!box) { return; }
  const rows = data.rows.map(row => ({row: row, text: row.join(" ").toLowerCase()}));
  function show() {
    const typed = box.value.trim().toLowerCase();
    const words = typed.split(/\\s+/).filter(Boolean);
    const at = data.columns.map((name, place) => place).filter(place => place >= data.firstCode);
    let hits = rows.filter(one => one.row[0].toLowerCase() === typed);
    if (!hits.length && /^\\d+(-\\d+)*$/.test(typed)) {
      hits = rows.filter(one => at.some(place => (one.row[place] + "-").startsWith(typed + "-")));
    }
    if (!hits.length && words.length) { hits = rows.filter(one => words.every(word => one.text.includes(word))); }
    body.replaceChildren(...hits.slice(0, 50).map(one => {
      const line = document.createElement("tr");
      one.row.forEach((cell, place) => {
        const made = line.appendChild(document.createElement("td"));
        made.textContent = cell;
        made.className = place >= data.firstCode ? "code" : "";
      });
      return line;
    }));
    said.textContent = !typed ? "" : hits.length + (hits.length === 1 ? " item" : " items")
      + (hits.length > 50 ? ", the first 50 shown" : "");
  }
  box.addEventListener("input", show);
}());
"""
