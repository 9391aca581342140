// The book of one contract: the best levels of each side with their depth, and between them what it last cost.

import { make, write } from "./dom.js";
import { fill } from "./format.js";

const LEVELS = 10;
const LEVELS_KEPT = 5; // rows that stay even when empty, so that a thin book does not jump
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
  }

  side(name, title) {
    const rows = Array.from({ length: LEVELS }, () => this.newRow());
    const header = make("tr", { class: "side" }, make("th", { colSpan: 4, scope: "rowgroup" }, title));
    const body = make("tbody", { class: name }, header, ...rows);
    return { body, rows: name === "asks" ? rows.reverse() : rows };
  }

  newRow() {
    const price = make("span");
    const mine = make("span", { class: "mine", hidden: true }, this.page.strings.yours);
    const [quantity, sum, orders] = [make("td"), make("td", { class: "few" }), make("td", { class: "few" })];
    const row = make("tr", { class: "level" }, make("td", {}, price, mine), quantity, sum, orders);
    row.parts = { price, mine, quantity, sum, orders };
    return row;
  }

  /** `book` is {bids, asks}: Map of price → [Wh, orders]; `own` the prices of own open orders by side. */
  show(contract, book, own) {
    const asks = [...book.asks].sort((a, b) => a[0] - b[0]);
    const bids = [...book.bids].sort((a, b) => b[0] - a[0]);
    const deepest = Math.max(1, ...[...asks.slice(0, LEVELS), ...bids.slice(0, LEVELS)].map(([, [wh]]) => wh));
    this.fill(this.asks.rows, asks, deepest, own.asks, this.page.strings.no_asks);
    this.fill(this.bids.rows, bids, deepest, own.bids, this.page.strings.no_bids);
    this.showMiddle(contract, asks[0]?.[0], bids[0]?.[0]);
  }

  /** `rows` and `levels` both begin at the best price. */
  fill(rows, levels, deepest, own, nothing) {
    let sum = 0;
    rows[0].parts.price.classList.toggle("nothing", !levels.length);
    rows.forEach((row, n) => {
      const level = levels[n];
      sum += level ? level[1][0] : 0;
      row.hidden = !level && n >= LEVELS_KEPT;
      this.fillRow(row, level, sum, deepest, own);
    });
    if (!levels.length) write(rows[0].parts.price, nothing, { quietly: true });
  }

  fillRow(row, level, sum, deepest, own) {
    const { format } = this.page;
    const { price, mine, quantity, sum: total, orders } = row.parts;
    const same = price.textContent === (level ? format.grouped(level[0]) : "");
    write(price, level ? format.grouped(level[0]) : "", { quietly: true });
    write(quantity, level ? format.kwh(level[1][0]) : "", { quietly: !same });
    write(total, level ? format.kwh(sum) : "", { quietly: true });
    write(orders, level ? format.grouped(level[1][1]) : "", { quietly: true });
    mine.hidden = !(level && own.has(level[0]));
    row.style.setProperty("--depth", level ? `${Math.max(1.5, (100 * level[1][0]) / deepest)}%` : "0%");
  }

  showMiddle(contract, ask, bid) {
    const { strings, format } = this.page;
    const [main, side] = this.middle.children;
    const call = contract.state === "CALL";
    this.middle.classList.toggle("call", call);
    if (call) {
      const found = contract.indicative_price !== null;
      const values = { price: format.price(contract.indicative_price ?? 0), quantity: format.energy(contract.indicative_wh) };
      write(main, found ? fill(strings.auction_at, values) : strings.auction_none);
      return write(side, "", { quietly: true });
    }
    const last = contract.last_price;
    write(main, last === null ? strings.no_last : fill(strings.last_price, { price: format.grouped(last) }));
    if (ask === undefined && bid === undefined) return write(side, strings.empty_book, { quietly: true });
    const both = ask !== undefined && bid !== undefined;
    write(side, both ? fill(strings.spread, { price: format.grouped(ask - bid) }) : strings.one_sided, { quietly: true });
  }
}
customElements.define("wb-ladder", Ladder);
