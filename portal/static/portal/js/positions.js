// My positions: what I have bought and sold and what still works, interval by interval, the nearest delivery first.

import { make } from "./dom.js";

const SHOWN = 8;
const COLUMNS = ["interval", "bought", "sold", "net", "working"];

export class Positions extends HTMLElement {
  start(page) {
    this.page = page;
    const head = make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col" }, this.dataset[name])));
    this.body = make("tbody");
    this.place = make("div", { class: "wide", hidden: true }, make("table", { class: "figures" }, make("thead", {}, head), this.body));
    this.empty = make("p", { class: "empty" }, page.strings.no_positions);
    this.append(this.place, this.empty);
  }

  show(contracts, holdings) {
    const held = contracts.map((contract) => [contract, holdings.of(contract.contract_id)]).filter(([, own]) => own.bought || own.sold || own.buying || own.selling);
    this.body.replaceChildren(...held.slice(0, SHOWN).map(([contract, own]) => this.row(contract, own)));
    this.place.hidden = !held.length;
    this.empty.hidden = Boolean(held.length);
  }

  row(contract, { bought, sold, buying, selling }) {
    const { format } = this.page;
    const cell = (wh) => make("td", {}, wh ? format.kwh(wh) : "–");
    const net = bought - sold;
    const sign = net > 0 ? "+" : "";
    const working = [buying && `▲ ${format.kwh(buying)}`, selling && `▼ ${format.kwh(selling)}`].filter(Boolean).join(" ");
    return make("tr", {}, make("th", { scope: "row" }, contract.name), cell(bought), cell(sold), make("td", {}, `${sign}${format.kwh(net)}`), make("td", {}, working || "–"));
  }
}
customElements.define("wb-positions", Positions);
