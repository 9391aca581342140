// The book of one contract: the best levels of each side with their depth, one's own part of each, and between them what
// it last cost. A price is a button: the page decides what a click on it does.

import { make, onPress, write } from "./dom.js";
import { fill } from "./format.js";

const LEVELS = 10; // rows stay when they are empty, so that nothing jumps
const COLUMNS = ["price", "quantity", "sum", "orders"];

export class Ladder extends HTMLElement {
  start(page) {
    this.page = page;
    const head = make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col" }, this.dataset[name])));
    this.asks = this.side("asks", this.dataset.sell);
    this.bids = this.side("bids", this.dataset.buy);
    this.middle = make("div", { class: "middle-row" }, make("b"), make("span"));
    const middle = make("tbody", { class: "middle" }, make("tr", {}, make("td", { colSpan: 4 }, this.middle)));
    this.table = make("table", { class: "ladder" }, make("thead", {}, head), this.asks.body, middle, this.bids.body);
    this.append(this.table);
    onPress(this, (event) => this.take(event));
    this.addEventListener("keydown", (event) => this.move(event));
  }

  side(name, title) {
    const rows = Array.from({ length: LEVELS }, () => this.newRow(name));
    const header = make("tr", { class: "side" }, make("th", { colSpan: 4, scope: "rowgroup" }, title));
    const body = make("tbody", { class: name }, header, ...rows);
    return { body, rows: name === "asks" ? rows.reverse() : rows };
  }

  newRow(side) {
    const trades = "trades" in this.dataset;
    const price = trades ? make("button", { type: "button", class: "level-price", tabIndex: -1, data: { side } }) : make("span");
    const mine = make("span", { class: "mine", hidden: true }, make("b"), make("span", { class: "hidden" }, ` ${this.page.strings.yours}`));
    const [quantity, sum, orders] = [make("td"), make("td", { class: "few" }), make("td", { class: "few" })];
    const row = make("tr", { class: "level" }, make("td", {}, price, mine), quantity, sum, orders);
    row.parts = { price, mine, quantity, sum, orders };
    return row;
  }

  /** `book` is {bids, asks}: Map of price → [Wh, orders]; `own` likewise price → own Wh. */
  show(contract, book, own) {
    const asks = [...book.asks].sort((a, b) => a[0] - b[0]).slice(0, LEVELS);
    const bids = [...book.bids].sort((a, b) => b[0] - a[0]).slice(0, LEVELS);
    const deepest = Math.max(1, whole(asks), whole(bids));
    this.fill(this.asks.rows, asks, deepest, own.asks, this.page.strings.no_asks);
    this.fill(this.bids.rows, bids, deepest, own.bids, this.page.strings.no_bids);
    this.showMiddle(contract, asks[0]?.[0], bids[0]?.[0]);
    this.oneStop();
  }

  /** `rows` and `levels` both begin at the best price. */
  fill(rows, levels, deepest, own, nothing) {
    let sum = 0;
    rows[0].parts.price.classList.toggle("nothing", !levels.length);
    rows.forEach((row, n) => {
      const level = levels[n];
      sum += level ? level[1][0] : 0;
      this.fillRow(row, level, sum, deepest, own);
    });
    if (!levels.length) write(rows[0].parts.price, nothing, { quietly: true });
  }

  fillRow(row, level, sum, deepest, own) {
    const { format } = this.page;
    const { price, mine, quantity, sum: total, orders } = row.parts;
    const told = level ? format.grouped(level[0]) : "";
    const same = price.textContent === told;
    write(price, told, { quietly: true });
    write(quantity, level ? format.kwh(level[1][0]) : "", { quietly: !same });
    write(total, level ? format.kwh(sum) : "", { quietly: true });
    write(orders, level ? format.grouped(level[1][1]) : "", { quietly: true });
    row.price = level?.[0];
    const ownWh = (level && own.get(level[0])) || 0;
    if (mine.hidden !== !ownWh) mine.hidden = !ownWh;
    if (ownWh) write(mine.firstChild, format.kwh(ownWh), { quietly: true });
    if (price.disabled !== undefined && price.disabled !== !level) price.disabled = !level;
    this.bar(row, "--depth", level ? level[1][0] / deepest : 0);
    this.bar(row, "--sum", level ? sum / deepest : 0);
  }

  /** Bars in whole per cent: what is not seen to change is not drawn again. */
  bar(row, name, part) {
    const width = part ? `${Math.max(1, Math.round(100 * part))}%` : "0%";
    if (row[name] === width) return;
    row[name] = width;
    row.style.setProperty(name, width);
  }

  showMiddle(contract, ask, bid) {
    const { strings, format } = this.page;
    const [main, side] = this.middle.children;
    const call = contract.state === "CALL";
    this.middle.classList.toggle("call", call);
    if (call) {
      const found = contract.indicative_price !== null;
      const values = { price: format.money(contract.indicative_price ?? 0), quantity: format.energy(contract.indicative_wh) };
      write(main, found ? fill(strings.auction_at, values) : strings.auction_none);
      return write(side, "", { quietly: true });
    }
    const last = contract.last_price;
    write(main, last === null ? strings.no_last : fill(strings.last_price, { price: format.grouped(last) }));
    if (ask === undefined && bid === undefined) return write(side, strings.empty_book, { quietly: true });
    const both = ask !== undefined && bid !== undefined;
    write(side, both ? fill(strings.spread, { price: format.grouped(ask - bid) }) : strings.one_sided, { quietly: true });
  }

  /** The prices that there are, from the top of the ladder to its foot. */
  buttons() {
    return [...this.querySelectorAll(".level:not([hidden]) .level-price:not(:disabled)")];
  }

  /** The ladder is one stop for Tab: the best price that can be bought, unless another is in use. */
  oneStop() {
    const best = [this.asks.rows[0], this.bids.rows[0]].map((row) => row.parts.price).find((each) => each.disabled === false);
    if (this.stop === best && best?.tabIndex === 0) return;
    if (this.stop) this.stop.tabIndex = -1;
    if (best) best.tabIndex = 0;
    this.stop = best;
  }

  focusBest() {
    this.stop?.focus();
  }

  take(event) {
    const row = event.target.closest(".level");
    if (!row || row.price === undefined || !("trades" in this.dataset)) return;
    const side = row.parts.price.dataset.side;
    this.dispatchEvent(new CustomEvent("level", { detail: { side, price: row.price } }));
  }

  move(event) {
    const buttons = this.buttons();
    const at = buttons.indexOf(document.activeElement);
    const target = { ArrowUp: buttons[at - 1], ArrowDown: buttons[at + 1] }[event.key];
    if (!target || at < 0) return;
    event.preventDefault();
    target.focus();
  }
}

const whole = (levels) => levels.reduce((sum, [, [wh]]) => sum + wh, 0);

customElements.define("wb-ladder", Ladder);
