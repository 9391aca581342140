// What every chart of the desk has: a box that keeps its height, colours of the theme, drawing at most once a frame, and
// a cursor that the arrow keys move. What the cursor stands at is read out in words; a pointer moves it silently.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { make } from "./dom.js";

const FONT = '"Be Vietnam Pro", sans-serif';
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -8, PageDown: 8, Home: -Infinity, End: Infinity };

export class Plot extends HTMLElement {
  begin(page, readout, emptyWords) {
    this.page = page;
    this.readout = document.getElementById(readout);
    this.box = make("div", { class: "chart", role: "application", ariaLabel: this.dataset.label, tabIndex: 0 });
    this.empty = make("p", { class: "chart-empty", hidden: true }, emptyWords);
    this.replaceChildren(this.box, this.empty);
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("pointermove", () => this.aloud(false), { passive: true });
    this.box.addEventListener("blur", () => this.letGo());
    this.size = { width: 0, height: 0 };
    new ResizeObserver(([{ contentRect }]) => this.resize(contentRect)).observe(this.box);
    const again = () => this.rebuild();
    window.addEventListener("themechange", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    document.fonts.ready.then(again);
  }

  /** Shows the present data with the next frame, however often it is asked for until then. */
  redrawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.redraw();
    });
  }

  redraw() {
    if (!this.plot) this.rebuild();
    else this.plot.setData(this.data());
    this.classList.toggle("drawn", Boolean(this.plot));
  }

  /** A new chart: the theme, the size or the axes have changed. */
  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    this.colours = new Map();
    if (!this.size.width || !this.ready()) return;
    this.plot = new uPlot(this.options(), this.data(), this.box);
    this.classList.add("drawn");
  }

  /** The size is kept: to ask the page for it while drawing would lay it out again each time. */
  resize({ width, height }) {
    this.size = { width: Math.floor(width), height: Math.floor(height) };
    if (!this.plot) return this.rebuild();
    this.plot.setSize(this.size);
  }

  /** A colour of the theme, asked of the browser once. */
  colour(name) {
    if (!this.colours.has(name)) this.colours.set(name, getComputedStyle(this).getPropertyValue(name).trim());
    return this.colours.get(name);
  }

  basics() {
    return {
      ...this.size,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.page.timezone),
    };
  }

  axis(more) {
    return { stroke: this.colour("--muted"), font: `12px ${FONT}`, ticks: { show: false }, ...more };
  }

  clockAxis(more) {
    const { format } = this.page;
    const values = (_, ticks) => ticks.map((seconds) => format.clock.format(seconds * 1000));
    return this.axis({ size: 26, grid: { show: false }, values, ...more });
  }

  priceAxis(more) {
    const { format } = this.page;
    const values = (_, ticks) => ticks.map((value) => (Number.isInteger(value) ? format.grouped(value) : ""));
    return this.axis({ size: 52, grid: { stroke: this.colour("--line"), width: 1 }, values, ...more });
  }

  /** A line across, with its words at the right end; one that is off the scale stands at the edge with an arrow. */
  across(plot, price, words, { colour, dash = [] }) {
    const { ctx, bbox } = plot;
    const pixel = devicePixelRatio;
    const { min, max } = plot.scales.y;
    const y = Math.round(plot.valToPos(Math.min(max, Math.max(min, price)), "y", true));
    const off = price > max ? "▲ " : price < min ? "▼ " : "";
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = this.colour(colour);
    if (!off) this.stroke(ctx, [bbox.left, y, bbox.left + bbox.width, y], dash, 1.5 * pixel);
    ctx.font = `600 ${11 * pixel}px ${FONT}`;
    ctx.textAlign = "right";
    const below = price > max || y < bbox.top + 16 * pixel;
    const place = this.freePlace(y + (below ? 13 : -5) * pixel, (below ? 13 : -13) * pixel);
    ctx.fillText(off + words, bbox.left + bbox.width - 4 * pixel, place);
    ctx.restore();
  }

  /** Where words may stand so that they cover no other line's words: here, or some steps on. */
  freePlace(wanted, step) {
    let place = wanted;
    while (this.written.some((other) => Math.abs(other - place) < Math.abs(step))) place += step;
    this.written.push(place);
    return place;
  }

  stroke(ctx, [x1, y1, x2, y2], dash, width) {
    ctx.lineWidth = width;
    ctx.setLineDash(dash.map((part) => part * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    ctx.stroke();
  }

  /** A line and a word at now. */
  mark(plot, now) {
    const { ctx, bbox } = plot;
    const pixel = devicePixelRatio;
    const x = Math.round(plot.valToPos(now / 1000, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = this.colour("--ink");
    this.stroke(ctx, [x, bbox.top, x, bbox.top + bbox.height], [2, 3], pixel);
    ctx.font = `600 ${12 * pixel}px ${FONT}`;
    const right = x > bbox.left + bbox.width * 0.85;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(this.page.strings.now, x + (right ? -5 : 5) * pixel, bbox.top + 10 * pixel);
    ctx.restore();
  }

  aloud(on) {
    this.readout.ariaLive = on ? "polite" : "off";
  }

  key(event) {
    const step = STEPS[event.key];
    if (event.key === "Escape") return this.letGo();
    const count = this.places().length;
    if (step === undefined || !count || !this.plot) return;
    event.preventDefault();
    const from = this.at ?? (step < 0 ? count : -1);
    this.at = Math.min(count - 1, Math.max(0, from + step));
    this.aloud(true);
    this.plot.setCursor({ left: this.plot.valToPos(this.places()[this.at], "x"), top: this.plot.bbox.height / 2 / devicePixelRatio });
    this.tell(this.at);
  }

  letGo() {
    this.at = undefined;
    this.plot?.setCursor({ left: -10, top: -10 });
    this.tell(undefined);
  }

  /** What stands at the `n`th place, in words. */
  tell(n) {
    const words = n === undefined ? "" : this.wordsAt(n);
    if (this.readout.textContent !== words) this.readout.textContent = words;
  }
}
