// The trades of the chosen interval as candles with their volume. What was traded before is asked for once; from then on
// each trade of the live feed is added, and after a gap all is asked for again.

import { make } from "./dom.js";
import { fill } from "./format.js";
import { Plot } from "./plot.js";

const MINUTES = [1, 5, 15, 30];
const KEPT = "candle-minutes";
const PX_A_CANDLE = 9;
const FEWEST = 16; // places on the axis, so that a first candle is not a barn door
const RETRY_MS = 5_000;
const VOLUME_PART = 0.22; // of the height
const SPANS_S = [60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

export class Candles extends Plot {
  start(page) {
    this.begin(page, "candle-readout", page.strings.no_trades_here);
    this.minutes = Number(localStorage.getItem(KEPT)) || 15;
    if (!MINUTES.includes(this.minutes)) this.minutes = 15;
    this.rows = [];
    this.waiting = [];
    this.table = document.getElementById("candle-rows");
    this.table.closest("details").addEventListener("toggle", () => this.list());
    this.heading = document.getElementById("candles-title");
    for (const button of document.querySelectorAll("[data-minutes]")) {
      button.addEventListener("click", () => this.cut(Number(button.dataset.minutes)));
    }
    this.press();
    page.references?.addEventListener("change", () => this.redrawSoon());
  }

  cut(minutes) {
    this.minutes = minutes;
    localStorage.setItem(KEPT, String(minutes));
    this.press();
    this.load();
  }

  press() {
    for (const button of document.querySelectorAll("[data-minutes]")) {
      button.ariaPressed = String(Number(button.dataset.minutes) === this.minutes);
    }
  }

  /** The contract on show as it stands, and the market's time in ms. */
  show(contract, now) {
    this.now = now;
    const other = contract.contract_id !== this.contract?.contract_id;
    const moved = other || contract.indicative_price !== this.contract?.indicative_price || contract.state !== this.contract?.state;
    this.contract = contract;
    if (other) {
      this.heading.textContent = fill(this.page.strings.candles_of, { interval: contract.name });
      this.load();
    } else if (moved) this.redrawSoon();
  }

  /** Trades [no, contract, price, Wh, taker side, at, seq] of the feed; a snapshot means that some may be missing. */
  take(type, trades) {
    if (!this.contract) return;
    if (type === "snapshot") return void (this.last === undefined || this.load());
    const own = trades.filter(([, contract]) => contract === this.contract.contract_id);
    if (!own.length) return;
    if (this.last === undefined) return void this.waiting.push(...own);
    for (const trade of own) this.add(trade);
    this.changed();
  }

  async load() {
    const { contract_id } = this.contract;
    const asked = (this.asked = {});
    this.last = undefined;
    this.waiting = [];
    try {
      const answer = await fetch(`/api/v1/contracts/${contract_id}/candles?minutes=${this.minutes}&limit=1000`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      if (asked === this.asked) this.begun(found);
    } catch {
      if (asked === this.asked) setTimeout(() => asked === this.asked && this.load(), RETRY_MS);
    }
  }

  begun(found) {
    this.origin = Date.parse(found.counted_from) / 1000;
    this.last = found.last_trade_id ?? 0;
    this.rows = found.candles.map(([at, open, high, low, close, wh, trades]) => ({ at: Date.parse(at) / 1000, open, high, low, close, wh, trades }));
    for (const trade of this.waiting) this.add(trade);
    this.waiting = [];
    this.rebuild();
    this.changed();
  }

  changed() {
    this.empty.hidden = this.rows.length > 0 || this.indicative() !== null;
    this.list();
    this.redrawSoon();
  }

  add([no, , price, wh, , at]) {
    if (no <= this.last) return;
    this.last = no;
    const step = this.minutes * 60;
    const opened = this.origin + Math.floor((Date.parse(at) / 1000 - this.origin) / step) * step;
    const row = this.rows.at(-1);
    if (!row || opened > row.at) this.rows.push({ at: opened, open: price, high: price, low: price, close: price, wh, trades: 1 });
    else Object.assign(row, { high: Math.max(row.high, price), low: Math.min(row.low, price), close: price, wh: row.wh + wh, trades: row.trades + 1 });
  }

  ready() {
    return this.contract !== undefined && this.origin !== undefined;
  }

  indicative() {
    return this.contract?.state === "CALL" ? (this.contract.indicative_price ?? null) : null;
  }

  /** The candles that fit, the latest; without any, one point to hang the axes on. */
  data() {
    const rows = this.shown();
    if (!rows.length) return [[this.window()[0]], [null], [null]];
    return [this.places(), rows.map((row) => row.low), rows.map((row) => row.high)];
  }

  shown() {
    const [from] = this.window();
    return this.rows.filter((row) => row.at >= from);
  }

  /** From the first candle to now or the gate, at most as many buckets as there is room for. */
  window() {
    const step = this.minutes * 60;
    const gate = Date.parse(this.contract.gate_closes_at) / 1000;
    const till = Math.max((this.rows.at(-1)?.at ?? 0) + step, Math.min(this.now / 1000, gate));
    const to = this.origin + Math.ceil((till - this.origin) / step) * step;
    const fits = Math.max(FEWEST, Math.floor((this.size.width - 74) / PX_A_CANDLE));
    const first = this.rows[0]?.at ?? to - step;
    const count = Math.min(fits, Math.max(FEWEST, (to - first) / step));
    return [to - count * step, to];
  }

  options() {
    const still = { scale: "y", stroke: null, paths: () => null, points: { show: false } };
    return {
      ...this.basics(),
      padding: [10, 22, 0, 0],
      scales: { x: { range: () => this.window() }, y: { range: (_, low, high) => this.room(low, high) } },
      axes: [this.clockAxis({ space: 60, incrs: SPANS_S }), this.priceAxis()],
      series: [{}, still, still],
      hooks: {
        draw: [(plot) => this.paint(plot)],
        setCursor: [(plot) => this.tell(this.shown().length ? (plot.cursor.idx ?? undefined) : undefined)],
      },
    };
  }

  /** The scale of prices with the indicative one on it, and room below for the volume. */
  room(low, high) {
    const around = [low, high, this.indicative()].filter((value) => value !== null && value !== undefined);
    const retail = this.reference()?.retail;
    if (!around.length) return retail ? [retail - 500, retail + 100] : [0, 2_000];
    const [least, most] = [Math.min(...around), Math.max(...around)];
    const spread = Math.max(40, most - least);
    return [Math.floor(least - spread * (VOLUME_PART + 0.12)), Math.ceil(most + spread * 0.14)];
  }

  reference() {
    return this.page.references?.of(this.contract.contract_id);
  }

  paint(plot) {
    this.written = [];
    this.paintCandles(plot);
    const { format, strings } = this.page;
    const { retail, surplus, pool } = this.reference() ?? {};
    const line = (price, words, look) => price !== null && price !== undefined && this.across(plot, price, fill(words, { price: format.grouped(price) }), look);
    line(retail, strings.evn_line, { colour: "--grid" });
    line(surplus, strings.surplus_line, { colour: "--grid", dash: [1, 4] });
    line(pool, strings.pool_line, { colour: "--local" });
    line(this.indicative(), strings.indicative_line, { colour: "--local", dash: [5, 4] });
  }

  /** A rising candle is hollow, a falling one full; its energy stands below. */
  paintCandles(plot) {
    const { ctx, bbox } = plot;
    const rows = this.shown();
    const most = Math.max(1, ...rows.map((row) => row.wh));
    const half = this.minutes * 30;
    const pixel = devicePixelRatio;
    ctx.save();
    for (const row of rows) {
      const left = Math.round(plot.valToPos(row.at, "x", true));
      const width = Math.max(3, Math.round(plot.valToPos(row.at + 2 * half, "x", true)) - left - 2 * pixel);
      const height = Math.round((row.wh / most) * bbox.height * VOLUME_PART);
      ctx.fillStyle = this.colour("--local-bar");
      ctx.fillRect(left + pixel, bbox.top + bbox.height - height, width, height);
      this.paintCandle(plot, row, left + pixel, width);
    }
    ctx.restore();
  }

  paintCandle(plot, row, left, width) {
    const { ctx } = plot;
    const y = (price) => Math.round(plot.valToPos(price, "y", true));
    const middle = Math.round(left + width / 2);
    ctx.strokeStyle = this.colour("--local");
    this.stroke(ctx, [middle, y(row.high), middle, y(row.low)], [], 1.5 * devicePixelRatio);
    const top = y(Math.max(row.open, row.close));
    const tall = Math.max(2 * devicePixelRatio, y(Math.min(row.open, row.close)) - top);
    ctx.fillStyle = this.colour(row.close > row.open ? "--card" : "--local");
    ctx.fillRect(left, top, width, tall);
    ctx.strokeRect(left, top, width, tall);
  }

  places() {
    return this.shown().map((row) => row.at + this.minutes * 30);
  }

  wordsAt(n) {
    const row = this.shown()[n];
    return row ? fill(this.page.strings.candle, this.values(row)) : "";
  }

  values(row) {
    const { format } = this.page;
    const prices = Object.fromEntries(["open", "high", "low", "close"].map((name) => [name, format.grouped(row[name])]));
    return { ...prices, time: format.clock.format(row.at * 1000), quantity: format.energy(row.wh), n: format.grouped(row.trades) };
  }

  list() {
    if (!this.table.closest("details").open) return;
    this.table.replaceChildren(...this.rows.toReversed().map((row) => this.tableRow(row)));
  }

  tableRow(row) {
    const { time, open, high, low, close, n } = this.values(row);
    const cells = [open, high, low, close, this.page.format.kwh(row.wh), n].map((text) => make("td", {}, text));
    return make("tr", {}, make("th", { scope: "row" }, time), ...cells);
  }
}
customElements.define("wb-candles", Candles);
