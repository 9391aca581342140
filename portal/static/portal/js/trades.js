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
    if (afresh) {
      this.trades.clear();
      this.body.replaceChildren();
    }
    const fresh = rows.filter((row) => !this.trades.has(row[0])).sort((a, b) => a[0] - b[0]);
    for (const row of fresh) this.put(row, nameOf, !afresh);
    this.table.hidden = !this.trades.size;
    this.empty.hidden = Boolean(this.trades.size);
  }

  /** One more on top; the oldest goes where there are too many. Trades come in order, so nothing is sorted anew. */
  put(row, nameOf, fresh) {
    const numbers = [...this.trades.keys()];
    if (numbers.length && row[0] < numbers.at(-1)) return; // older than all that is shown
    this.trades.set(row[0], row);
    this.body.prepend(this.row(row, nameOf, fresh));
    if (this.trades.size <= KEPT) return;
    this.trades.delete(numbers[0]);
    this.body.lastElementChild.remove();
  }

  /** Shows all of it again, once the intervals' names are known. */
  draw(nameOf) {
    this.body.replaceChildren(...[...this.trades.values()].reverse().map((row) => this.row(row, nameOf, false)));
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
