// My open orders: what still works in my name, the nearest delivery first; each changed or cancelled in its row.
//
// Less of the same price keeps an order's place in the queue, anything else loses it: the row says so before it is sent.
// Buttons change place under the pointer ('Back' makes room for 'Cancel'), so the second half of a double click does
// nothing.

import { make, onPress, write } from "./dom.js";
import { fill } from "./format.js";
import { ask } from "./ask.js";
import { send } from "./send.js";

const SHOWN = 12;
const COLUMNS = ["interval", "price", "quantity", "total", "state"];

export class Orders extends HTMLElement {
  start(page) {
    this.page = page;
    this.able = "able" in this.dataset;
    this.several = page.participants.length > 1;
    const heads = COLUMNS.map((name) => make("th", { scope: "col" }, this.dataset[name]));
    if (this.able) heads.push(make("th", { scope: "col" }, make("span", { class: "hidden" }, page.strings.change)));
    this.body = make("tbody");
    this.table = make("table", { class: "figures" }, make("thead", {}, make("tr", {}, ...heads)), this.body);
    this.place = make("div", { class: "wide", hidden: true }, this.table);
    this.rest = make("p", { class: "muted small", hidden: true });
    this.empty = make("p", { class: "empty" }, page.strings.no_orders);
    this.said = make("p", { class: "said", role: "status" });
    this.append(this.place, this.rest, this.empty, this.said);
    if (this.able) this.append(this.ends());
    this.rows = new Map();
  }

  ends() {
    const { strings } = this.page;
    const one = make("button", { type: "button", class: "quiet" }, strings.cancel_here);
    const all = make("button", { type: "button", class: "quiet" }, strings.cancel_all);
    one.addEventListener("click", () => this.cancelAll(true));
    all.addEventListener("click", () => this.cancelAll(false));
    this.buttons = make("div", { class: "ticket-ends", hidden: true }, one, all);
    return this.buttons;
  }

  /** `orders` are open ones; `contractOf(id)` their contract where it is known. */
  show(orders, contractOf, chosen) {
    const known = orders.filter((order) => contractOf(order.contract_id));
    const when = (order) => contractOf(order.contract_id).delivery_start;
    known.sort((a, b) => (when(a) === when(b) ? b.price - a.price : when(a) < when(b) ? -1 : 1));
    const shown = known.filter((order, n) => n < SHOWN || this.rows.get(order.seq)?.editing);
    const rows = shown.map((order) => this.row(order, contractOf(order.contract_id), chosen));
    this.arrange(rows, new Set(shown.map((order) => order.seq)));
    this.chosen = chosen;
    this.count = orders.length;
    this.place.hidden = !known.length;
    if (this.buttons) this.buttons.hidden = !known.length;
    this.empty.hidden = Boolean(known.length);
    this.rest.hidden = known.length === shown.length;
    this.rest.textContent = fill(this.page.strings.more_orders, { n: known.length - shown.length });
  }

  /** Rows in their order, those that are being changed untouched. */
  arrange(rows, seqs) {
    for (const [seq, row] of this.rows) if (!seqs.has(seq)) this.drop(seq, row);
    rows.forEach((row, n) => {
      if (this.body.children[n] !== row) this.body.insertBefore(row, this.body.children[n] ?? null);
    });
  }

  drop(seq, row) {
    const focused = row.contains(document.activeElement);
    if (row.editing) this.tell(fill(this.page.strings.gone_meanwhile, { interval: row.parts.interval.textContent }), false);
    row.remove();
    this.rows.delete(seq);
    if (focused) this.focusFirst();
  }

  row(order, contract, chosen) {
    if (!this.rows.has(order.seq)) this.rows.set(order.seq, this.newRow(order.seq));
    const row = this.rows.get(order.seq);
    row.classList.toggle("chosen", order.contract_id === chosen);
    if (row.order === order) return row;
    row.order = order;
    const { format, strings } = this.page;
    const [shape, word, kind] = order.side > 0 ? ["▲", strings.buying, "buy"] : ["▼", strings.selling, "sell"];
    write(row.parts.interval, contract.name, { quietly: true });
    if (this.several) write(row.parts.whose, this.page.names[order.participant_id] ?? "", { quietly: true });
    row.parts.took.className = `took took-${kind}`;
    write(row.parts.took, `${shape} ${format.grouped(order.price)}`);
    write(row.parts.word, ` ${word}`, { quietly: true });
    write(row.parts.left, format.kwh(order.remaining_wh));
    write(row.parts.total, format.kwh(order.quantity_wh), { quietly: true });
    this.state(row);
    return row;
  }

  newRow(seq) {
    const names = ["interval", "took", "word", "left", "total", "state"];
    const parts = Object.fromEntries(names.map((name) => [name, make("span")]));
    parts.word.className = "hidden";
    parts.price = make("td", {}, parts.took, parts.word);
    parts.quantity = make("td", {}, parts.left);
    parts.whose = make("small", { class: "whose" });
    const cells = [make("th", { scope: "row" }, parts.interval, parts.whose), parts.price, parts.quantity, make("td", {}, parts.total), make("td", { class: "state" }, parts.state)];
    const row = make("tr", { data: { seq } }, ...cells);
    row.parts = parts;
    if (this.able) row.append(this.handles(row, seq));
    return row;
  }

