// The market page: what arrives live is kept here once, and shown by the parts at most once per drawn frame.

import { Format, fill } from "./format.js";
import { Live } from "./live.js";
import { Clock, gateSentence } from "./gate.js";
import { TRADABLE } from "./strip.js";
import "./ladder.js";
import "./trades.js";
import "./chart.js";
import "./energy.js";
import "./orders.js";

const CONFLATE_MS = 200;
const ENERGY_AFTER_MS = 700; // several intervals may be settled at once: one request for all of them
const TODAY_RETRY_MS = 5_000;

class MarketPage extends HTMLElement {
  connectedCallback() {
    this.page = JSON.parse(document.getElementById("page").textContent);
    this.page.format = new Format(this.page.language, this.page.timezone);
    this.clock = new Clock(Date.parse(this.page.now), this.page.rate);
    this.contracts = new Map();
    this.today = { on: null, prices: [] };
    this.book = { bids: new Map(), asks: new Map() };
    this.own = new Map();
    this.parts = Object.fromEntries(["strip", "ladder", "trades", "day-chart", "energy", "orders"].map((name) => [name, this.querySelector(`wb-${name}`)]));
    for (const part of Object.values(this.parts)) part?.start(this.page);
    this.parts.strip.addEventListener("choose", (event) => this.choose(event.detail));
    this.listen();
    this.fetchToday();
    setInterval(() => this.tick(), 1_000);
    this.tick();
  }

  listen() {
    const url = new URL(`/ws/markets/${this.page.code}/`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.live = new Live(url);
    this.live.addEventListener("state", () => this.showConnection());
    this.live.addEventListener("heartbeat", (event) => this.beat(event.detail));
    this.live.subscribe("contracts", {}, (message) => this.takeContracts(message));
    this.live.subscribe("trades", { conflate_ms: CONFLATE_MS }, (message) => this.takeTrades(message));
    if (this.page.participants.length) {
      this.live.subscribe("orders", {}, (message) => this.takeOrders(message));
      this.live.subscribe("energy", {}, () => this.fetchSoon());
    }
  }

  beat({ at, data }) {
    this.clock.set(Date.parse(at), data.rate);
    this.heardAt = Date.parse(at);
    this.halted = data.halted;
    this.tick();
  }

  takeContracts({ type, data }) {
    if (type === "snapshot") this.contracts.clear();
    for (const row of data) this.contracts.set(row.contract_id, row);
    this.drawSoon();
  }

  takeTrades({ type, data }) {
    this.parts.trades.add(data, (id) => this.nameOf(id), { afresh: type === "snapshot" });
  }

  takeOrders({ type, participant_id, data }) {
    if (type === "snapshot") {
      for (const [seq, order] of this.own) if (order.participant_id === participant_id) this.own.delete(seq);
    }
    for (const order of data) {
      if (order.remaining_wh) this.own.set(order.seq, order);
      else this.own.delete(order.seq);
    }
    this.drawSoon();
  }

  takeBook({ type, contract_id, data }) {
    if (contract_id !== this.chosen) return;
    if (type === "snapshot") this.book = { bids: new Map(), asks: new Map() };
    for (const side of ["bids", "asks"]) {
      for (const [price, wh, orders] of data[side]) {
        if (wh) this.book[side].set(price, [wh, orders]);
        else this.book[side].delete(price);
      }
    }
    this.drawSoon();
  }

  nameOf(id) {
    const known = this.contracts.get(id) ?? this.today.prices.find((row) => row.contract_id === id);
    return known ? known.name : "";
  }

  ordered() {
    return [...this.contracts.values()].sort((a, b) => (a.delivery_start < b.delivery_start ? -1 : 1));
  }

  /** The contract on show: the one chosen while it can be traded, else the next that can. */
  current() {
    const held = this.contracts.get(this.chosen);
    if (held && TRADABLE.includes(held.state)) return held;
    const next = this.ordered().find((contract) => TRADABLE.includes(contract.state));
    if (next) this.choose(next.contract_id);
    return next ?? held;
  }

  choose(id) {
    if (id === this.chosen) return;
    this.chosen = id;
    this.book = { bids: new Map(), asks: new Map() };
    this.endBook?.();
    this.endBook = this.live.subscribe("book", { contract_id: id, conflate_ms: CONFLATE_MS }, (message) => this.takeBook(message));
    this.drawSoon();
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const contract = this.current();
    this.parts.strip.show(this.ordered(), this.chosen);
    if (contract) {
      document.getElementById("book-title").textContent = fill(this.page.strings.book_of, { interval: contract.name });
      this.parts.ladder.show(contract, this.book, this.ownPrices());
    }
    this.parts.orders?.show([...this.own.values()], (id) => this.contracts.get(id));
    this.parts["day-chart"].show(this.dayRows(), this.chosen, this.clock.now());
    this.showGate(contract);
  }

  ownPrices() {
    const prices = { bids: new Set(), asks: new Set() };
    for (const order of this.own.values()) {
      if (order.contract_id === this.chosen) prices[order.side > 0 ? "bids" : "asks"].add(order.price);
    }
    return prices;
  }

  /** The day as it was loaded, with what has changed since. */
  dayRows() {
    return this.today.prices.map((row) => this.contracts.get(row.contract_id) ?? row);
  }

  tick() {
    const now = new Date(this.clock.now());
    const { format } = this.page;
    const shown = document.getElementById("clock");
    shown.textContent = format.seconds.format(now);
    shown.dateTime = now.toISOString();
    document.getElementById("date").textContent = format.day.format(now);
    const speed = document.getElementById("speed");
    speed.hidden = this.clock.rate === 1;
    speed.textContent = fill(this.page.strings.speed, { n: format.grouped(this.clock.rate) });
    this.showGate(this.contracts.get(this.chosen));
    this.parts["day-chart"].tick(now.getTime());
    if (this.today.on && format.isoDay.format(now) !== this.today.on) this.fetchSoon();
  }

  showGate(contract) {
    const sentence = gateSentence(contract, this.clock.now(), this.page.strings, this.halted);
    const shown = document.getElementById("gate");
    if (shown.textContent !== sentence) shown.textContent = sentence;
  }

  showConnection() {
    const { strings, format } = this.page;
    const shown = document.getElementById("live");
    const { state } = this.live;
    shown.dataset.state = state === "logged_out" ? "stale" : state;
    const time = format.clock.format(this.heardAt ?? this.clock.now());
    shown.querySelector(".word").textContent = fill(strings[state], { time });
    this.toggleAttribute("data-stale", ["stale", "logged_out"].includes(state));
    if (state === "live") this.fetchSoon();
    if (state === "logged_out") location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
  }

  fetchSoon(after = ENERGY_AFTER_MS) {
    this.fetching ??= setTimeout(() => {
      this.fetching = null;
      this.fetchToday();
    }, after);
  }

  async fetchToday() {
    try {
      const answer = await fetch(`/markets/${this.page.code}/today.json`, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      this.today = await answer.json();
    } catch {
      return this.fetchSoon(TODAY_RETRY_MS);
    }
    this.page.dayStart = this.today.starts_at;
    this.showEnergy(this.today.energy);
    this.parts.trades.draw((id) => this.nameOf(id));
    this.drawSoon();
  }

  showEnergy(energy) {
    if (!this.parts.energy) return;
    this.parts.energy.show(energy);
    const n = energy.intervals.length;
    document.getElementById("settled").textContent = n ? fill(this.page.strings.settled_count, { n }) : "";
  }
}

customElements.define("wb-market", MarketPage);
