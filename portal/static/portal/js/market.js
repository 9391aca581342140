// The trading desk: what arrives live is kept here once, and each part is drawn at most once per frame, and only where
// something of its own has changed.

import { Format, fill } from "./format.js";
import { Live } from "./live.js";
import { Clock, gateSentence } from "./gate.js";
import { TRADABLE } from "./strip.js";
import { Holdings } from "./holdings.js";
import { shortcuts } from "./keys.js";
import { JSON_ONLY } from "./send.js";
import "./ladder.js";
import "./trades.js";
import "./chart.js";
import "./energy.js";
import "./orders.js";
import "./positions.js";
import "./ticket.js";

const CONFLATE_MS = 200;
const ENERGY_AFTER_MS = 700; // several intervals may be settled at once: one request for all of them
const TODAY_RETRY_MS = 5_000;
const POSITIONS_AFTER_MS = 300;
const ALL = ["strip", "ladder", "orders", "positions", "chart", "ticket"];

class MarketPage extends HTMLElement {
  connectedCallback() {
    this.page = JSON.parse(document.getElementById("page").textContent);
    this.page.format = new Format(this.page.language, this.page.timezone);
    this.clock = new Clock(Date.parse(this.page.now), this.page.rate);
    this.contracts = new Map();
    this.holdings = new Holdings();
    this.changed = new Set();
    Object.assign(this.page, {
      root: this,
      isLive: () => this.live?.state === "live",
      oldSentence: () => this.oldSentence(),
      nameOf: (id) => this.nameOf(id),
    });
    this.today = { on: null, prices: [] };
    this.book = { bids: new Map(), asks: new Map() };
    const names = ["strip", "ladder", "trades", "day-chart", "candles", "energy", "orders", "positions", "ticket"];
    this.parts = Object.fromEntries(names.map((name) => [name, this.querySelector(`wb-${name}`)]));
    for (const part of Object.values(this.parts)) part?.start(this.page);
    this.parts.strip.addEventListener("choose", (event) => this.chooseByHand(event.detail));
    this.setUpTicket();
    this.listen();
    this.fetchToday();
    setInterval(() => this.tick(), 1_000);
    this.tick();
  }

  setUpTicket() {
    const { ticket, ladder, strip, orders } = this.parts;
    if (!ticket) return;
    ladder.addEventListener("level", (event) => ticket.takeLevel(event.detail));
    ticket.addEventListener("choose", (event) => this.chooseByHand(event.detail));
    ticket.addEventListener("leave", () => strip.focusChosen());
    shortcuts({
      b: () => ticket.begin("buy"),
      s: () => ticket.begin("sell"),
      i: () => strip.focusChosen(),
      l: () => ladder.focusBest(),
      o: () => orders.focusFirst(),
      c: () => orders.cancelAll(true),
    });
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
    this.inOrder = null;
    this.drawSoon("strip", "chart", "positions", "orders", ...(data.some((row) => row.contract_id === this.chosen) ? ["ladder"] : []));
  }

  takeTrades({ type, data }) {
    this.parts.candles?.take(type, data);
    this.parts.trades.add(data, (id) => this.nameOf(id), { afresh: type === "snapshot" });
  }

  takeOrders(message) {
    if (this.holdings.takeOrders(message)) this.fetchPositionsSoon();
    this.drawSoon("strip", "ladder", "orders", "positions", "ticket");
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
    this.drawSoon("ladder", "ticket");
  }

  nameOf(id) {
    const known = this.contracts.get(id) ?? this.today.prices.find((row) => row.contract_id === id);
    return known ? known.name : "";
  }

  ordered() {
    this.inOrder ??= [...this.contracts.values()].sort((a, b) => (a.delivery_start < b.delivery_start ? -1 : 1));
    return this.inOrder;
  }

