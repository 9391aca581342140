// A home: what changes is fetched as the same page again and put in place, so that the server alone words it.

import { write } from "./dom.js";
import { Format, fill } from "./format.js";
import { Clock } from "./gate.js";
import { Live } from "./live.js";
import "./home-chart.js";

const FETCH_AFTER_MS = 800; // several intervals may be settled, several orders placed at once
const RETRY_MS = 5_000;

class HomePage extends HTMLElement {
  connectedCallback() {
    this.page = JSON.parse(document.getElementById("page").textContent);
    this.page.format = new Format(this.page.language, this.page.timezone);
    this.clock = new Clock(Date.parse(this.page.now), this.page.rate);
    this.contracts = new Map();
    this.chart = this.querySelector("wb-home-chart");
    this.chart.start(this.page);
    this.showChart();
    this.listenToSlider();
    this.listen();
  }

  listen() {
    const url = new URL(`/ws/markets/${this.page.code}/`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.live = new Live(url);
    this.live.addEventListener("state", () => this.showConnection());
    this.live.addEventListener("heartbeat", ({ detail }) => this.beat(detail));
    this.live.subscribe("contracts", {}, (message) => this.takeContracts(message));
    this.live.subscribe("energy", {}, ({ type }) => type === "update" && this.fetchSoon());
    this.live.subscribe("orders", {}, ({ type }) => type === "update" && this.fetchSoon());
  }

  listenToSlider() {
    const slider = document.getElementById("reserve");
    const shown = document.getElementById("reserve-shown");
    slider?.addEventListener("input", () => (shown.value = `${slider.value} %`));
  }

  beat({ at, data }) {
    this.clock.set(Date.parse(at), data.rate);
    this.heardAt = Date.parse(at);
  }

  takeContracts({ type, data }) {
    if (type === "snapshot") this.contracts.clear();
    for (const row of data) this.contracts.set(row.contract_id, row);
    this.showPrice();
  }

  /** The next interval to be delivered for which there is a price. */
  showPrice() {
    const now = this.clock.now();
    const ahead = [...this.contracts.values()].filter((row) => row.last_price !== null && Date.parse(row.delivery_end) > now);
    const next = ahead.sort((a, b) => (a.delivery_start < b.delivery_start ? -1 : 1))[0];
    if (!next) return;
    const values = { interval: next.name, price: this.page.format.price(next.last_price) };
    write(document.getElementById("market-price"), fill(this.page.strings.market_price, values));
  }

  showConnection() {
    const { strings, format } = this.page;
    const { state } = this.live;
    const shown = document.getElementById("live");
    shown.dataset.state = state === "logged_out" ? "stale" : state;
    shown.querySelector(".word").textContent = fill(strings[state], { time: format.clock.format(this.heardAt ?? this.clock.now()) });
    this.toggleAttribute("data-stale", ["stale", "logged_out"].includes(state));
    if (state === "live") this.fetchSoon();
    if (state === "logged_out") location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
  }

  fetchSoon(after = FETCH_AFTER_MS) {
    this.fetching ??= setTimeout(() => {
      this.fetching = null;
      this.fetchPage();
    }, after);
  }

  async fetchPage() {
    try {
      const answer = await fetch(this.dataset.address, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      this.put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      this.fetchSoon(RETRY_MS);
    }
  }

  put(fresh) {
    for (const part of this.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (!other || part.innerHTML === other.innerHTML) continue;
      const before = [...part.querySelectorAll("b, .big")].map((each) => each.textContent);
      part.replaceChildren(...other.childNodes);
      [...part.querySelectorAll("b, .big")].forEach((each, n) => each.classList.toggle("moved", each.textContent !== before[n]));
    }
    this.showChart();
  }

  showChart() {
    this.chart.show(JSON.parse(document.getElementById("chart").textContent));
  }
}

customElements.define("wb-home", HomePage);
