// What the pages of Oneiros share. All text of a run gets in as text, never as markup.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);

// An element with attributes (on...: listeners) and children: elements, or text.
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;
const number = (value) => value === null || value === undefined ? "–"
  : value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
// A relative link whose parts stand for nothing but themselves.
const link = (path) => "./" + path.split("/").map(encodeURIComponent).join("/");

/* Theme: the system's, until the button says otherwise. Each change is an event of the document, "theme". */
const systemTheme = matchMedia("(prefers-color-scheme: dark)");
let chosenTheme = null;
try { chosenTheme = localStorage.getItem("oneiros-theme"); } catch (error) { /* files may have no storage */ }
function applyTheme() {
  const dark = chosenTheme ? chosenTheme === "dark" : systemTheme.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  at("theme").textContent = dark ? "Light" : "Dark";
  at("theme").setAttribute("aria-label", dark ? "Light colours" : "Dark colours");
  document.dispatchEvent(new Event("theme"));
}
applyTheme();
systemTheme.addEventListener("change", applyTheme);
at("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  chosenTheme = next === (systemTheme.matches ? "dark" : "light") ? null : next; // back to what the system has, whatever that will be
  try {
    if (chosenTheme) localStorage.setItem("oneiros-theme", chosenTheme);
    else localStorage.removeItem("oneiros-theme");
  } catch (error) { /* as above */ }
  applyTheme();
});
