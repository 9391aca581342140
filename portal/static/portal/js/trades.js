// The last trades of the market, the latest on top.

import { make } from "./dom.js";

const KEPT = 40;

export class Trades extends HTMLElement {
  start(page) {
    this.page = page;
    this.trades = new Map();
    const columns = ["time", "interval", "price", "quantity"];
    const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, this.dataset[name])));
    this.body = make("tbody");
    this.table = make("table", { class: "figures" }, make("thead", {}, head), this.body);
    this.empty = make("p", { class: "empty" }, page.strings.no_trades);
    this.append(this.table, this.empty);
    this.table.hidden = true;
  }

  /** Adds trades [no, contract, price, Wh, taker side, at, seq]; one that is known already changes nothing. */
  add(rows, nameOf, { afresh = false } = {}) {
    if (afresh) this.trades.clear();
    const known = new Set(this.trades.keys());
    for (const row of rows) this.trades.set(row[0], row);
    const latest = [...this.trades.values()].sort((a, b) => b[0] - a[0]).slice(0, KEPT);
    this.trades = new Map(latest.map((row) => [row[0], row]));
    this.draw(nameOf, (no) => !afresh && !known.has(no));
  }

  /** Shows what is there; `isFresh(no)` says which trade has only just come. */
  draw(nameOf, isFresh = () => false) {
    const rows = [...this.trades.values()];
    this.body.replaceChildren(...rows.map((row) => this.row(row, nameOf, isFresh(row[0]))));
    this.table.hidden = !rows.length;
    this.empty.hidden = Boolean(rows.length);
  }

  row([, contract, price, wh, side, at], nameOf, fresh) {
    const { format, strings } = this.page;
    const [shape, word, kind] = side > 0 ? ["▲", strings.bought, "buy"] : ["▼", strings.sold, "sell"];
    const took = make("span", { class: `took took-${kind}` }, `${shape} ${format.grouped(price)}`);
    return make(
      "tr",
      { class: fresh ? "moved" : "" },
      make("td", {}, format.seconds.format(new Date(at))),
      make("td", {}, nameOf(contract)),
      make("td", {}, took, make("span", { class: "hidden" }, ` ${word}`)),
      make("td", {}, format.kwh(wh)),
    );
  }
}
customElements.define("wb-trades", Trades);
