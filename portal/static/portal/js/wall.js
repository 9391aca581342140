// The wall: fetches itself every few seconds, counts down to the next gate, and shows its panels in turn.

import { Format, fill } from "./format.js";
import { Clock, inWords } from "./gate.js";

const FETCH_MS = 10_000;
const STALE_MS = 30_000;
const TURN_MS = 8_000;
const wall = document.getElementById("wall");
const panels = [...wall.querySelectorAll(".panel")];
let page;
let clock;
let heardAt;
let turn = 0;

function read() {
  page = JSON.parse(document.getElementById("page").textContent);
  page.format = new Format(page.language, page.timezone);
  clock = new Clock(Date.parse(page.now), page.rate);
  heardAt = performance.now();
}

async function fetchAgain() {
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) part.replaceChildren(...fresh.getElementById(part.id).childNodes);
    read();
  } catch {
    // the clock below says since when nothing came
  }
}

function gate() {
  const { strings } = page;
  if (!page.gate) return strings.no_gate;
  const left = Date.parse(page.gate) - clock.now();
  return fill(left > 0 ? strings.gate_ends : strings.gate_now, { interval: page.gate_interval, time: inWords(left, strings) });
}

function tick() {
  const stale = performance.now() - heardAt > STALE_MS;
  const live = document.getElementById("live");
  const state = stale ? "stale" : "live";
  wall.toggleAttribute("data-stale", stale);
  live.dataset.state = state;
  const word = fill(page.strings[state], { time: page.format.clock.format(Date.parse(page.now)) });
  if (live.lastElementChild.textContent !== word) live.lastElementChild.textContent = word;
  document.getElementById("gate").textContent = gate();
}

function next() {
  panels.forEach((panel, n) => panel.toggleAttribute("data-on", n === turn % panels.length));
  turn += 1;
}

read();
wall.setAttribute("data-turns", "");
next();
tick();
setInterval(next, TURN_MS);
setInterval(tick, 1_000);
setInterval(fetchAgain, FETCH_MS);
