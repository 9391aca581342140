// What one has in each interval: bought and sold, as the server adds it up, and what still works in the book, live.

const NOTHING = Object.freeze({ bought: 0, sold: 0, buying: 0, selling: 0 });

export class Holdings {
  constructor() {
    this.orders = new Map(); // by their number in the market
    this.traded = new Map();
    this.sums = new Map();
  }

  /** Own orders as a message tells them. Returns whether something was filled, so that positions are worth asking for. */
  takeOrders({ type, participant_id, data }) {
    let filled = false;
    if (type === "snapshot") {
      for (const [seq, order] of this.orders) if (order.participant_id === participant_id) this.orders.delete(seq);
      filled = true;
    }
    for (const order of data) {
      filled ||= order.filled_wh !== (this.orders.get(order.seq)?.filled_wh ?? 0);
      if (order.remaining_wh) this.orders.set(order.seq, order);
      else this.orders.delete(order.seq);
    }
    this.add();
    return filled;
  }

  /** Rows of [contract, bought Wh, sold Wh]. */
  takePositions(rows) {
    this.traded = new Map(rows.map(([id, bought, sold]) => [id, { bought, sold }]));
    this.add();
  }

  add() {
    this.sums.clear();
    for (const [id, { bought, sold }] of this.traded) this.sums.set(id, { ...NOTHING, bought, sold });
    for (const { contract_id, side, remaining_wh } of this.orders.values()) {
      const sum = this.sums.get(contract_id) ?? { ...NOTHING };
      sum[side > 0 ? "buying" : "selling"] += remaining_wh;
      this.sums.set(contract_id, sum);
    }
  }

  of(id) {
    return this.sums.get(id) ?? NOTHING;
  }

  /** Own Wh at each price of an interval's book: {bids, asks}, Map of price → Wh. */
  levels(id) {
    const levels = { bids: new Map(), asks: new Map() };
    for (const order of this.orders.values()) {
      if (order.contract_id !== id) continue;
      const side = levels[order.side > 0 ? "bids" : "asks"];
      side.set(order.price, (side.get(order.price) ?? 0) + order.remaining_wh);
    }
    return levels;
  }
}
