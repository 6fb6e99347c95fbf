// The page of `oneiros report`, behind page_common.js.
"use strict";
(() => {
const {run, images, targets, measures} = data;
const PAGE = 24;
const explains = run.kind === "explain";

const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;
const number = (value) => value === null || value === undefined ? "–"
  : value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 100) return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  if (value < 600) return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
  const minutes = Math.round(value / 60), hours = Math.floor(minutes / 60);
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}
function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit++; }
  return `${unit ? value.toPrecision(3) : value} ${units[unit]}`;
}
// What a picture is called: its folder, or, where it has none, its file.
const name = (image) => image.folder || image.source.split("/").pop() || `picture ${image.id}`;
const place = (measure) => measures.slice(0, measure).reduce((sum, m) => sum + (m.perTarget ? targets.length : 1), 0);

document.addEventListener("theme", drawCharts);

/* Head */
const count = (status) => images.filter((image) => image.status === status).length;
const done = count("done"), failed = count("failed"), stopped = count("stopped");
const noun = explains ? ["picture explained", "pictures explained"] : ["dream", "dreams"];
const inputs = run.inputs, whole = inputs === null || done === inputs; // all that is done is all there is, as far as is known
at("title").textContent = images.length === 0 ? `No picture${inputs ? ` of ${inputs.toLocaleString("en")}` : ""} is finished${run.state === "running" ? " yet" : ""}`
  : whole ? plural(done, ...noun) : `${done.toLocaleString("en")} of ${plural(inputs, ...noun)}`;
