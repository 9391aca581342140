// The order ticket: filled by keyboard or by a click on a price, with what it would come to beside it, and sent.
//
// The preview is the server's word; here it is asked for a moment after the last change, and again when the book moved.
// A ticket goes out once: it carries its own number until it was answered. Nothing goes out while the page is old.

import { fill } from "./format.js";
import { ask } from "./ask.js";
import { JSON_ONLY, newId, send } from "./send.js";

const AFTER_TYPING_MS = 250;
const AFTER_MOVES_MS = 2_000; // the book moves all the time; the preview follows more calmly
const ONE_CLICK = "wattbourse.one-click";

export class Ticket extends HTMLElement {
  start(page) {
    this.page = page;
    this.form = this.querySelector("form");
    this.fields = this.form.elements;
    this.preview = document.getElementById("t-wrong");
    this.said = document.getElementById("ticket-said");
    this.old = document.getElementById("ticket-old");
    this.form.noValidate = true;
    document.getElementById("look").hidden = true;
    this.form.addEventListener("submit", (event) => this.submit(event));
    document.getElementById("place").addEventListener("click", (event) => event.detail > 1 && event.preventDefault()); // a double click
    this.form.addEventListener("input", () => this.changed());
    this.form.addEventListener("keydown", (event) => this.key(event));
    this.fields.contract.addEventListener("change", () => this.dispatchEvent(new CustomEvent("choose", { detail: Number(this.fields.contract.value) })));
    this.fields.kind.addEventListener("change", () => this.showKind());
    this.setUpOneClick();
    this.showKind();
    this.showSide();
  }

  get side() {
    return this.form.querySelector("[name=side]:checked").value;
  }

  get dirty() {
    return Boolean(this.fields.kwh.value || this.fields.price.value);
  }

  /** The interval that the page shows. One that is no longer offered stays chosen nowhere, and the ticket says so. */
  setContract(contract) {
    const { contract: list } = this.fields;
    this.chosen = String(contract.contract_id);
    if (Number(list.value) === contract.contract_id) return;
    list.value = String(contract.contract_id);
    if (this.dirty) this.changed();
  }

  /** Intervals come and go while the page is open. */
  offer(contracts, day) {
    const list = this.fields.contract;
    const ids = contracts.map((contract) => contract.contract_id).join();
    if (ids === this.offered) return;
    this.offered = ids;
    const chosen = list.value;
    const groups = new Map();
    for (const contract of contracts) {
      const on = day(contract);
      if (!groups.has(on)) groups.set(on, Object.assign(document.createElement("optgroup"), { label: on }));
      groups.get(on).append(new Option(contract.name, String(contract.contract_id)));
    }
    list.replaceChildren(...groups.values());
    list.value = chosen;
  }

  changed() {
    this.done = false;
    this.showSide();
    this.said.textContent = "";
    this.previewSoon(AFTER_TYPING_MS);
  }

  /** The book or one's orders moved: what was previewed may have changed. */
  moved() {
    if (this.dirty) this.previewSoon(AFTER_MOVES_MS);
  }

