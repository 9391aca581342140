// The day of a meter with what is wrong in it: its curve, the days beside it, the usual day, the figures proposed.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { make } from "./dom.js";
import { Format, fill } from "./format.js";

const HOURS_S = [3_600, 7_200, 10_800, 14_400, 21_600];
const KILOWATTS = [1, 10, 100, 1_000, 10_000].flatMap((ten) => [ten / 10, ten / 5, ten / 2]); // ticks are told with one decimal
const LABELS_EVERY_PX = 56;
const FONT = '"Be Vietnam Pro", sans-serif';
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -4, PageDown: 4 };

class DayCurve extends HTMLElement {
  connectedCallback() {
    this.page = JSON.parse(document.getElementById("curve").textContent);
    this.format = new Format(this.page.language, this.page.timezone);
    this.register = this.page.register;
    this.place = this.page.starts.indexOf(this.page.from);
    this.readout = document.getElementById("curve-readout");
    this.box = make("div", { class: "curve", role: "img", ariaLabel: this.dataset.label, tabIndex: 0 });
    this.append(this.box);
    this.box.addEventListener("keydown", (event) => this.move(event));
    this.box.addEventListener("focus", () => this.show(this.place));
    this.showControls();
    new ResizeObserver(() => this.draw()).observe(this.box);
    window.addEventListener("themechange", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    document.fonts.ready.then(() => this.draw());
  }

  showControls() {
    const card = this.closest("section");
    for (const part of card.querySelectorAll(".legend, .registers")) part.hidden = false;
    card.querySelector(".registers")?.addEventListener("change", ({ target }) => {
      this.register = target.value;
      this.draw();
      this.show(this.place);
    });
  }

  get figures() {
    return this.page[this.register];
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    if (this.box.clientWidth) this.plot = new uPlot(this.options(), this.data(), this.box);
  }

  /** Mean power in W of each interval, drawn in its middle. */
  data() {
    const { starts, step } = this.page;
    const watts = (values) => values.map((wh) => (wh === null ? null : (wh * 3_600) / step / 1_000));
    const { day, typical, proposed, beside } = this.figures;
    return [starts.map((at) => at + step / 2), ...beside.map((each) => watts(each.values)), watts(typical), watts(day), watts(proposed)];
  }

  colour(name) {
    return getComputedStyle(this).getPropertyValue(name).trim();
  }

  options() {
    const plain = { scale: "kw", points: { show: false } };
    const ink = this.colour("--ink");
    const local = this.colour("--local");
    const dots = { show: true, size: 7, stroke: local, fill: local };
    return {
      width: this.box.clientWidth,
      height: this.box.clientHeight,
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.page.timezone),
      scales: { kw: { range: (_, low, high) => [0, Math.max(0.2, (high ?? 0) * 1.1)] } },
      axes: this.axes(),
      series: [
        {},
        ...this.figures.beside.map(() => ({ ...plain, stroke: this.colour("--line-strong"), width: 1 })),
        { ...plain, stroke: this.colour("--grid"), width: 1.5, dash: [6, 4] },
        { ...plain, stroke: ink, width: 2, points: { show: true, size: 4, stroke: ink, fill: ink } },
        { ...plain, stroke: local, width: 2.5, dash: [2, 3], points: dots },
      ],
      hooks: {
        drawClear: [(plot) => this.shade(plot)],
        draw: [(plot) => this.mark(plot)],
        setCursor: [(plot) => plot.cursor.idx !== null && plot.cursor.event && this.show(plot.cursor.idx)],
      },
    };
  }

  axes() {
    const axis = { stroke: this.colour("--muted"), font: `12px ${FONT}`, ticks: { show: false } };
    const hours = (_, ticks) => ticks.map((seconds) => this.format.clock.format(seconds * 1000));
    const tenths = (_, ticks) => ticks.map((value) => this.format.grouped(Math.round(value * 10), 1));
    return [
      { ...axis, size: 28, grid: { show: false }, space: LABELS_EVERY_PX, incrs: HOURS_S, values: hours },
      { ...axis, scale: "kw", size: 62, incrs: KILOWATTS, grid: { stroke: this.colour("--line"), width: 1 }, values: tenths, label: "kW", labelSize: 16, labelFont: `12px ${FONT}` },
    ];
  }

  /** The intervals that it is about, behind the lines. */
  shade(plot) {
    const { ctx, bbox } = plot;
    const left = plot.valToPos(this.page.from, "x", true);
    const right = plot.valToPos(this.page.until, "x", true);
    ctx.fillStyle = this.colour("--alarm-soft");
    ctx.fillRect(left, bbox.top, Math.max(right - left, 3), bbox.height);
  }

  /** A line where the keyboard or the pointer is. */
  mark(plot) {
    if (document.activeElement !== this.box) return;
    const { ctx, bbox } = plot;
    const x = plot.valToPos(plot.data[0][this.place], "x", true);
    ctx.fillStyle = this.colour("--ink");
    ctx.fillRect(x, bbox.top, devicePixelRatio, bbox.height);
  }

  move(event) {
    const last = this.page.starts.length - 1;
    const to = { Home: 0, End: last }[event.key] ?? this.place + (KEYS[event.key] ?? 0);
    if (!(event.key in KEYS) && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    this.show(Math.min(Math.max(to, 0), last));
    this.plot?.redraw(false, false);
  }

  /** What one interval says, in words. */
  show(place) {
    this.place = place;
    const { starts, step, strings } = this.page;
    const clock = (at) => this.format.clock.format(at * 1000);
    const interval = `${clock(starts[place])}–${clock(starts[place] + step)}`;
    const { day, typical, proposed } = this.figures;
    const energy = (wh) => `${this.format.grouped(wh)} Wh`;
    const words = [day[place] === null ? fill(strings.unread, { interval }) : fill(strings.read, { interval, energy: energy(day[place]) })];
    if (typical[place] !== null) words.push(fill(strings.usual, { energy: energy(typical[place]) }));
    if (proposed[place] !== null) words.push(fill(strings.proposed, { energy: energy(proposed[place]) }));
    this.readout.textContent = words.join(" · ");
  }
}

customElements.define("wb-day-curve", DayCurve);