  /** The contract on show: the one chosen, or the next that can be traded. One that was chosen by hand, or that a ticket
   * is being filled for, stays on show after its gate: an order must never slip to another interval. */
  current() {
    const held = this.contracts.get(this.chosen);
    const keeps = this.byHand || this.parts.ticket?.dirty;
    if (held && (keeps || TRADABLE.includes(held.state))) return held;
    const next = this.ordered().find((contract) => TRADABLE.includes(contract.state));
    if (!held && this.chosen !== undefined) this.parts.ticket?.empty(); // gone while the page was away
    if (next) this.choose(next.contract_id);
    return next ?? held;
  }

  chooseByHand(id) {
    this.byHand = true;
    this.choose(id);
  }

  choose(id) {
    if (id === this.chosen || !this.contracts.has(id)) return;
    this.chosen = id;
    this.book = { bids: new Map(), asks: new Map() };
    this.endBook?.();
    this.endBook = this.live.subscribe("book", { contract_id: id, conflate_ms: CONFLATE_MS }, (message) => this.takeBook(message));
    this.dispatchEvent(new CustomEvent("chosen", { detail: id }));
    this.drawSoon();
  }

  /** Draws these parts with the next frame; all of them where none is named. */
  drawSoon(...names) {
    for (const name of names.length ? names : ALL) this.changed.add(name);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const contract = this.current();
    const { changed, parts, holdings } = this;
    this.changed = new Set();
    const now = this.clock.now();
    if (changed.has("strip")) parts.strip.show(this.ordered(), this.chosen, holdings, now);
    if (changed.has("ladder") && contract) this.drawBook(contract);
    if (changed.has("orders")) parts.orders?.show([...holdings.orders.values()], (id) => this.contracts.get(id), this.chosen);
    if (changed.has("positions")) parts.positions?.show(this.ordered(), holdings);
    if (changed.has("chart")) parts["day-chart"]?.show(this.dayRows(), this.chosen, now);
    if (changed.has("chart") && contract) parts.candles?.show(contract, now);
    if (parts.ticket && contract) this.drawTicket(contract, changed.has("ticket"));
    this.showGate(contract);
  }

  drawBook(contract) {
    document.getElementById("book-title").textContent = fill(this.page.strings.book_of, { interval: contract.name });
    this.parts.ladder.show(contract, this.book, this.holdings.levels(this.chosen));
  }

  drawTicket(contract, moved) {
    const { ticket } = this.parts;
    const day = (each) => this.page.format.day.format(new Date(each.delivery_start));
    ticket.offer(this.ordered().filter((each) => TRADABLE.includes(each.state)), day);
    ticket.setContract(contract);
    if (moved) ticket.moved();
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
    this.parts.strip.tick(now.getTime());
    this.parts["day-chart"]?.tick(now.getTime());
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
    this.parts.ticket?.showConnection(state === "live", this.oldSentence());
    if (state === "live") {
      this.fetchSoon();
      this.fetchPositionsSoon();
    }
    if (state === "logged_out") location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
  }

  /** What an old page says instead of sending. */
  oldSentence() {
    const { strings, format } = this.page;
    return fill(strings.not_live, { time: format.clock.format(this.heardAt ?? this.clock.now()) });
  }

  fetchPositionsSoon() {
    if (!this.page.participants.length) return;
    this.askingPositions ??= setTimeout(() => {
      this.askingPositions = null;
      this.fetchPositions();
    }, POSITIONS_AFTER_MS);
  }

  async fetchPositions() {
    try {
      const answer = await fetch(`/markets/${this.page.code}/mine.json`, { headers: JSON_ONLY });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      this.holdings.takePositions((await answer.json()).positions);
    } catch {
      return void setTimeout(() => this.fetchPositionsSoon(), TODAY_RETRY_MS);
    }
    this.drawSoon("strip", "positions");
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
    if (this.loaded) this.parts.energy?.refresh?.(); // at first the page brings its own figures along
    this.loaded = true;
    this.parts.trades.draw((id) => this.nameOf(id));
    this.drawSoon();
  }
}

customElements.define("wb-market", MarketPage);
