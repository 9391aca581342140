// The button that chooses light, dark, or what the system says. A cookie tells the server, so that no page flashes.

import { make } from "./dom.js";

const ORDER = ["auto", "light", "dark"];
const SHAPES = {
  auto: "M12 3a9 9 0 1 0 0 18V3Z M12 3a9 9 0 0 1 0 18",
  light: "M12 7.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 0 0 0-9Z M12 2v2 M12 20v2 M2 12h2 M20 12h2 M5 5l1.400 1.400 M17.600 17.600l1.400 1.400 M5 19l1.400-1.400 M17.600 6.400l1.400-1.400",
  dark: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z",
};
const SVG = "http://www.w3.org/2000/svg";
const button = document.getElementById("theme");

function show(theme) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const attributes = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "aria-hidden": "true" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  path.setAttribute("d", SHAPES[theme]);
  if (theme === "auto") path.setAttribute("fill", "none");
  svg.append(path);
  button.replaceChildren(svg, make("span", { class: "hidden" }, button.dataset[theme]));
  button.title = button.dataset[theme];
}

function choose(theme) {
  const root = document.documentElement;
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  const age = theme === "auto" ? 0 : 31_536_000;
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax`;
  show(theme);
  window.dispatchEvent(new Event("themechange"));
}

const current = () => document.documentElement.dataset.theme || "auto";
show(current());
button.hidden = false;
button.addEventListener("click", () => choose(ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]));