document.title = `${at("title").textContent} · Oneiros`;
const when = new Date(run.started);
const whenText = isNaN(when) ? run.started
  : when.toLocaleString("en-GB", {day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC"}) + " UTC";
const hostNames = run.hosts.map((host) => host.name);
at("subtitle").textContent = [whenText, `on ${hostNames.slice(0, 4).join(", ")}${hostNames.length > 4 ? ` and ${hostNames.length - 4} more` : ""}`,
  run.changes ? `oneiros ${run.kind} ${run.changes.join(" ") || "as by default"}` : targets.length && !explains ? `raising ${targets.join(", ")}` : ""].filter(Boolean).join(" · ");
const notices = [];
const hand = run.inHand > 0 ? `, with ${plural(run.inHand, "picture")} in hand` : "";
if (run.state === "running")
  notices.push(`The run was at work when this page was written (${run.holder})${hand}${run.progress === null ? "" : `: ${Math.floor(100 * run.progress)}% done`}` +
    `${run.secondsLeft === null ? "" : `, about ${seconds(run.secondsLeft)} left`}. Write the page again to see more.`);
if (run.state === "starting") notices.push(`A run was starting here when this page was written (${run.holder}); what follows is of the one before.`);
if (run.state === "stopped") notices.push(`The run was stopped before its end${stopped ? `, with ${plural(stopped, "picture")} unfinished` : ""}. The same command goes on with it.`);
if (run.state === "killed") notices.push(`The run was killed before its end${hand}. The same command goes on with it.`);
if (run.resumed) notices.push("The run was gone on with: time, ranks and hosts are of its last session.");
at("notice").textContent = notices.join(" ");
at("notice").hidden = notices.length === 0;
function fact(label, value, bad) { at("facts").append(make("div", {class: bad ? "bad" : null}, make("dt", {}, label), make("dd", {}, value))); }
fact("done", done.toLocaleString("en") + (whole ? "" : ` of ${inputs.toLocaleString("en")}`));
if (failed) fact("failed", failed.toLocaleString("en"), true);
if (stopped) fact("stopped early", stopped.toLocaleString("en"), true);
fact("wall time", seconds(run.elapsed));
fact(run.ranks === 1 ? "process" : `workers of ${run.ranks} ranks`, run.ranks === 1 ? "1" : run.workers.toLocaleString("en"));
fact(hostNames.length === 1 ? "host" : "hosts", String(hostNames.length));
fact("version", run.version);
for (const section of document.querySelectorAll("main > section[id]")) {
  if ((section.id === "failures" && !failed) || (section.id === "set" && !data.set)) continue;
  at("sections").append(make("li", {}, make("a", {href: `#${section.id}`}, section.querySelector("h2").textContent)));
}

/* Gallery */
const curveOf = new Map(data.curves.images.map((curve) => [curve.image, curve]));
// Those without a picture come last.
const ordered = [...images.filter((image) => image.status !== "failed"), ...images.filter((image) => image.status === "failed")];
const state = {page: 0, found: ordered};
const statuses = [["", "all"], ["done", "done"], ["failed", "failed"], ["stopped", "stopped early"]]
  .filter(([status]) => !status || count(status) > 0);
for (const [value, text] of statuses) at("filter-status").append(make("option", {value}, text));
at("cam-all-label").hidden = !images.some((image) => image.thumbCam);

function lossText(image) {
  const first = image.same >= 0 ? images.find((other) => other.id === image.same) : null;
  if (image.same >= 0) return `the same bytes as ${first ? name(first) : "another input"}`;
  const before = image.before[0], after = image.after[0];
  if (before === null || after === null) return null;
  return `loss ${number(before)} → ${number(after)}`;
}

function emptyView(image) {
  const text = image.status === "failed" ? image.error || "no reason is known" : image.picture ? "No thumbnail of it" : "Its picture is not in the folder";
  return make("p", {class: "empty"}, make("span", {}, image.status === "failed" ? make("strong", {}, "Failed: ") : null, text));
}

// Before over after, split where the slider stands.
function slider(image, view, after) {
  const label = image.beforeFrom === "video" ? "first frame" : "before";
  const before = make("img", {src: image.thumbBefore, alt: "", class: "before"});
  const range = make("input", {type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": `How much of ${name(image)} to show as it was before`,
    "aria-valuetext": "50% before"});
  const left = make("span", {class: "tag left", "aria-hidden": "true"}, label), right = make("span", {class: "tag right", "aria-hidden": "true"}, image.status === "stopped" ? "so far" : "dream");
  const split = () => {
    view.style.setProperty("--split", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value}% before`);
    left.hidden = range.value < 12;
    right.hidden = range.value > 88;
  };
  range.addEventListener("input", split);
  view.append(after, before, make("span", {class: "rule", "aria-hidden": "true"}), left, right, range);
  split();
}

function card(image) {
  const ratio = Math.min(2.6, Math.max(0.56, image.width > 0 && image.height > 0 ? image.width / image.height : 4 / 3));
  const view = make("div", {class: "view"});
  // Beyond the room that a page has for thumbnails the pictures themselves are shown, unless they are huge.
  const own = image.picture && /\.(png|jpe?g)$/i.test(image.picture) && image.width * image.height <= 4e7;
  const shown = image.thumbAfter || (own ? link(image.picture) : null);
  const after = shown && make("img", {src: shown, alt: `${explains ? "Explanation" : "Dream"} of ${name(image)}`, loading: image.thumbAfter ? null : "lazy", decoding: "async"});
  if (!after) view.append(emptyView(image));
  else if (image.thumbBefore && !explains) slider(image, view, after);
  else view.append(after);
  // A sheet of pictures has a shape of its own.
  if (explains && after) after.addEventListener("load", () => element.style.setProperty("--ratio", (after.naturalWidth / after.naturalHeight).toFixed(4)));
  const actions = make("div", {class: "actions"});
  if (image.thumbCam) {
    const cam = make("button", {type: "button", "aria-pressed": "false", "data-cam": "", "aria-label": `Map of ${name(image)}: where the network looked`, onclick: () => {
      const on = cam.getAttribute("aria-pressed") !== "true";
      cam.setAttribute("aria-pressed", String(on));
      after.src = on ? image.thumbCam : shown;
    }}, "Map");
    actions.append(cam);
  }
  const videos = [];
  const addVideo = (text, file) => {
    const button = make("button", {type: "button", "aria-pressed": "false", "aria-label": `${text} of ${name(image)}`, onclick: () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      for (const other of videos) other.setAttribute("aria-pressed", "false");
      view.querySelector("video")?.remove();
      if (!on) return;
      button.setAttribute("aria-pressed", "true");
      const video = make("video", {controls: true, preload: "none", playsinline: true, loop: true, src: link(`${image.folder}/${file}`),
        "aria-label": `${text} of ${name(image)}`, poster: image.thumbBefore || image.thumbAfter});
      view.append(video);
      video.play().catch(() => {});
    }}, text);
    videos.push(button);
    actions.append(button);
  };
  if (image.video) addVideo("Video", "dream.mp4");
  if (image.camVideo) addVideo("Map video", "cam.mp4");
  if (curveOf.has(image.id)) actions.append(make("button", {type: "button", onclick: () => { choose(String(image.id)); at("curves").scrollIntoView(); at("chosen").focus({preventScroll: true}); },
    "aria-label": `Curves of ${name(image)}`}, "Curves"));
  if (image.picture) actions.append(make("a", {href: link(image.picture), "aria-label": `Full size of ${name(image)}`}, /\.tif$/i.test(image.picture) ? "Full size (TIFF)" : "Full size"));
  const facts = [image.status === "stopped" ? "stopped early" : null, image.width ? `${image.width} × ${image.height}` : null,
    image.status !== "failed" ? seconds(image.seconds[3]) : null, explains ? null : lossText(image)].filter(Boolean);
  const element = make("article", {class: "card", "--ratio": ratio.toFixed(4)}, view,
    make("div", {class: "caption"}, make("h3", {title: image.source}, name(image)), make("p", {class: "line"}, facts.join(" · ")), actions));
  return element;
}

function drawGallery() {
  const {found} = state, pages = Math.max(1, Math.ceil(found.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  const shown = found.slice(state.page * PAGE, (state.page + 1) * PAGE);
  at("gallery").replaceChildren(...shown.map(card));
  at("gallery").classList.toggle("few", found.length <= 2);
  at("gallery").classList.toggle("one", images.length === 1);
  if (at("cam-all").checked) setCams(true);
  const first = state.page * PAGE;
  at("found").textContent = found.length === 0 ? (images.length ? "None is like that" : "")
    : pages > 1 ? `${first + 1} to ${first + shown.length} of ${found.length.toLocaleString("en")}` : plural(found.length, "picture");
  const go = (page) => () => { state.page = page; drawGallery(); at("pictures").scrollIntoView(); at("pages").querySelector("[aria-current]")?.focus({preventScroll: true}); };
  const button = (text, page, label) => make("button", {type: "button", onclick: go(page), disabled: page < 0 || page >= pages, "aria-label": label}, text);
  const numbers = [];
  for (let page = 0; page < pages; page++)
    if (page === 0 || page === pages - 1 || Math.abs(page - state.page) <= 1) numbers.push(page);
  const items = [button("‹", state.page - 1, "Previous page")];
  numbers.forEach((page, i) => {
    if (i > 0 && page - numbers[i - 1] > 1) items.push(make("span", {"aria-hidden": "true"}, "…"));
    const item = button(String(page + 1), page, `Page ${page + 1}`);
    if (page === state.page) item.setAttribute("aria-current", "page");
    items.push(item);
  });
  items.push(button("›", state.page + 1, "Next page"));
  at("pages").replaceChildren(...(pages > 1 ? items : []));
  at("pages").hidden = pages < 2;
}

function setCams(on) {
  for (const button of at("gallery").querySelectorAll("[data-cam]"))
    if ((button.getAttribute("aria-pressed") === "true") !== on) button.click();
}

function filter() {
  const words = at("filter-name").value.trim().toLowerCase(), status = at("filter-status").value;
  state.found = ordered.filter((image) => (!status || image.status === status) &&
    (!words || name(image).toLowerCase().includes(words) || image.source.toLowerCase().includes(words)));
  state.page = 0;
  drawGallery();
}
at("filter").addEventListener("submit", (event) => event.preventDefault());
at("filter-name").addEventListener("input", filter);
at("filter-status").addEventListener("change", filter);
at("cam-all").addEventListener("change", () => setCams(at("cam-all").checked));
at("filter").hidden = images.length < 2;
for (const field of at("filter").querySelectorAll(".field")) field.hidden = images.length < 7; // all are in sight
drawGallery();

/* What failed */
at("failures").hidden = failed === 0;
at("failures-table").tBodies[0].append(...images.filter((image) => image.status === "failed")
  .map((image) => make("tr", {}, make("td", {}, image.source), make("td", {}, image.error || "no reason is known"))));

/* The set */
const set = data.set;
const ENDS = 4;
// What a column of /images is to a reader: the measure, and whether it is of the picture or of its dream.
function metricOf(row) {
  const [, column, ending] = row.metric.match(/^(.*?)_(before|after)$/) || [];
  const index = measures.findIndex((measure) => measure.column === column);
  return index < 0 ? null : {index, ending, title: measures[index].title, target: row.target, row};
}
const svg = (element, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", element);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
// Boxes of the middle half, lines to 5% and 95%, dots at the ends; one above the other on one scale.
function boxes(rows, label) {
  const WIDTH = 300, HEIGHT = 17, low = Math.min(...rows.map((row) => row.smallest)), high = Math.max(...rows.map((row) => row.largest));
  const x = (value) => (6 + (WIDTH - 12) * (high > low ? (value - low) / (high - low) : 0.5)).toFixed(1);
  const drawn = rows.map((row, i) => {
    const y = HEIGHT * i + HEIGHT / 2, group = svg("g", {class: row.metric.endsWith("_before") ? "was" : "is"});
    group.append(svg("line", {x1: x(row.q05), x2: x(row.q95), y1: y, y2: y}),
      svg("rect", {x: x(row.q25), y: y - 5, width: Math.max(1, x(row.q75) - x(row.q25)).toFixed(1), height: 10}),
      svg("line", {class: "middle", x1: x(row.median), x2: x(row.median), y1: y - 7, y2: y + 7}),
      svg("circle", {cx: x(row.smallest), cy: y, r: 1.8}), svg("circle", {cx: x(row.largest), cy: y, r: 1.8}));
    return group;
  });
  return svg("svg", {class: "boxes", viewBox: `0 0 ${WIDTH} ${HEIGHT * rows.length}`, width: WIDTH, height: HEIGHT * rows.length, role: "img", "aria-label": label}, ...drawn);
}
function drawDistributions(metrics) {
  const groups = new Map();
  for (const metric of metrics) {
    const key = `${metric.index} ${metric.target}`;
    groups.set(key, [...(groups.get(key) || []), metric]);
  }
  const lines = (rows, text) => rows.map((row) => make("div", {}, text(row)));
  for (const group of groups.values()) {
    const rows = group.map((metric) => metric.row), {title, index} = group[0], unit = measures[index].unit;
    const spoken = group.map(({ending, row}) => `${ending}: from ${number(row.smallest)} to ${number(row.largest)}, half of them from ${number(row.q25)} to ${number(row.q75)}`).join("; ");
    at("set-table").tBodies[0].append(make("tr", {}, make("th", {scope: "row"}, title + (unit ? `, ${unit}` : "")), make("td", {}, group[0].target),
      make("td", {}, boxes(rows, `${title}, ${spoken}`)), make("td", {class: "n"}, ...lines(rows, (row) => number(row.median))),
      make("td", {class: "n"}, ...lines(rows, (row) => `${number(row.mean)} (${number(row.low)} to ${number(row.high)})`))));
  }
}
// A picture among others: the dream, or what was explained.
const face = (image) => (explains && image.thumbBefore) || image.thumbAfter || image.thumbBefore;
function endOf({image, value}) {
  const shown = face(image);
  const picture = shown ? make("img", {src: shown, alt: ""}) : make("span", {class: "nothing", "aria-hidden": "true"});
  return make("li", {}, image.picture ? make("a", {href: link(image.picture)}, picture, make("span", {}, name(image))) : make("div", {}, picture, make("span", {}, name(image))),
    make("span", {class: "number"}, number(value)));
}
function drawEnds(metric) {
  const column = place(metric.index) + (measures[metric.index].perTarget ? Math.max(0, targets.indexOf(metric.target)) : 0);
  const known = images.filter((image) => image.status === "done" && image.same < 0).map((image) => ({image, value: image[metric.ending][column]}))
    .filter(({value}) => value !== null).sort((a, b) => a.value - b.value);
  const count = Math.min(ENDS, Math.floor(known.length / 2));
  const list = (title, items) => make("div", {}, make("h4", {}, title), make("ol", {}, ...items.map(endOf)));
  at("ends-lists").replaceChildren(list("Least", known.slice(0, count)), list("Most", known.slice(known.length - count).reverse()));
}
// Squares in a plane of 1 x high, moved apart where one would cover another: each pair along the axis where the least is to do.
function moveApart(spots, side, high) {
  const inside = (spot) => { spot.x = Math.min(1 - side, Math.max(0, spot.x)); spot.y = Math.min(high - side, Math.max(0, spot.y)); };
  for (let round = 0, moved = true; round < 200 && moved; round++) {
    moved = false;
    for (let i = 0; i < spots.length; i++)
      for (let k = i + 1; k < spots.length; k++) {
        const a = spots[i], b = spots[k], dx = side - Math.abs(a.x - b.x), dy = side - Math.abs(a.y - b.y);
        if (dx <= 1e-4 || dy <= 1e-4) continue;
        const axis = dx < dy ? "x" : "y", step = (Math.min(dx, dy) / 2 + 1e-4) * (a[axis] > b[axis] ? 1 : -1);
        a[axis] += step;
        b[axis] -= step;
        inside(a);
        inside(b);
        moved = true;
      }
  }
}
// The next one that way, as straight as can be.
function towards(spots, from, key) {
  const [across, along, sign] = {ArrowRight: ["y", "x", 1], ArrowLeft: ["y", "x", -1], ArrowDown: ["x", "y", 1], ArrowUp: ["x", "y", -1]}[key] || [];
  if (!along || from < 0) return -1;
  const far = (spot) => { const ahead = sign * (spot[along] - spots[from][along]); return ahead > 1e-4 ? ahead + 2 * Math.abs(spot[across] - spots[from][across]) : Infinity; };
  const best = spots.reduce((found, spot, i) => far(spot) < far(spots[found]) ? i : found, from);
  return best === from ? -1 : best;
}
// Each picture where its principal components put it, both axes stretched to fill the plane.
function drawPlane({all, shares, places}) {
  const known = places.map(([id, x, y]) => ({image: images.find((image) => image.id === id), x, y})).filter(({image}) => image).sort((a, b) => a.x - b.x);
  at("plane").hidden = known.length < 3;
  if (known.length < 3) return;
  const percent = (share) => `${Math.round(100 * share)}%`, span = (key) => [Math.min(...known.map((one) => one[key])), Math.max(...known.map((one) => one[key]))];
  const [[left, right], [bottom, top]] = [span("x"), span("y")], plane = at("plane-pictures");
  at("plane-text").textContent = "Pictures in which the same channels count lie near each other. Principal components of the channels' importance: " +
    `from left to right ${percent(shares[0])} of how they differ, from bottom to top ${percent(shares[1])}, and moved apart where they would cover each other` + (known.length < all ? `; ${known.length} of ${all.toLocaleString("en")}, chosen evenly.` : ".");
  const ratio = Math.min(2.2, Math.max(1.3, (right - left) / (top - bottom || 1))), high = 1 / ratio, side = Math.min(0.14, Math.sqrt(0.3 * high / known.length));
  const spots = known.map(({x, y}) => ({x: (1 - side) * (x - left) / (right - left || 1), y: (high - side) * (top - y) / (top - bottom || 1)}));
  moveApart(spots, side, high);
  plane.style.setProperty("--ratio", ratio.toFixed(3));
  plane.style.setProperty("--side", side.toFixed(4));
  const items = known.map(({image}, i) => {
    const shown = face(image);
    const item = make("a", {href: image.picture ? link(image.picture) : null, tabindex: i ? -1 : 0, "aria-label": name(image), title: name(image)},
      shown ? make("img", {src: shown, alt: "", decoding: "async"}) : make("span", {class: "nothing", "aria-hidden": "true"}));
    if (!image.picture) item.setAttribute("role", "img");
    item.style.setProperty("--x", spots[i].x.toFixed(4));
    item.style.setProperty("--y", (spots[i].y / high).toFixed(4));
    return item;
  });
  plane.append(...items);
  plane.addEventListener("keydown", (event) => {
    const next = items[towards(spots, items.indexOf(document.activeElement), event.key)];
    if (!next) return;
    event.preventDefault();
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  const say = (event) => { const item = event.target.closest(".plane > *"); if (item) at("plane-name").textContent = item.title; };
  for (const kind of ["focusin", "pointermove"]) plane.addEventListener(kind, say); // what slides under a pointer that rests is not meant
}
// From nothing to most: dark to light.
const HEAT = [[13, 8, 60], [110, 20, 130], [205, 60, 100], [250, 150, 60], [250, 240, 170]];
function meanMap(map) {
  const canvas = make("canvas", {width: map.side, height: map.side, role: "img"}), context = canvas.getContext("2d");
  const pixels = context.createImageData(map.side, map.side), most = Math.max(1, ...map.values);
  const peak = map.values.indexOf(Math.max(...map.values));
  map.values.forEach((value, i) => {
    const at = (HEAT.length - 1) * Math.max(0, value || 0) / most, k = Math.min(HEAT.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = HEAT[k][c] + (at - k) * (HEAT[k + 1][c] - HEAT[k][c]);
    pixels.data[4 * i + 3] = 255;
  });
  context.putImageData(pixels, 0, 0);
  const percent = (cell) => Math.round(100 * (cell + 0.5) / map.side);
  const title = map.frame === "last" ? "dreams" : explains ? "pictures" : "before";
  canvas.setAttribute("aria-label", `Mean map, ${title}: most at ${percent(peak % map.side)}% of the width and ${percent(Math.floor(peak / map.side))}% of the height`);
  return make("figure", {}, canvas, make("figcaption", {}, `${title}, ${plural(map.count, "map")}, up to ${number(most / 1000)}`));
}
const MAPS = {cam: "Grad-CAM", cam_plus_plus: "Grad-CAM++", layer_cam: "LayerCAM", hires_cam: "HiResCAM", class_cam: "Class CAM", guided_gradcam: "Guided Grad-CAM", saliency: "Saliency",
  saliency_guided: "Guided saliency", saliency_smoothgrad: "SmoothGrad", expected_gradients: "Expected gradients", edges: "Edges of the picture", random: "A random map"};
// The maps that were judged, the best first; the random one is what each is held against.
function drawTrust(rows) {
  const groups = new Map();
  for (const row of rows) {
    const key = `${row.map} ${row.target}`;
    groups.set(key, {map: row.map, target: row.target, ...groups.get(key), [row.measure]: row});
  }
  const judged = [...groups.values()].filter((group) => group.difference && group.difference.mean !== null).sort((a, b) => b.difference.mean - a.difference.mean);
  at("trust").hidden = judged.length === 0;
  if (!judged.length) return;
  const WIDTH = 200, HEIGHT = 14, ends = judged.flatMap(({difference: d}) => [d.low ?? d.mean, d.high ?? d.mean]), low = Math.min(...ends, 0), high = Math.max(...ends, 0);
  const x = (value) => (5 + (WIDTH - 10) * (high > low ? (value - low) / (high - low) : 0.5)).toFixed(1);
  const chance = groups.get("random ");
  const interval = ({difference: d}) => svg("svg", {class: "interval", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true"},
    ...(chance ? [svg("line", {class: "chance", x1: x(chance.difference.mean), x2: x(chance.difference.mean), y1: 0, y2: HEIGHT})] : []),
    svg("line", {x1: x(d.low ?? d.mean), x2: x(d.high ?? d.mean), y1: HEIGHT / 2, y2: HEIGHT / 2}), svg("circle", {cx: x(d.mean), cy: HEIGHT / 2, r: 3.5}));
  const said = (row) => row && row.mean !== null ? row.mean.toFixed(2) : "–";
  const most = Math.max(...judged.map((group) => group.difference.count));
  // From there on, a quarter of the order's variance is there without training.
  const UNTRAINED = 0.5, untrained = (row) => row && row.mean >= UNTRAINED
    ? make("td", {class: "n doubt"}, make("span", {title: "much of this map is there without any training"}, `${said(row)} ▲`)) : make("td", {class: "n"}, said(row));
  at("trust-text").textContent = `Over ${plural(most, "picture")}. Deletion: what is left of the loss, on the mean, while the cells that a map calls important are taken from the picture, the first first; insertion: what comes while they are put into a flat one of its mean colour; both as parts of the whole picture's loss. ` +
    "A map to believe has little of the one and much of the other; the dotted line is a random map's. Beats chance: on this part of the pictures it does better than that. " +
    "Untrained: rank correlation with the same map by random weights; near 1 it shows the picture, not what the network has learned; ▲ from 0.5 on, where a quarter of it or more (the square) is there without any training.";
  at("trust-table").tBodies[0].append(...judged.map((group) => make("tr", {class: group.map === "random" || group.map === "edges" ? "none" : ""}, make("th", {scope: "row"}, MAPS[group.map] || group.map), make("td", {}, group.target),
    make("td", {class: "n"}, said(group.deletion)), make("td", {class: "n"}, said(group.insertion)),
    make("td", {}, interval(group), make("span", {}, said(group.difference) + (group.difference.low === null ? "" : ` (${group.difference.low.toFixed(2)} to ${group.difference.high.toFixed(2)})`))),
    make("td", {class: "n"}, group.map === "random" || !group.beats_random || group.beats_random.mean === null ? "–" : `${Math.round(100 * group.beats_random.mean)}%`),
    untrained(group.randomised))));
}
if (set) {
  const metrics = set.metrics.map(metricOf).filter((metric) => metric && metric.row.count > 1);
  at("set").hidden = metrics.length + set.maps.length === 0;
  at("set-text").textContent = `Over ${plural(set.pictures, "finished picture")}, each of its bytes once. Boxes are the middle half, lines go from 5% to 95%, dots are the ends` +
    (explains ? "." : "; above before, below after.");
  if (explains) at("set-of").textContent = "Distribution";
  drawDistributions(metrics);
  metrics.sort((a, b) => a.index - b.index || a.target.localeCompare(b.target));
  metrics.forEach((metric, i) => at("ends-by").append(make("option", {value: i}, [metric.title, metric.target, explains ? "" : metric.ending].filter(Boolean).join(", "))));
  at("ends-by").addEventListener("change", () => drawEnds(metrics[at("ends-by").value]));
  at("ends").hidden = metrics.length === 0;
  if (metrics.length) {
    at("ends-by").value = Math.max(0, metrics.findIndex((metric) => metric.ending === "after"));
    drawEnds(metrics[at("ends-by").value]);
  }
  const named = (row) => images.find((image) => image.source === row.source && image.sha256 === row.sha256);
  const far = set.outliers.map((row) => ({...metricOf(row), row})).filter((item) => item.title);
  at("outliers").hidden = far.length === 0;
  at("outliers-table").tBodies[0].append(...far.map(({row, title, ending}) => make("tr", {}, make("td", {title: row.source}, named(row) ? name(named(row)) : row.source),
    make("td", {}, [title, row.target, explains ? "" : ending].filter(Boolean).join(", ")), make("td", {class: "n"}, number(row.number)), make("td", {class: "n"}, (row.deviations > 0 ? "+" : "−") + number(Math.abs(row.deviations))))));
  drawPlane(set.layout);
  drawTrust(set.faithfulness);
  at("mean-maps").hidden = set.maps.length === 0;
  at("mean-maps-text").textContent = "The class activation map of each, brought to one shape: left is left and top is top, whatever the picture's own.";
  at("mean-maps-list").append(...set.maps.map(meanMap));
}

/* Curves */
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [5, 2], [1, 2]];
const color = (i) => getComputedStyle(document.documentElement).getPropertyValue(`--c${i % 6 + 1}`).trim();
const style = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
let charts = [];
let chosen = "mean";

// Where octaves begin, marked with a line and, where there is room, their number.
const octaveMarks = {
  id: "octaves",
  beforeDatasetsDraw(chart, _, options) {
    const {ctx, chartArea, scales} = chart;
    ctx.save();
    ctx.strokeStyle = options.line;
    ctx.fillStyle = options.ink;
    ctx.font = "11px " + options.font;
    for (const {position, octave} of options.starts) {
      const x = scales.x.getPixelForValue(position);
      if (position > 0) {
        ctx.beginPath();
        ctx.setLineDash([3, 3]);
        ctx.moveTo(x, chartArea.top);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
      }
      ctx.fillText(String(octave + 1), x + 4, chartArea.top + 9);
    }
    ctx.restore();
  },
};

function chosenCurve() { return chosen === "mean" ? data.curves.mean : curveOf.get(Number(chosen)) || data.curves.mean; }

function starts(curve) {
  const found = [];
  curve.octave.forEach((octave, i) => { if (i === 0 || octave !== curve.octave[i - 1]) found.push({position: curve.position[i], octave}); });
  return found;
}

function chart(measure, index, curve) {
  const first = place(index), lines = measure.perTarget ? targets.length : 1;
  const datasets = [];
  for (let k = 0; k < lines; k++)
    datasets.push({label: measure.perTarget ? targets[k] : measure.title, data: curve.values[first + k].map((y, i) => ({x: curve.position[i], y})),
      borderColor: color(k), borderDash: DASHES[k % DASHES.length], borderWidth: 2, pointRadius: curve.position.length > 1 ? 0 : 3, pointHitRadius: 8, pointHoverRadius: 4,
      pointBackgroundColor: color(k), spanGaps: true});
  const known = datasets.map((set) => set.data.map((point) => point.y).filter((y) => y !== null));
  if (!known.some((values) => values.length)) return null;
  const ends = known.map((values) => `${number(values[0])} → ${number(values[values.length - 1])}`);
  const spoken = datasets.map((set, k) => `${set.label} from ${number(known[k][0])} to ${number(known[k][known[k].length - 1])}`).join("; ");
  const canvas = make("canvas", {role: "img", "aria-label": `${measure.title}${measure.unit ? `, in ${measure.unit}` : ""}, over ${plural(curve.position.length, "step")}: ${spoken}`});
  const element = make("article", {class: "chart"},
    make("h3", {}, measure.title + (measure.unit ? `, ${measure.unit}` : ""), lines === 1 ? make("span", {}, ends[0]) : null), make("div", {class: "canvas"}, canvas));
  const soft = style("--soft"), line = style("--line"), font = getComputedStyle(document.body).fontFamily;
  const build = () => new Chart(canvas, {
    type: "line",
    data: {datasets},
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, interaction: {mode: "nearest", axis: "x", intersect: false},
      scales: {
        x: {type: "linear", min: 0, max: Math.max(1, curve.position[curve.position.length - 1]), grid: {display: false}, border: {color: line},
          ticks: {color: soft, maxTicksLimit: 6, precision: 0, includeBounds: false, font: {family: font, size: 11}}},
        y: {grid: {color: line}, ticks: {color: soft, maxTicksLimit: 5, font: {family: font, size: 11}}, grace: "8%"},
      },
      plugins: {legend: {display: false}, octaves: {starts: starts(curve), line: soft, ink: soft, font},
        tooltip: {callbacks: {title: (items) => `octave ${curve.octave[items[0].dataIndex] + 1}, step ${curve.step[items[0].dataIndex] + 1}`,
          label: (item) => `${item.dataset.label}: ${number(item.parsed.y)}`}}},
    },
    plugins: [octaveMarks],
  });
  return {element, build};
}

function key() {
  const list = make("ul", {class: "key", "aria-label": "Lines"});
  targets.forEach((target, k) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    svg.setAttribute("viewBox", "0 0 32 12");
    svg.setAttribute("aria-hidden", "true");
    for (const [name, value] of Object.entries({x1: 0, y1: 6, x2: 32, y2: 6, stroke: color(k), "stroke-width": 2.5, "stroke-dasharray": DASHES[k % DASHES.length].join(" ")}))
      line.setAttribute(name, value);
    svg.append(line);
    list.append(make("li", {}, svg, target));
  });
  return list;
}