  previewSoon(after) {
    if (this.timer && after > AFTER_TYPING_MS) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.look();
    }, after);
  }

  async look() {
    if (document.hidden) return;
    const { kwh, price, kind } = this.fields;
    if (!kwh.value || (!price.value && kind.value !== "market")) return this.preview.replaceChildren();
    const asked = new URLSearchParams(this.values());
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      const answer = await fetch(`${this.form.action}?${asked}`, { headers: JSON_ONLY, signal: this.asking.signal });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      this.show(await answer.json());
    } catch (error) {
      if (error.name !== "AbortError") this.preview.replaceChildren();
    }
  }

  show({ html, faults }) {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const alert of page.querySelectorAll("[role=alert]")) alert.removeAttribute("role"); // said when it is sent
    this.preview.replaceChildren(...page.body.childNodes);
    this.markFaults(faults);
  }

  markFaults(faults) {
    const wrong = new Set(faults.map(([name]) => name));
    for (const name of ["contract", "kwh", "price", "kind", "until", "display", "least", "note"]) {
      if (wrong.has(name)) this.fields[name].setAttribute("aria-invalid", "true");
      else this.fields[name].removeAttribute("aria-invalid");
    }
  }

  values() {
    const values = Object.fromEntries(new FormData(this.form));
    delete values.csrfmiddlewaretoken;
    values.contract ||= this.chosen ?? ""; // an interval whose gate has closed is refused as such
    return values;
  }

  async submit(event) {
    event.preventDefault();
    if (this.done) return; // pressed once more, with nothing written since: what became of the order stays to be read
    const { ok, faults } = await this.place(this.values());
    if (ok) return this.afterwards();
    const first = faults.find(([name]) => this.fields[name]);
    if (first && first[0] !== "side") this.fields[first[0]].focus();
  }

  /** Sends once; a second press while it is under way does nothing. */
  async place(values) {
    if (this.busy) return { ok: false, faults: [] };
    if (!this.page.isLive()) {
      this.tell(this.page.oldSentence(), false);
      return { ok: false, faults: [] };
    }
    this.busy = true;
    this.tell(this.page.strings.sending, true);
    const answer = await send(`/markets/${this.page.code}/orders/`, values, this.page.strings);
    this.busy = false;
    this.tell(answer.sentence, answer.ok);
    this.markFaults(answer.faults);
    if (!answer.unknown) this.fields.id.value = newId();
    return answer;
  }

  /** Without a quantity nothing can be sent. */
  empty() {
    this.fields.kwh.value = "";
    this.preview.replaceChildren();
  }

  /** The next order begins with an empty quantity at the same price. */
  afterwards() {
    this.empty();
    this.done = true;
    this.fields.note.value = "";
    if (this.contains(document.activeElement)) this.fields.kwh.focus();
  }

  tell(sentence, ok) {
    this.said.textContent = sentence;
    this.said.className = `said ${ok ? "done" : "wrong"}`;
  }

  showKind() {
    const { kind, price, until } = this.fields;
    price.disabled = kind.value === "market";
    if (kind.value === "gtd") until.closest("details").open = true;
  }

  showSide() {
    this.dataset.side = this.side;
  }

  /** The connection: an old page says so in the ticket, and does not send. */
  showConnection(live, sentence) {
    this.old.hidden = live;
    this.old.textContent = sentence;
    document.getElementById("place").setAttribute("aria-disabled", String(!live));
    this.showOneClick();
  }

  begin(side) {
    this.choose(side);
    this.fields.kwh.focus();
    this.fields.kwh.select();
    this.changed();
  }

  choose(side) {
    this.form.querySelector(`[name=side][value=${side}]`).checked = true;
    this.showSide();
  }

  key(event) {
    const { kwh, price } = this.fields;
    if (event.key === "Escape") {
      event.preventDefault();
      return this.dispatchEvent(new CustomEvent("leave"));
    }
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way || (event.target !== kwh && event.target !== price)) return;
    event.preventDefault();
    const { format, tick, lot_wh } = this.page;
    const steps = way * (event.shiftKey ? 10 : 1);
    event.target.value = event.target === price ? format.stepPrice(price.value, steps * tick) : format.stepKwh(kwh.value, steps * lot_wh, lot_wh);
    this.changed();
  }

  // One click on a price places the order: off until the trader switches it on in this browser, and bounded by the
  // quantity that was confirmed then.

  setUpOneClick() {
    this.oneClick = document.getElementById("one-click");
    this.oneClick.closest("label").hidden = false;
    this.mostWh = Number(localStorage.getItem(ONE_CLICK)) || 0;
    this.oneClick.checked = this.mostWh > 0;
    this.oneClick.addEventListener("change", () => this.switchOneClick());
    this.showOneClick();
  }

  async switchOneClick() {
    const wanted = this.oneClick.checked;
    this.mostWh = 0;
    localStorage.removeItem(ONE_CLICK);
    if (wanted) await this.confirmOneClick();
    this.oneClick.checked = this.mostWh > 0;
    this.showOneClick();
  }

  async confirmOneClick() {
    const { strings, format } = this.page;
    const wh = format.readWh(this.fields.kwh.value);
    if (!(wh > 0)) {
      this.tell(strings.one_click_needs, false);
      return this.fields.kwh.focus();
    }
    if (!(await ask(fill(strings.one_click_sure, { quantity: format.energy(wh) }), strings.one_click_yes))) return;
    this.mostWh = wh;
    localStorage.setItem(ONE_CLICK, String(wh));
  }

  showOneClick() {
    const on = this.mostWh > 0 && this.page.isLive();
    this.page.root.toggleAttribute("data-one-click", on);
    const { strings, format } = this.page;
    const word = this.mostWh ? fill(strings.one_click_on, { quantity: format.energy(this.mostWh) }) : strings.one_click;
    this.oneClick.nextElementSibling.textContent = word;
  }

  /** A click on a price of the ladder: buys what is offered, sells what is wanted. */
  async takeLevel({ side, price }) {
    this.choose(side === "asks" ? "buy" : "sell");
    this.fields.price.value = this.page.format.grouped(price);
    if (this.fields.kind.value === "market") this.fields.kind.value = "gate";
    this.showKind();
    this.changed();
    if (!this.mostWh) return this.fields.kwh.value ? undefined : this.fields.kwh.focus();
    const { strings, format } = this.page;
    const wh = format.readWh(this.fields.kwh.value);
    if (!(wh > 0)) return this.fields.kwh.focus();
    if (wh > this.mostWh) return this.tell(fill(strings.one_click_more, { quantity: format.energy(this.mostWh) }), false);
    const { ok } = await this.place(this.values());
    if (ok) this.preview.replaceChildren();
  }
}
customElements.define("wb-ticket", Ticket);