  handles(row, seq) {
    const { strings } = this.page;
    const change = make("button", { type: "button", class: "quiet small" }, strings.change);
    const cancel = make("button", { type: "button", class: "quiet small" }, strings.cancel);
    onPress(change, () => this.edit(row));
    onPress(cancel, () => this.send(row, `${seq}/cancel/`, {}, strings.being_cancelled));
    row.parts.handles = make("td", { class: "handles" }, change, " ", cancel);
    row.parts.change = change;
    return row.parts.handles;
  }

  state(row) {
    const { strings } = this.page;
    const { order, busy, refused } = row;
    const plain = order.filled_wh ? strings.partly_filled : strings.working;
    write(row.parts.state, busy ? `◔ ${busy}` : refused ? `! ${strings.refused}` : plain, { quietly: true });
    row.classList.toggle("busy", Boolean(busy));
    row.classList.toggle("refused", Boolean(refused));
  }

  /** Price and quantity become fields in their own cells. */
  edit(row) {
    if (row.editing) return;
    const { format, strings } = this.page;
    const { order, parts } = row;
    const price = field(strings.new_price, format.grouped(order.price), "numeric");
    const left = field(strings.new_left, format.typed(order.remaining_wh), "decimal");
    const save = make("button", { type: "button", class: "act small" }, strings.save);
    const back = make("button", { type: "button", class: "quiet small" }, strings.back);
    const hint = make("p", { class: "hint-line", role: "status" });
    row.editing = { price, left, handles: [...parts.handles.childNodes], filled: order.filled_wh };
    parts.price.replaceChildren(price);
    parts.quantity.replaceChildren(left);
    parts.handles.replaceChildren(save, " ", back, hint);
    onPress(save, () => this.save(row));
    onPress(back, () => this.leave(row));
    for (const input of [price, left]) {
      input.addEventListener("input", () => this.hint(row, hint));
      input.addEventListener("keydown", (event) => this.key(event, row, input, hint));
    }
    this.hint(row, hint);
    price.focus();
    price.select();
  }

  key(event, row, input, hint) {
    const { format, tick, lot_wh } = this.page;
    const act = { Enter: () => this.save(row), Escape: () => this.leave(row) }[event.key];
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!act && !way) return;
    event.preventDefault();
    event.stopPropagation();
    if (act) return act();
    const steps = way * (event.shiftKey ? 10 : 1);
    input.value = input === row.editing.price ? format.stepPrice(input.value, steps * tick) : format.stepKwh(input.value, steps * lot_wh, lot_wh);
    this.hint(row, hint);
  }

  hint(row, hint) {
    const { format, strings } = this.page;
    const price = format.readPrice(row.editing.price.value);
    const total = row.editing.filled + format.readWh(row.editing.left.value);
    const loses = price !== row.order.price || total > row.order.quantity_wh;
    write(hint, loses ? strings.loses_place : strings.keeps_place, { quietly: true });
  }

  async save(row) {
    const { price, left, filled } = row.editing; // what trades after the row was opened is part of what was allowed
    const fields = { price: price.value, left: left.value, filled };
    this.leave(row);
    await this.send(row, `${row.order.seq}/amend/`, fields, this.page.strings.being_amended);
  }

  leave(row) {
    const { parts, editing } = row;
    parts.price.replaceChildren(parts.took, parts.word);
    parts.quantity.replaceChildren(parts.left);
    parts.handles.replaceChildren(...editing.handles);
    row.editing = null;
    parts.change.focus();
  }

  async send(row, path, fields, busy) {
    if (row.busy) return;
    if (!this.page.isLive()) return this.tell(this.page.oldSentence(), false);
    Object.assign(row, { busy, refused: false });
    this.state(row);
    const answer = await send(`/markets/${this.page.code}/orders/${path}`, fields, this.page.strings);
    Object.assign(row, { busy: "", refused: !answer.ok });
    this.state(row);
    this.tell(answer.sentence, answer.ok);
  }

  async cancelAll(here) {
    const { strings, code } = this.page;
    if (!this.page.isLive()) return this.tell(this.page.oldSentence(), false);
    const contract = this.chosen; // the page may go on to the next interval while the question stands
    const interval = this.page.nameOf(contract);
    const sentence = here ? fill(strings.sure_cancel_here, { interval }) : strings.sure_cancel_all;
    const names = Object.values(this.page.names).join(", ");
    const whose = this.several ? ` ${fill(strings.sure_cancel_of, { names })}` : "";
    if (!(await ask(sentence + whose, strings.yes_cancel))) return;
    const fields = { confirm: "yes", ...(here ? { contract } : {}) };
    const answer = await send(`/markets/${code}/orders/cancel-all/`, fields, strings);
    this.tell(answer.sentence, answer.ok);
  }

  tell(sentence, ok) {
    this.said.textContent = sentence;
    this.said.className = `said ${ok ? "done" : "wrong"}`;
  }

  focusFirst() {
    const first = this.body.querySelector("button");
    if (first) return first.focus();
    const heading = document.getElementById("orders-title");
    heading.tabIndex = -1;
    heading.focus();
  }
}

function field(label, value, inputMode) {
  const input = make("input", { type: "text", value, inputMode, autocomplete: "off", maxLength: 24 });
  input.setAttribute("aria-label", label);
  return input;
}

customElements.define("wb-orders", Orders);