function drawCharts() {
  const curve = chosenCurve();
  for (const old of charts) old.destroy();
  charts = [];
  document.querySelector("#curves .key")?.remove();
  const made = measures.map((measure, i) => measure.steps && curve.position.length ? chart(measure, i, curve) : null).filter(Boolean);
  at("charts").replaceChildren(...made.map((item) => item.element));
  if (made.length && targets.length > 1) at("charts").before(key());
  charts = made.map((item) => item.build());
}

const automatic = (layer) => (run.changes || []).some((change) => change.startsWith("targets=") && new RegExp(`[=,]${layer}#auto`).test(change));

// Bars of the channels, longest first; a negative one says that the channel worked against the loss.
function drawChannels() {
  const index = chosen === "mean" ? -1 : images.findIndex((image) => String(image.id) === chosen);
  const blocks = data.channels.map((target) => {
    const picked = index < 0 ? target.mean : target.images[index] || [];
    if (!picked.length) return null;
    const ends = ([, value, low, high]) => [low, high, value].map((end) => Math.max(0, (value < 0 ? -1 : 1) * (end ?? value)));
    const most = Math.max(...picked.flatMap(ends)) || 1, part = (end) => `${(100 * end / most).toFixed(2)}%`;
    const interval = (entry) => { const [a, b] = ends(entry); return make("i", {"--left": part(Math.min(a, b)), "--width": part(Math.abs(b - a))}); };
    return make("div", {}, make("h4", {}, target.layer, make("span", {class: "line"}, `of ${plural(target.channels, "channel")}${automatic(target.layer) ? ", chosen by each picture (#auto)" : ""}`)),
      make("ol", {class: "bars", "aria-label": `Channels of ${target.layer}`}, ...picked.map((entry) => {
        const [channel, value, low, high, often] = entry, sure = often !== undefined;
        return make("li", {title: sure ? `95% interval: ${number(low)} to ${number(high)}` : null}, make("span", {}, `#${channel}`),
          make("span", {class: "track", "aria-hidden": "true"}, make("span", {class: value < 0 ? "bar minus" : "bar", "--width": part(Math.abs(value))}), sure ? interval(entry) : null),
          make("span", {class: "number"}, number(value)), sure ? make("span", {class: "number"}, `${Math.round(100 * often)}%`) : null);
      })));
  }).filter(Boolean);
  at("channels").replaceChildren(...blocks);
  for (const bar of at("channels").querySelectorAll(".bar, .track i")) {
    bar.style.width = bar.style.getPropertyValue("--width");
    bar.style.left = bar.style.getPropertyValue("--left");
  }
  at("channels-title").hidden = at("channels-text").hidden = blocks.length === 0;
  const methods = {gradient_activation: "the channel's activation times its gradient, on the mean over all positions", expected_gradients: "expected gradients"};
  const method = data.channels.find((target) => target.method)?.method;
  at("channels-text").textContent = `How much each counts for the loss of ${explains ? "the picture" : "the finished dream"}: ${methods[method] || method || "its importance"}.` +
    (data.channels.some((target) => [...target.mean, ...target.images.flat()].some((pair) => pair[1] < 0)) ? " Negative ones work against it." : "") +
    (index < 0 && data.channels.some((target) => target.mean.some((entry) => entry.length > 2)) ? " The line on a bar is the 95% interval of the mean; the last number says of how many pictures the channel is among the ten that count most." : "");
}

