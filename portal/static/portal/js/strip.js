// The intervals that can be traded next: label, price, volume, state. One of them is chosen.

import { make, write } from "./dom.js";

const SHOWN = 12;
const SHAPE = { CALL: "◐", CONTINUOUS: "●", HALTED: "‖", SCHEDULED: "○" };
export const TRADABLE = ["CALL", "CONTINUOUS", "HALTED"];

export class Strip extends HTMLElement {
  start(page) {
    this.page = page;
    this.list = make("div", { class: "strip", role: "group" });
    this.cards = new Map();
    this.append(this.list);
    this.addEventListener("keydown", (event) => this.move(event));
  }

  /** Shows the next contracts and which one is chosen. */
  show(contracts, chosen) {
    const next = contracts.filter((contract) => TRADABLE.includes(contract.state)).slice(0, SHOWN);
    if (!next.length) {
      this.cards.clear();
      return this.list.replaceChildren(make("p", { class: "empty" }, this.page.strings.no_contracts));
    }
    const cards = next.map((contract) => this.card(contract));
    if (cards.some((card, n) => this.list.children[n] !== card) || this.list.children.length !== cards.length) {
      this.list.replaceChildren(...cards);
    }
    for (const contract of next) this.update(this.cards.get(contract.contract_id), contract, chosen);
  }

  card(contract) {
    const id = contract.contract_id;
    if (!this.cards.has(id)) this.cards.set(id, this.newCard(id));
    return this.cards.get(id);
  }

  newCard(id) {
    const parts = ["label", "price", "volume", "state"].map((name) => make("span", { class: name, data: { part: name } }));
    const [label, price, volume, state] = parts;
    const card = make("button", { type: "button", data: { id } }, label, price, make("span", { class: "under" }, volume), state);
    card.addEventListener("click", () => this.choose(id));
    card.parts = { label, price, volume, state };
    return card;
  }

  update(card, contract, chosen) {
    const { strings, format } = this.page;
    const { label, price, volume, state } = card.parts;
    const indicative = contract.state === "CALL" && contract.indicative_price !== null;
    const shown = indicative ? contract.indicative_price : contract.last_price;
    write(label, contract.name, { quietly: true });
    write(price, shown === null ? strings.no_price : format.money(shown));
    price.classList.toggle("none", shown === null);
    write(volume, `${format.energy(indicative ? contract.indicative_wh : contract.volume_wh)}${indicative ? ` · ${strings.indicative}` : ""}`);
    write(state, `${SHAPE[contract.state] ?? ""} ${strings[`state_${contract.state}`]}`, { quietly: true });
    card.setAttribute("aria-pressed", String(contract.contract_id === chosen));
  }

  choose(id) {
    this.dispatchEvent(new CustomEvent("choose", { detail: id }));
  }

  /** Left and right go to the neighbour. */
  move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const cards = [...this.list.querySelectorAll("button")];
    const target = step && cards[cards.indexOf(document.activeElement) + step];
    if (!target) return;
    event.preventDefault();
    target.focus();
    target.click();
  }
}
customElements.define("wb-strip", Strip);
