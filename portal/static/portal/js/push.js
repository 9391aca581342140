// Notices on this device: after a click the browser is asked for permission and subscribes; the server keeps the address
// of its push service and its keys. Which of the listed devices is this one is told by the digest of that address.

const bytes = (word) => Uint8Array.from(atob(word.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const WORKER_MS = 10_000; // a worker that cannot be installed is never ready
const worker = () => Promise.race([navigator.serviceWorker.ready, new Promise((_, fail) => setTimeout(fail, WORKER_MS))]);
const able = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

class Push extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("button");
    this.alarm = this.querySelector("[role=alert]");
    this.button.addEventListener("click", () => this.switchOn());
    document.querySelectorAll(".devices form").forEach((form) => form.addEventListener("submit", () => this.leave(form)));
    this.look();
  }

  async look() {
    if (!able()) return this.show("unable");
    if (Notification.permission === "denied") return this.show("blocked");
    this.row = await this.ownRow();
    this.row?.querySelector(".badge").removeAttribute("hidden");
    this.show(this.row ? "on" : "off");
  }

  show(state) {
    this.dataset.state = state;
    this.querySelectorAll("[data-when]").forEach((part) => (part.hidden = part.dataset.when !== state));
  }

  /** The line of this browser in the list of devices. */
  async ownRow() {
    const held = await this.subscription();
    if (!held) return null;
    const digest = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(held.endpoint)));
    return document.querySelector(`.devices [data-digest="${digest}"]`);
  }

  async subscription() {
    const held = await navigator.serviceWorker.getRegistration("/");
    return held ? held.pushManager.getSubscription() : null;
  }

  async switchOn() {
    this.alarm.hidden = true;
    this.button.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") return await this.look();
      const { pushManager } = await worker();
      await (await pushManager.getSubscription())?.unsubscribe(); // it may be of another key, or of another person
      const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(this.dataset.key) });
      await this.send(made.toJSON());
    } catch (error) {
      this.complain(error?.told || this.dataset.failed);
    } finally {
      this.button.disabled = false;
    }
  }

  async send(subscription) {
    const answer = await fetch(this.dataset.address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": this.querySelector("[name=csrfmiddlewaretoken]").value },
      body: JSON.stringify(subscription),
    });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.code), { told: told.message });
    location.assign(told.next);
  }

  complain(sentence) {
    this.alarm.textContent = sentence;
    this.alarm.hidden = false;
  }

  leave(form) {
    if (this.row?.contains(form)) this.subscription().then((held) => held?.unsubscribe());
  }
}

customElements.define("wb-push", Push);
