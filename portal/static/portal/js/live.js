// One WebSocket that comes back by itself, and the rule by which updates follow a snapshot.
//
// An update says prev_seq → seq with absolute quantities. It is applied when prev_seq ≤ last seen < seq, dropped when
// seq ≤ last seen, and anything else is a gap: then the subscription is made anew. Updates without a prev_seq stand alone.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const HEARTBEATS_MISSED = 2.5;
const RECONNECTING_MS = 4_000; // a longer break makes what is shown stale
const ANSWER_MS = 1_000; // for so long what was asked is waited for; then a gap asks again
const NOT_LOGGED_IN = 4401;
const RIGHTS_CHANGED = 4403;
const NO_MARKET = 4404;

export class Live extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.subscriptions = new Map();
    this.state = "connecting";
    this.pause = FIRST_PAUSE_MS;
    this.heartbeatMs = 5_000;
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("offline", () => this.socket?.close());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    window.addEventListener("pagehide", () => this.rest());
    window.addEventListener("pageshow", (event) => event.persisted && this.wake());
    setInterval(() => this.watch(), 1_000);
    this.connect();
  }

  /** Listen to a channel; `take(message)` gets its snapshots and updates. Returns what ends it. */
  subscribe(channel, options, take) {
    const key = JSON.stringify([channel, options.contract_id ?? null]);
    this.subscriptions.set(key, { request: { channel, ...options }, take, seq: new Map() });
    this.ask(key);
    return () => {
      if (this.subscriptions.delete(key)) this.send({ op: "unsubscribe", channel, ...options });
    };
  }

  connect() {
    clearTimeout(this.timer);
    this.heardAt = performance.now();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onmessage = (event) => socket === this.socket && this.hear(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  send(request) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  ask(key, { afresh = true } = {}) {
    const subscription = this.subscriptions.get(key);
    const { request, seq } = subscription;
    subscription.askedAt = performance.now();
    const known = afresh ? undefined : [...seq.values()][0];
    this.send({ op: "subscribe", ...request, ...(known === undefined ? {} : { resume_from_seq: known }) });
  }

  hear(message) {
    this.heardAt = performance.now();
    if (message.channel === "heartbeat") this.beat(message);
    else if (message.channel !== "error") this.route(message);
  }

  beat(message) {
    this.heartbeatMs = message.data.every_s * 1_000;
    if (message.type === "snapshot") {
      this.pause = FIRST_PAUSE_MS;
      this.become("live");
      for (const [key, each] of this.subscriptions) this.ask(key, { afresh: each.seq.size !== 1 });
    }
    this.dispatchEvent(new CustomEvent("heartbeat", { detail: message }));
  }

  route(message) {
    const key = JSON.stringify([message.channel, message.contract_id ?? null]);
    const subscription = this.subscriptions.get(key);
    if (!subscription) return;
    const scope = message.participant_id ?? 0;
    const last = subscription.seq.get(scope);
    if (message.type === "update" && message.prev_seq !== null) {
      if (message.seq <= last) return;
      if (last === undefined || message.prev_seq > last) return this.mend(key, subscription);
    }
    subscription.askedAt = undefined;
    subscription.seq.set(scope, message.seq);
    subscription.take(message);
  }

  /** Something is missing: it is asked for once, however many updates come before the answer. */
  mend(key, { askedAt }) {
    if (askedAt === undefined || performance.now() - askedAt > ANSWER_MS) this.ask(key);
  }

  lost(code) {
    this.lostAt ??= performance.now();
    if (code === NOT_LOGGED_IN) return this.become("logged_out");
    if (code === NO_MARKET || code === RIGHTS_CHANGED) return location.reload();
    if (this.state === "live") this.become("reconnecting");
    this.timer = setTimeout(() => this.connect(), this.pause * (0.7 + 0.6 * Math.random()));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  /** A connection that says nothing is none; one that stays away makes the page stale. */
  watch() {
    const now = performance.now();
    const silent = now - this.heardAt > HEARTBEATS_MISSED * this.heartbeatMs;
    if (this.socket && this.socket.readyState < WebSocket.CLOSING && silent) {
      this.socket.close();
      const dead = this.socket;
      this.socket = null;
      dead.onclose = null;
      this.lost(0);
    }
    if (this.lostAt && this.state !== "logged_out" && now - this.lostAt > RECONNECTING_MS) this.become("stale");
  }

  /** A page that is left keeps no connection: with one, the browser could not bring it back as it was. */
  rest() {
    clearTimeout(this.timer);
    if (this.socket) this.socket.onclose = null;
    this.socket?.close();
    this.socket = null;
    this.lostAt ??= performance.now();
  }

  /** Brought back by the button 'back', the page is as old as when it was left, says so, and catches up. */
  wake() {
    if (this.state === "live") this.become("reconnecting");
    this.watch();
    this.hurry();
  }

  hurry() {
    if (this.state === "live" || this.state === "logged_out") return;
    this.pause = FIRST_PAUSE_MS;
    if (!this.socket || this.socket.readyState > WebSocket.OPEN) this.connect();
  }

  become(state) {
    if (state === "live") this.lostAt = null;
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}