function choose(value) {
  chosen = value;
  at("chosen").value = value;
  drawCharts();
  drawChannels();
}

const listed = data.curves.images.length > 0 || data.channels.some((target) => target.images.length > 0);
at("chosen").append(make("option", {value: "mean"}, images.length === 1 ? "the picture" : "the mean over all"));
if (listed && images.length > 1)
  for (const image of images)
    if (image.status !== "failed") at("chosen").append(make("option", {value: String(image.id)}, name(image)));
at("chosen").parentElement.hidden = at("chosen").options.length < 3;
at("chosen").addEventListener("change", () => choose(at("chosen").value));
const hasCurves = data.curves.mean.position.length > 0;
at("curves-title").textContent = hasCurves ? "Step by step" : "What counted";
at("curves-text").textContent = hasCurves ? "Each number before the step. Dashed lines mark where the next octave begins, smallest first." +
  (data.curves.images.length || images.length < 2 ? "" : " There are too many pictures for a curve of each: this is the mean over all.") : "";
at("curves-text").hidden = !hasCurves;
choose("mean");
if (!hasCurves && at("channels").children.length === 0) at("curves").hidden = true;

/* Time */
function phaseTable(group) {
  const several = group.ranks > 1;
  const head = several ? ["Phase", "min", "avg", "max", "imbalance", "share", "moved"] : ["Phase", "seconds", "share", "moved"];
  const title = group.group === "workers" ? `${plural(group.ranks, "worker")}, in seconds${several ? " a rank" : ""}.`
    : `The coordinator, ${run.ranks > 1 ? "rank 0" : "a part of the same process"}, in seconds.`;
  const cell = (text) => make("td", {class: "n"}, text);
  const share = (part) => make("td", {class: "share"}, make("b", {}, part === null ? "–" : `${(100 * part).toFixed(1)}%`),
    make("span", {"--width": `${(4.5 * Math.min(1, part || 0)).toFixed(3)}rem`, "aria-hidden": "true"}));
  const rows = group.rows.map((row) => make("tr", {}, make("th", {scope: "row"}, row.phase + (row.beside ? " *" : "")),
    ...(several ? [row.min, row.avg, row.max] : [row.avg]).map((value) => cell(value.toFixed(2))),
    several ? cell(`${(100 * row.imbalance).toFixed(0)}%`) : null, share(row.share), cell(row.bytes ? bytes(row.bytes) : "")));
  if (group.other > 0)
    rows.push(make("tr", {}, make("th", {scope: "row"}, "other"), ...(several ? [cell(""), cell(group.other.toFixed(2)), cell(""), cell("")] : [cell(group.other.toFixed(2))]),
      share(run.elapsed > 0 ? group.other / run.elapsed : null), cell("")));
  const table = make("table", {"aria-label": title}, make("thead", {}, make("tr", {}, ...head.map((text, i) => make("th", {scope: "col", class: i && text !== "share" ? "n" : null}, text)))),
    make("tbody", {}, ...rows));
  for (const bar of table.querySelectorAll(".share span")) bar.style.width = bar.style.getPropertyValue("--width");
  return make("div", {}, make("p", {class: "text"}, title), make("div", {class: "scroll", role: "region", "aria-label": `Table: ${title}`, tabindex: "0"}, table));
}
const groups = data.phases.filter((group) => group.rows.length);
if (groups.length)
  at("phases").append(...groups.map(phaseTable), make("p", {class: "text"}, "Share is of the run's wall time. Imbalance is how much longer than the average rank the slowest took. Phases with * are done by threads beside the rest."));
