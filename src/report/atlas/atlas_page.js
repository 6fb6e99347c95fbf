// The page of `oneiros atlas`, behind page_common.js.
"use strict";
(() => {
const PAGE = 60;
const short = (source) => source.split("/").pop() || source;

/* Head */
const layers = data.layers;
const all = layers.reduce((sum, layer) => sum + layer.channels.length, 0);
at("title").textContent = `${plural(all, "channel")} of ${layers.map((layer) => layer.name).join(", ")}`;
document.title = `${at("title").textContent} · Oneiros atlas`;
at("subtitle").textContent = data.pictures > 0
  ? `What each wants, dreamed from noise, and the places in ${plural(data.pictures, "picture")} that excite it most.` : "What each wants, dreamed from noise.";
const when = new Date(data.started);
at("foot").textContent = [isNaN(when) ? data.started : when.toLocaleString("en-GB", {day: "numeric", month: "long", year: "numeric", timeZone: "UTC"}),
  `oneiros ${data.version}`, data.weights].filter(Boolean).join(" · ");

/* Which, and in what order */
const best = (channel, kind) => channel[kind].length ? channel[kind][0][0] : null;
const ratio = (channel) => channel.optimum !== null && best(channel, "activation") > 0 ? channel.optimum / best(channel, "activation") : null;
const SORTS = {
  number: ["Number", (channel) => -channel.number],
  importance: ["Importance", (channel) => channel.importance && channel.importance[0] !== null ? Math.abs(channel.importance[0]) : null],
  top: ["How often among the ten that count most", (channel) => channel.importance ? channel.importance[3] : null],
  activation: ["Largest activation in the pictures", (channel) => best(channel, "activation")],
  optimum: ["Activation in its dream", (channel) => channel.optimum],
  ratio: ["Dream above pictures", ratio],
};
const saw = data.pictures > 0;
for (const [value, [title]] of Object.entries(SORTS))
  if (saw || value === "number" || value === "optimum") at("sort").append(make("option", {value}, title));
for (const [value, title] of [["both", "dreams and places"], ["dream", "dreams"], ["places", "places"]])
  at("show").append(make("option", {value}, title));
at("show").parentElement.hidden = !saw;
if (saw) at("sort").value = "importance";
let layer = 0, page = 0, chosen = [];

// "12, 40-60": these numbers; other words: channels that a picture of such a name excites.
function wanted(text) {
  const parts = text.toLowerCase().split(/[,\s]+/).filter(Boolean);
  if (parts.length === 0) return () => true;
  const ranges = parts.map((part) => part.match(/^(?:\w*#)?(\d+)(?:-(\d+))?$/));
  if (ranges.every(Boolean))
    return (channel) => ranges.some(([, from, to]) => channel.number >= Number(from) && channel.number <= Number(to || from));
  const named = new Set(Object.entries(data.names).filter(([, source]) => source.toLowerCase().includes(text.trim().toLowerCase())).map(([id]) => Number(id)));
  return (channel) => [...channel.activation, ...channel.relevance].some((place) => named.has(place[1]));
}
const sheet = (channel, kind) => `exemplars/${layers[layer].name}-${channel.number}-${kind}.png`;
function picture(path, text) {
  return path ? make("img", {src: link(path), alt: text, loading: "lazy", width: 256, height: 256}) : make("span", {class: "nothing", "aria-hidden": "true"});
}
function card(channel, i, most) {
  const show = saw ? at("show").value : "dream", title = `${layers[layer].name}#${channel.number}`;
  const importance = channel.importance && channel.importance[0];
  const pictures = make("span", {class: "pictures" + (show === "both" ? "" : " one")},
    show !== "places" && picture(channel.dream, `What channel ${channel.number} wants`),
    show !== "dream" && picture(channel.activation.length ? sheet(channel, "activation") : null, `What excites channel ${channel.number} most`));
  return make("li", {}, make("button", {type: "button", onclick: () => open(i)}, pictures, make("span", {class: "name"}, title),
    make("span", {class: "numbers"}, saw ? `${number(best(channel, "activation"))} in pictures, ${number(channel.optimum)} in its dream` : `activation ${number(channel.optimum)}`),
    saw && importance !== null && importance !== undefined && make("span", {class: "bar", title: `importance ${number(importance)}`},
      make("i", {class: importance < 0 ? "minus" : null, style: `width: ${(100 * Math.abs(importance) / most).toFixed(1)}%`}))));
}
function draw() {
  const of = SORTS[at("sort").value][1], keep = wanted(at("find").value);
  const value = (channel) => { const found = of(channel); return found === null || found === undefined ? -Infinity : found; };
  chosen = layers[layer].channels.filter(keep).sort((a, b) => value(b) - value(a) || a.number - b.number);
  const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
  page = Math.min(page, pages - 1);
  const most = Math.max(...layers[layer].channels.map((channel) => channel.importance ? Math.abs(channel.importance[0] || 0) : 0)) || 1;
  at("cards").replaceChildren(...chosen.slice(page * PAGE, (page + 1) * PAGE).map((channel, i) => card(channel, page * PAGE + i, most)));
  at("found").textContent = chosen.length === 0 ? "None is like that" : chosen.length === layers[layer].channels.length ? plural(chosen.length, "channel") : `${chosen.length.toLocaleString("en")} of ${plural(layers[layer].channels.length, "channel")}`;
  at("pages").replaceChildren(...(pages < 2 ? [] : Array.from({length: pages}, (_, i) => make("button", {type: "button", "aria-current": i === page ? "page" : null,
    "aria-label": `Page ${i + 1}`, onclick: () => { page = i; draw(); at("channels").scrollIntoView(); at("pages").children[i].focus({preventScroll: true}); }}, String(i + 1)))));
}
function chooseLayer(i) {
  layer = i;
  page = 0;
  [...at("layers").querySelectorAll("a")].forEach((item, k) => k === i ? item.setAttribute("aria-current", "true") : item.removeAttribute("aria-current"));
  draw();
}
if (layers.length > 1)
  layers.forEach((item, i) => at("layers").append(make("li", {}, make("a", {href: "#channels", onclick: () => chooseLayer(i)}, item.name))));

/* One channel */
let shown = -1;
// Rings on the sheet where the places are in their crops.
function marked(channel, kind, title) {
  const view = make("div", {class: "sheet"}, make("img", {src: link(sheet(channel, kind)), alt: `${title}: the places, the best first; a ring marks each`}));
  const [side, gap, columns] = data.sheet, width = columns * (side + gap) - gap, rows = Math.ceil(data.places / columns), height = rows * (side + gap) - gap;
  channel[kind].forEach(([, , , , across, down, grey], i) => {
    const ring = make("i", {class: "ring", "aria-hidden": "true"});
    ring.style.left = `${100 * (i % columns * (side + gap) + side * across / 1000) / width}%`;
    ring.style.top = `${100 * (Math.floor(i / columns) * (side + gap) + side * down / 1000) / height}%`;
    if (!grey) view.append(ring);
  });
  return view;
}
function places(channel, kind, title) {
  if (!channel[kind].length) return null;
  const lost = channel[kind].filter((place) => place[6]).length;
  return make("div", {}, make("h3", {}, title), marked(channel, kind, title),
    lost > 0 && make("p", {class: "lost"}, `${lost === channel[kind].length ? "The pictures" : plural(lost, "picture")} could not be read again when this page was made: a cross stands for ${lost === 1 ? "it" : "them"}.`),
    make("ol", {}, ...channel[kind].map(([value, id, y, x, , , grey]) => make("li", {title: data.names[id]}, `${short(data.names[id])} `,
      make("span", {}, `${number(value)} at x ${x}, y ${y}${grey ? "; not to be had" : ""}`)))));
}
function open(i) {
  const channel = chosen[i], name = `${layers[layer].name}#${channel.number}`, command = `oneiros dream -s targets=${name} photo.jpg`;
  const facts = [["activation in its dream", number(channel.optimum)]];
  if (saw) facts.push(["largest in the pictures", number(best(channel, "activation"))]);
  if (channel.importance && channel.importance[0] !== null) {
    const [mean, low, high, top] = channel.importance;
    facts.push(["importance", number(mean) + (low === null ? "" : ` (${number(low)} to ${number(high)})`)], ["among the ten that count most", top === null ? "–" : `in ${Math.round(100 * top)}% of the pictures`]);
  }
  const copy = make("button", {type: "button", onclick: () => navigator.clipboard && navigator.clipboard.writeText(command).then(() => { copy.textContent = "Copied"; })}, "Copy");
  shown = i;
  at("detail-title").textContent = name;
  at("detail-body").replaceChildren(make("div", {class: "detail"},
    make("div", {}, make("h3", {}, "What it wants"), channel.dream ? make("img", {src: link(channel.dream), alt: `Dream of channel ${channel.number} from noise`}) : make("p", {}, "It has not been dreamed."),
      make("dl", {}, ...facts.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]))),
    places(channel, "activation", "What excites it most"), places(channel, "relevance", "Where it counts most")),
    channel.similar.length > 0 && make("div", {}, make("h3", {style: "margin-top: 1.5rem"}, "Counts in the same pictures"),
      make("div", {class: "similar"}, ...channel.similar.map(([other, cosine]) => make("button", {type: "button", onclick: () => goTo(other)}, `#${other} · ${cosine === null ? "–" : cosine.toFixed(2)}`)))),
    make("p", {class: "command"}, make("code", {}, command), copy));
  at("previous").disabled = i === 0;
  at("next").disabled = i === chosen.length - 1;
  if (!at("detail").open) at("detail").showModal();
}
// A channel of this layer, whatever is filtered.
function goTo(other) {
  let i = chosen.findIndex((channel) => channel.number === other);
  if (i < 0) {
    at("find").value = "";
    draw();
    i = chosen.findIndex((channel) => channel.number === other);
  }
  if (i >= 0) open(i);
}
at("close").addEventListener("click", () => at("detail").close());
at("previous").addEventListener("click", () => open(shown - 1));
at("next").addEventListener("click", () => open(shown + 1));
at("detail").addEventListener("click", (event) => { if (event.target === at("detail")) at("detail").close(); });
at("detail").addEventListener("close", () => {
  const i = shown - page * PAGE;
  if (i < 0 || i >= PAGE) { page = Math.floor(shown / PAGE); draw(); }
  const card = at("cards").children[shown - page * PAGE];
  if (card) card.firstElementChild.focus();
});
document.addEventListener("keydown", (event) => {
  if (at("detail").open) {
    if (event.key === "ArrowLeft" && shown > 0) open(shown - 1);
    if (event.key === "ArrowRight" && shown < chosen.length - 1) open(shown + 1);
    return;
  }
  if (event.key === "/" && document.activeElement !== at("find")) { at("find").focus(); event.preventDefault(); }
  const cards = [...at("cards").children].map((item) => item.firstElementChild), here = cards.indexOf(document.activeElement);
  if (here < 0) return;
  const columns = Math.max(1, cards.filter((item) => item.offsetTop === cards[0].offsetTop).length);
  const to = here + ({ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key] || 0);
  if (to !== here && cards[to]) { cards[to].focus(); event.preventDefault(); }
});
at("filter").addEventListener("submit", (event) => event.preventDefault());
at("find").addEventListener("input", () => { page = 0; draw(); });
at("sort").addEventListener("change", () => { page = 0; draw(); });
at("show").addEventListener("change", draw);
chooseLayer(0);
})();
