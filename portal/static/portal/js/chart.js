// What each interval of the local day cost: mean price as a stepped line, volume as bars, a mark at now; beside it what
// the grid charges and pays in that interval, and what the pool cost.

import { make } from "./dom.js";
import { fill } from "./format.js";
import { Plot } from "./plot.js";
import { References } from "./references.js";
import "./candles.js";

const DAY_S = 86_400;
const HOURS_S = [3_600, 7_200, 10_800, 14_400, 21_600];
const LABELS_EVERY_PX = 60;
const BARS_PART = 0.26; // of the height

const start = (row) => Date.parse(row.delivery_start) / 1000;
const end = (row) => Date.parse(row.delivery_end) / 1000;

export class DayChart extends Plot {
  start(page) {
    this.begin(page, "readout", page.strings.no_prices);
    page.references ??= new References(page);
    page.references.addEventListener("change", () => {
      this.redrawSoon();
      this.list();
    });
    this.rows = [];
    this.table = document.getElementById("day-rows");
    this.table.closest("details").addEventListener("toggle", () => this.list());
  }

  /** `rows` are the contracts of the day in order, `chosen` the id of one, `now` the market's time in ms. */
  show(rows, chosen, now) {
    const same = rows.length === this.rows.length && rows.every((row, n) => row === this.rows[n]);
    this.now = now;
    if (same && chosen === this.chosen && this.plot) return;
    this.rows = rows;
    this.chosen = chosen;
    this.list();
    this.redrawSoon();
    this.empty.hidden = rows.some((row) => row.volume_wh || row.indicative_price);
  }

  /** Moves the mark of now. */
  tick(now) {
    this.now = now;
    this.plot?.redraw(false, false);
  }

  ready() {
    return this.now !== undefined;
  }

  /** Each interval is two points, its start and its end: a step without a slope, and a gap where nothing was traded. */
  data() {
    const twice = (value) => this.rows.flatMap((row) => [value(row), value(row)]);
    const indicative = (row) => (row.state === "CALL" ? (row.indicative_price ?? null) : null);
    const reference = (name) => (row) => this.page.references.of(row.contract_id)?.[name] ?? null;
    return [
      this.rows.flatMap((row) => [start(row), end(row) - 1]),
      twice((row) => row.vwap_price),
      twice(indicative),
      twice(reference("retail")),
      twice(reference("surplus")),
    ];
  }

  options() {
    const line = { scale: "y", stroke: this.colour("--local"), points: { show: false } };
    const grid = { ...line, stroke: this.colour("--grid"), width: 1.5 };
    return {
      ...this.basics(),
      padding: [10, 22, 0, 0],
      scales: { x: { range: () => this.span() }, y: { range: (_, low, high) => this.room(low, high) } },
      axes: [this.clockAxis({ space: LABELS_EVERY_PX, incrs: HOURS_S }), this.priceAxis()],
      series: [{}, { ...line, width: 2.5 }, { ...line, width: 1.5, dash: [4, 4] }, grid, { ...grid, dash: [1, 4] }],
      hooks: {
        drawClear: [(plot) => this.paintBelow(plot)],
        draw: [(plot) => this.paintAbove(plot)],
        setCursor: [(plot) => this.tell(plot.cursor.idx === null || plot.cursor.idx === undefined ? undefined : plot.cursor.idx >> 1)],
      },
    };
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

  /** Before it: what the pool cost, and now. */
  paintAbove(plot) {
    const { ctx } = plot;
    ctx.save();
    ctx.fillStyle = this.colour("--card");
    ctx.strokeStyle = this.colour("--local");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([]);
    for (const row of this.rows) {
      const pool = this.page.references.of(row.contract_id)?.pool;
      if (pool !== null && pool !== undefined) this.diamond(plot, (start(row) + end(row)) / 2, pool);
    }
    ctx.restore();
    this.mark(plot, this.now);
  }

  diamond(plot, at, price) {
    const { ctx } = plot;
    const [x, y] = [plot.valToPos(at, "x", true), plot.valToPos(price, "y", true)];
    const size = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }

  places() {
    return this.rows.map((row) => (start(row) + end(row)) / 2);
  }

  wordsAt(n) {
    const row = this.rows[n];
    if (!row) return "";
    const { format, strings } = this.page;
    const values = { interval: row.name, quantity: format.energy(row.volume_wh) };
    const said = [row.vwap_price === null ? fill(strings.at_interval_none, values) : fill(strings.at_interval, { ...values, price: format.price(row.vwap_price) })];
    const reference = this.page.references.of(row.contract_id);
    const compare = (price, words) => price !== null && price !== undefined && said.push(fill(words, { price: format.price(price) }));
    compare(reference?.retail, strings.evn_at);
    compare(reference?.pool, strings.pool_at);
    return said.join(" · ");
  }

  /** The table says the same; while it is folded away nothing is made for it. */
  list() {
    if (!this.table.closest("details").open) return;
    this.table.replaceChildren(...this.rows.map((row) => this.tableRow(row)));
  }

  tableRow(row) {
    const { format, strings } = this.page;
    const reference = this.page.references.of(row.contract_id) ?? {};
    const price = (value) => make("td", {}, value === null || value === undefined ? "–" : format.grouped(value));
    const cells = [price(row.vwap_price), price(row.last_price), make("td", {}, format.kwh(row.volume_wh)), price(reference.retail), price(reference.pool)];
    return make("tr", {}, make("th", { scope: "row" }, row.name), ...cells, make("td", {}, strings[`state_${row.state}`]));
  }
}
customElements.define("wb-day-chart", DayChart);
