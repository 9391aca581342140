// The market's clock on this page, and how long the chosen interval can still be traded.

import { fill } from "./format.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Market time between two heartbeats: the server's moment, moved on at the market's rate. */
export class Clock {
  constructor(nowMs, rate) {
    this.set(nowMs, rate);
  }

  set(nowMs, rate) {
    this.base = nowMs;
    this.rate = rate;
    this.heardAt = performance.now();
  }

  now() {
    return this.base + (performance.now() - this.heardAt) * this.rate;
  }
}

/** A stretch of time in words, rounded up: nobody should be late by trusting it. */
export function inWords(ms, strings) {
  if (ms < MINUTE) return fill(strings.seconds, { n: Math.max(0, Math.ceil(ms / SECOND)) });
  if (ms < HOUR) return fill(strings.minutes, { n: Math.ceil(ms / MINUTE) });
  const minutes = Math.ceil(ms / MINUTE);
  return fill(strings.hours, { n: Math.floor(minutes / 60), m: minutes % 60 });
}

/** The sentence for the chosen contract. */
export function gateSentence(contract, now, strings, halted) {
  if (halted) return strings.halted_note;
  if (!contract) return strings.no_gate;
  const opens = Date.parse(contract.gate_opens_at);
  const call = contract.state === "CALL" && contract.call_until ? Date.parse(contract.call_until) : null;
  const until = call ?? Date.parse(contract.gate_closes_at);
  const values = { interval: contract.name, time: inWords((opens > now ? opens : until) - now, strings) };
  if (opens > now) return fill(strings.gate_opens, values);
  if (contract.state === "CLOSED") return fill(strings.gate_over, values);
  if (until <= now) return fill(strings.gate_now, values);
  return fill(call ? strings.call_ends : strings.gate_ends, values);
}

/** The same in a word or two, for a card: how long until the gate opens, the auction ends or the gate closes. */
export function briefly(contract, now, strings) {
  const call = contract.state === "CALL" && contract.call_until ? contract.call_until : null;
  const until = contract.state === "SCHEDULED" ? contract.gate_opens_at : (call ?? contract.gate_closes_at);
  const left = Date.parse(until) - now;
  return contract.state === "CLOSED" || left <= 0 ? "" : inWords(left, strings);
}
