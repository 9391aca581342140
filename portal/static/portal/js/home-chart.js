// The day of a home: what the sun gives and the house uses, what is expected, and the money earned and saved so far.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { make } from "./dom.js";

const HOURS_S = [3_600, 7_200, 10_800, 14_400, 21_600];
const LABELS_EVERY_PX = 56;
const FONT = '"Be Vietnam Pro", sans-serif';
const kilowatts = (wh, step) => (wh === null ? null : (wh * 3.6) / step);

export class HomeChart extends HTMLElement {
  start(page) {
    this.page = page;
    this.box = make("div", { class: "chart", role: "img", ariaLabel: this.dataset.label });
    this.empty = make("p", { class: "chart-empty", hidden: true }, page.strings.nothing_yet);
    this.append(this.box, this.empty);
    this.rows = [];
    new ResizeObserver(() => this.draw()).observe(this.box);
    const again = () => this.draw();
    window.addEventListener("themechange", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    document.fonts.ready.then(again);
  }

  /** `rows` are the intervals of the day in order. */
  show(rows) {
    this.rows = rows;
    this.draw();
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    this.empty.hidden = this.rows.length > 0;
    if (!this.box.clientWidth || !this.rows.length) return;
    this.plot = new uPlot(this.options(), this.data(), this.box);
  }

  data() {
    const step = this.rows.length > 1 ? this.rows[1].at - this.rows[0].at : 1_800;
    const power = (name) => this.rows.map((row) => kilowatts(row[name], step));
    const soFar = (name) => {
      let sum = 0;
      return this.rows.map((row) => (row[name] === null ? null : (sum += row[name]) / 1_000));
    };
    const middles = this.rows.map((row) => row.at + step / 2);
    return [middles, power("sun"), power("use"), power("expected_sun"), soFar("saved"), soFar("cash")];
  }

  colour(name) {
    return getComputedStyle(this).getPropertyValue(name).trim();
  }

  options() {
    const sun = this.colour("--sun");
    const plain = { points: { show: false }, spanGaps: true };
    return {
      width: this.box.clientWidth,
      height: this.box.clientHeight,
      padding: [10, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.page.timezone),
      scales: {
        kw: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] },
        money: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(1_000, (high ?? 0) * 1.15)] },
      },
      axes: this.axes(),
      series: [
        {},
        { ...plain, scale: "kw", stroke: sun, width: 1.5, fill: `color-mix(in srgb, ${sun} 28%, transparent)` },
        { ...plain, scale: "kw", stroke: this.colour("--ink"), width: 1.5 },
        { ...plain, scale: "kw", stroke: sun, width: 1.5, dash: [4, 4] },
        { ...plain, scale: "money", stroke: this.colour("--local"), width: 2.5 },
        { ...plain, scale: "money", stroke: this.colour("--local"), width: 1.5, dash: [2, 4] },
      ],
    };
  }

  axes() {
    const { format } = this.page;
    const axis = { stroke: this.colour("--muted"), font: `12px ${FONT}`, ticks: { show: false } };
    const hours = (_, ticks) => ticks.map((seconds) => format.clock.format(seconds * 1000));
    const whole = (_, ticks) => ticks.map((value) => (Number.isInteger(value) ? format.grouped(value) : ""));
    return [
      { ...axis, size: 28, grid: { show: false }, space: LABELS_EVERY_PX, incrs: HOURS_S, values: hours },
      { ...axis, scale: "kw", size: 30, grid: { stroke: this.colour("--line"), width: 1 }, values: whole },
      { ...axis, scale: "money", side: 1, size: 56, grid: { show: false }, values: whole },
    ];
  }
}
customElements.define("wb-home-chart", HomeChart);
