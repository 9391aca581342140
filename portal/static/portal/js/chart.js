// What each interval of the local day cost: mean price as a stepped line, volume as bars, a mark at now.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { make } from "./dom.js";
import { fill } from "./format.js";

const DAY_S = 86_400;
const HOURS_S = [3_600, 7_200, 10_800, 14_400, 21_600];
const LABELS_EVERY_PX = 60;
const BARS_PART = 0.3; // of the height
const FONT = '"Be Vietnam Pro", sans-serif';

const start = (row) => Date.parse(row.delivery_start) / 1000;
const end = (row) => Date.parse(row.delivery_end) / 1000;

export class DayChart extends HTMLElement {
  start(page) {
    this.page = page;
    this.box = make("div", { class: "chart", role: "img", ariaLabel: this.dataset.label });
    this.empty = make("p", { class: "chart-empty", hidden: true }, page.strings.no_prices);
    this.append(this.box, this.empty);
    this.rows = [];
    this.readout = document.getElementById("readout");
    this.table = document.getElementById("day-rows");
    new ResizeObserver(() => this.resize()).observe(this.box);
    const again = () => this.draw();
    window.addEventListener("themechange", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    document.fonts.ready.then(again);
  }

  /** `rows` are the contracts of the day in order, `chosen` the id of one, `now` the market's time in ms. */
  show(rows, chosen, now) {
    const same = rows.length === this.rows.length && rows.every((row, n) => row === this.rows[n]);
    this.now = now;
    if (same && chosen === this.chosen) return;
    this.rows = rows;
    this.chosen = chosen;
    this.list();
    if (this.plot) this.plot.setData(this.data());
    else this.draw();
    this.showEmpty();
  }

  /** Moves the mark of now. */
  tick(now) {
    this.now = now;
    this.plot?.redraw(false, false);
  }

  /** Each interval is two points, its start and its end: a step without a slope, and a gap where nothing was traded. */
  data() {
    const twice = (value) => this.rows.flatMap((row) => [value(row), value(row)]);
    const indicative = (row) => (row.state === "CALL" ? (row.indicative_price ?? null) : null);
    return [this.rows.flatMap((row) => [start(row), end(row) - 1]), twice((row) => row.vwap_price), twice(indicative)];
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    if (!this.box.clientWidth || this.now === undefined) return;
    this.plot = new uPlot(this.options(), this.data(), this.box);
    this.showEmpty();
  }

  showEmpty() {
    this.empty.hidden = this.rows.some((row) => row.volume_wh || row.indicative_price);
  }

  resize() {
    if (!this.plot) return this.draw();
    this.plot.setSize({ width: this.box.clientWidth, height: this.box.clientHeight });
  }

  colour(name) {
    return getComputedStyle(this).getPropertyValue(name).trim();
  }

  options() {
    const line = { scale: "y", stroke: this.colour("--local"), points: { show: false } };
    return {
      width: this.box.clientWidth,
      height: this.box.clientHeight,
      padding: [10, 22, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.page.timezone),
      scales: { x: { range: () => this.span() }, y: { range: (_, low, high) => this.room(low, high) } },
      axes: this.axes(),
      series: [{}, { ...line, width: 2 }, { ...line, width: 1.5, dash: [4, 4] }],
      hooks: {
        drawClear: [(plot) => this.paintBelow(plot)],
        draw: [(plot) => this.mark(plot)],
        setCursor: [(plot) => this.read(plot.cursor.idx)],
      },
    };
  }

  axes() {
    const { format } = this.page;
    const axis = { stroke: this.colour("--muted"), font: `12px ${FONT}`, ticks: { show: false } };
    const hours = (_, ticks) => ticks.map((seconds) => format.clock.format(seconds * 1000));
    const prices = (_, ticks) => ticks.map((value) => (Number.isInteger(value) ? format.grouped(value) : ""));
    return [
      { ...axis, size: 28, grid: { show: false }, space: LABELS_EVERY_PX, incrs: HOURS_S, values: hours },
      { ...axis, size: 52, grid: { stroke: this.colour("--line"), width: 1 }, values: prices },
    ];
  }

  span() {
    const from = this.page.dayStart ? Date.parse(this.page.dayStart) / 1000 : Math.floor(this.now / 1000);
    const last = this.rows.at(-1);
    return [from, Math.max(from + DAY_S, last ? end(last) : 0)];
  }

  /** The scale of prices, with room below for the bars. */
  room(low, high) {
    if (low === null || low === undefined) return [0, 2_000];
    const spread = Math.max(100, high - low);
    return [Math.floor((low - spread * BARS_PART) / 50) * 50, Math.ceil((high + spread * 0.1) / 50) * 50];
  }

  /** Behind the line: the chosen interval, and the volume of each. */
  paintBelow(plot) {
    const { ctx, bbox } = plot;
    const most = Math.max(1, ...this.rows.map((row) => row.volume_wh));
    ctx.save();
    for (const row of this.rows) {
      const left = Math.round(plot.valToPos(start(row), "x", true));
      const width = Math.round(plot.valToPos(end(row), "x", true)) - left;
      if (row.contract_id === this.chosen) {
        ctx.fillStyle = this.colour("--local-faint");
        ctx.fillRect(left, bbox.top, width, bbox.height);
      }
      const height = Math.round((row.volume_wh / most) * bbox.height * BARS_PART);
      ctx.fillStyle = this.colour("--local-bar");
      ctx.fillRect(left + 1, bbox.top + bbox.height - height, width - 2, height);
    }
    ctx.restore();
  }

  /** A line and a word at now. */
  mark(plot) {
    const { ctx, bbox } = plot;
    const pixel = devicePixelRatio;
    const x = Math.round(plot.valToPos(this.now / 1000, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = this.colour("--ink");
    ctx.lineWidth = pixel;
    ctx.setLineDash([2 * pixel, 3 * pixel]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = `600 ${12 * pixel}px ${FONT}`;
    const right = x > bbox.left + bbox.width * 0.85;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(this.page.strings.now, x + (right ? -5 : 5) * pixel, bbox.top + 10 * pixel);
    ctx.restore();
  }

  /** What the pointer is over, in words. */
  read(index) {
    const row = index === null || index === undefined ? undefined : this.rows[index >> 1];
    this.readout.textContent = row ? this.words(row) : "";
  }

  words(row) {
    const { format, strings } = this.page;
    if (row.vwap_price === null) return fill(strings.at_interval_none, { interval: row.name });
    const values = { price: format.price(row.vwap_price), quantity: format.energy(row.volume_wh) };
    return fill(strings.at_interval, { interval: row.name, ...values });
  }

  list() {
    this.table.replaceChildren(...this.rows.map((row) => this.tableRow(row)));
  }

  tableRow(row) {
    const { format, strings } = this.page;
    const price = (value) => make("td", {}, value === null ? "–" : format.grouped(value));
    const state = make("td", {}, strings[`state_${row.state}`]);
    const name = make("th", { scope: "row" }, row.name);
    return make("tr", {}, name, price(row.vwap_price), price(row.last_price), make("td", {}, format.kwh(row.volume_wh)), state);
  }
}
customElements.define("wb-day-chart", DayChart);