else
  at("phases").append(make("p", {class: "text"}, "A run says where its time went at its end: this one had not come to it."));

/* Origin */
function origin(label, ...values) {
  const shown = values.filter((value) => value !== null && value !== undefined && value !== "");
  if (shown.length) at("provenance").append(make("dt", {}, label), make("dd", {}, ...shown));
}
origin("Version", `oneiros ${run.version}`);
origin("Started", run.started);
origin("Seed", run.seed);
origin("Class", run.className);
origin("Weights", run.weightsSource);
origin("MD5 of the weights", make("code", {}, run.weightsMd5));
origin("Ranks", run.ranks === 1 ? "1 process" : `${run.ranks}, of which ${run.workers} dream${run.team ? `, in teams of ${run.team}` : ""}`);
origin("Hosts", run.hosts.map((host) => `${host.name} (${plural(host.ranks, "rank")}${host.cores ? ` on ${plural(host.cores, "core")}` : ""})`).join(", "));
origin("Tiles", `${run.tiles.size} px, halo ${run.tiles.halo} px${run.tiles.exact ? " (exact)" : ""}, blend ${run.tiles.blend} px`);
for (const [key, value] of Object.entries(run.slurm)) origin(`Slurm ${key.replace(/^slurm_/, "").replaceAll("_", " ")}`, value);
at("config").textContent = run.config;
at("plan").textContent = run.plan || "There is none.";
})();
