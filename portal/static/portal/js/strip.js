// The intervals of the next two days: label and countdown, price, volume, what one has there, state. One is chosen.
//
// Each card is written only where it changed; there may be two hundred of them. The strip is one stop for Tab: arrows
// walk along it, Home and End go to its ends.

import { make, write } from "./dom.js";
import { briefly } from "./gate.js";

const AHEAD_MS = 48 * 3_600_000;
const SHAPE = { CALL: "◐", CONTINUOUS: "●", HALTED: "‖", FROZEN: "❄", SCHEDULED: "○", CLOSED: "■" };
export const TRADABLE = ["CALL", "CONTINUOUS", "HALTED", "FROZEN"];
const SHOWN = [...TRADABLE, "SCHEDULED", "CLOSED"];

export class Strip extends HTMLElement {
  start(page) {
    this.page = page;
    this.list = make("div", { class: "strip", role: "group" });
    this.list.setAttribute("aria-labelledby", "strip-title");
    this.cards = new Map();
    this.append(this.list);
    this.addEventListener("keydown", (event) => this.move(event));
  }

  /** Shows these contracts (in order of delivery) and which one is chosen; `holdings` says what one has. */
  show(contracts, chosen, holdings, now) {
    const next = contracts.filter((each) => SHOWN.includes(each.state) && Date.parse(each.delivery_start) < now + AHEAD_MS);
    if (!next.length) {
      this.cards.clear();
      this.ids = null;
      return this.list.replaceChildren(make("p", { class: "empty" }, this.page.strings.no_contracts));
    }
    this.arrange(next);
    for (const contract of next) this.update(this.cards.get(contract.contract_id), contract, chosen, holdings.of(contract.contract_id));
    this.mark(chosen);
    this.tick(now);
  }

  /** Cards in their order, a mark where a day begins; touched only when an interval comes or goes. */
  arrange(next) {
    const ids = next.map((contract) => contract.contract_id).join();
    if (ids === this.ids) return;
    const focused = this.contains(document.activeElement);
    const items = [];
    let day = null;
    for (const contract of next) {
      const starts = new Date(contract.delivery_start);
      const on = this.page.format.isoDay.format(starts);
      if (on !== day) items.push(make("span", { class: "day-mark" }, this.page.format.day.format(starts)));
      day = on;
      items.push(this.card(contract.contract_id));
    }
    for (const id of this.cards.keys()) if (!next.some((contract) => contract.contract_id === id)) this.cards.delete(id);
    this.list.replaceChildren(...items);
    this.ids = ids;
    if (focused) this.focusChosen();
  }

  card(id) {
    if (!this.cards.has(id)) this.cards.set(id, this.newCard(id));
    return this.cards.get(id);
  }

  newCard(id) {
    const names = ["label", "left", "price", "volume", "own", "state"];
    const parts = Object.fromEntries(names.map((name) => [name, make("span", { class: name, data: { part: name } })]));
    const { label, left, price, volume, own, state } = parts;
    const card = make("button", { type: "button", tabIndex: -1, data: { id } });
    card.append(make("span", { class: "over" }, label, " ", left), price, volume, own, make("span", { class: "hidden" }, " "), state);
    card.addEventListener("click", () => this.choose(id));
    card.parts = parts;
    return card;
  }

  update(card, contract, chosen, own) {
    const same = card.contract === contract && card.own === own;
    if (same) return;
    card.contract = contract;
    card.own = own;
    const { strings, format } = this.page;
    const { label, price, volume, state } = card.parts;
    const indicative = contract.state === "CALL" && contract.indicative_price !== null;
    const shown = indicative ? contract.indicative_price : contract.last_price;
    write(label, contract.name, { quietly: true });
    write(price, shown === null ? strings.no_price : format.money(shown));
    price.classList.toggle("none", shown === null);
    write(volume, `${format.energy(indicative ? contract.indicative_wh : contract.volume_wh)}${indicative ? ` · ${strings.indicative}` : ""}`);
    card.parts.own.replaceChildren(...this.owned(own));
    write(state, `${SHAPE[contract.state] ?? ""} ${strings[`state_${contract.state}`]}`, { quietly: true });
    card.dataset.state = contract.state;
  }

  /** ▲ bought, ▼ sold, ◌ working: signs for the eye, words beside them for the ear. */
  owned({ bought, sold, buying, selling }) {
    const { strings, format } = this.page;
    const rows = [["▲", bought, strings.bought], ["▼", sold, strings.sold], ["◌", buying + selling, strings.working]];
    return rows.filter(([, wh]) => wh).map(([sign, wh, word]) => make("span", {}, `${sign} ${format.kwh(wh)}`, make("span", { class: "hidden" }, ` ${word}, `)));
  }

  mark(chosen) {
    if (this.marked === chosen && this.cards.get(chosen)?.tabIndex === 0) return;
    for (const [id, card] of this.cards) {
      card.setAttribute("aria-pressed", String(id === chosen));
      card.tabIndex = id === chosen ? 0 : -1;
    }
    const card = this.cards.get(chosen);
    if (!card) return;
    this.marked = chosen;
    const { offsetLeft, offsetWidth } = card;
    const { scrollLeft, clientWidth } = this.list;
    if (offsetLeft < scrollLeft || offsetLeft + offsetWidth > scrollLeft + clientWidth) this.list.scrollLeft = offsetLeft - 24;
  }

  /** How long each can still be traded. */
  tick(now) {
    for (const { contract, parts } of this.cards.values()) if (contract) write(parts.left, briefly(contract, now, this.page.strings), { quietly: true });
  }

  choose(id) {
    this.dispatchEvent(new CustomEvent("choose", { detail: id }));
  }

  focusChosen() {
    (this.cards.get(this.marked) ?? this.list.querySelector("button"))?.focus();
  }

  /** Left and right go to the neighbour. */
  move(event) {
    const cards = [...this.list.querySelectorAll("button")];
    const at = cards.indexOf(document.activeElement);
    const target = { ArrowRight: cards[at + 1], ArrowLeft: cards[at - 1], Home: cards[0], End: cards.at(-1) }[event.key];
    if (!target || at < 0) return;
    event.preventDefault();
    target.focus();
    target.click();
  }
}
customElements.define("wb-strip", Strip);
