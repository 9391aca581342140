// My open orders: what is still on offer or wanted in my name, the nearest delivery first.

import { make } from "./dom.js";
import { fill } from "./format.js";

const SHOWN = 8;

export class Orders extends HTMLElement {
  start(page) {
    this.page = page;
    const columns = ["interval", "price", "quantity"];
    const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, this.dataset[name])));
    this.body = make("tbody");
    this.table = make("table", { class: "figures", hidden: true }, make("thead", {}, head), this.body);
    this.rest = make("p", { class: "muted small", hidden: true });
    this.empty = make("p", { class: "empty" }, page.strings.no_orders);
    this.append(this.table, this.rest, this.empty);
  }

  /** `orders` are open ones; `contractOf(id)` their contract where it is known. */
  show(orders, contractOf) {
    const known = orders.filter((order) => contractOf(order.contract_id));
    const when = (order) => contractOf(order.contract_id).delivery_start;
    known.sort((a, b) => (when(a) === when(b) ? b.price - a.price : when(a) < when(b) ? -1 : 1));
    this.body.replaceChildren(...known.slice(0, SHOWN).map((order) => this.row(order, contractOf(order.contract_id))));
    this.table.hidden = !known.length;
    this.empty.hidden = Boolean(known.length);
    this.rest.hidden = known.length <= SHOWN;
    this.rest.textContent = fill(this.page.strings.more_orders, { n: known.length - SHOWN });
  }

  row(order, contract) {
    const { format, strings } = this.page;
    const [shape, word, kind] = order.side > 0 ? ["▲", strings.buying, "buy"] : ["▼", strings.selling, "sell"];
    const price = make("span", { class: `took took-${kind}` }, `${shape} ${format.grouped(order.price)}`);
    return make(
      "tr",
      {},
      make("td", {}, contract.name),
      make("td", {}, price, make("span", { class: "hidden" }, ` ${word}`)),
      make("td", {}, format.kwh(order.remaining_wh)),
    );
  }
}
customElements.define("wb-orders", Orders);
