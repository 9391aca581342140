// Numbers, money and times as people here write them: vi 1.234,5 kWh · 12.345 ₫, en 1,234.5 kWh · ₫12,345, minus −.

const MINUS = "−";
const MARKS = { vi: { group: ".", decimal: "," }, en: { group: ",", decimal: "." } };

/** Rounds half away from zero, as invoices do. */
const rounded = (value, unit) => Math.sign(value) * Math.floor((2 * Math.abs(value) + unit) / (2 * unit));

export class Format {
  constructor(language, timeZone) {
    this.language = language === "vi" ? "vi" : "en";
    this.marks = MARKS[this.language];
    const locale = this.language === "vi" ? "vi-VN" : "en-GB";
    const clock = { timeZone, hourCycle: "h23", hour: "2-digit", minute: "2-digit" };
    this.clock = new Intl.DateTimeFormat(locale, clock);
    this.seconds = new Intl.DateTimeFormat(locale, { ...clock, second: "2-digit" });
    this.day = new Intl.DateTimeFormat(locale, { timeZone, weekday: "short", day: "numeric", month: "short" });
    this.isoDay = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  }

  /** A whole number of units of 10^-decimals. */
  grouped(value, decimals = 0) {
    const digits = String(Math.abs(value)).padStart(decimals + 1, "0");
    const whole = decimals ? digits.slice(0, -decimals) : digits;
    const text = whole.replace(/\B(?=(\d{3})+$)/g, this.marks.group);
    return (value < 0 ? MINUS : "") + text + (decimals ? this.marks.decimal + digits.slice(-decimals) : "");
  }

  /** kWh without the unit: one decimal below 100, none from there on. */
  kwh(wh) {
    const tenths = rounded(wh, 100);
    return Math.abs(tenths) < 1000 ? this.grouped(tenths, 1) : this.grouped(rounded(wh, 1000));
  }

  energy(wh) {
    return `${this.kwh(wh)} kWh`;
  }

  money(dong) {
    if (this.language === "vi") return `${this.grouped(dong)} ₫`;
    return `${dong < 0 ? MINUS : ""}₫${this.grouped(Math.abs(dong))}`;
  }

  /** Money of the ledger, which counts in thousandths of a đồng. */
  millidong(value) {
    return this.money(rounded(value, 1000));
  }

  price(price) {
    return `${this.money(price)}/kWh`;
  }

  /** kWh as one types it: 12,500 Wh → `12.5`, in Vietnamese `12,5`. */
  typed(wh) {
    return String(wh / 1000).replace(".", this.marks.decimal);
  }

  /** Wh of a typed quantity, a whole price of a typed one; NaN where it is none. Only steps and hints rest on these:
   * what is sent is read by the server. */
  readWh(text) {
    return Math.round(1000 * Number(text.replaceAll(this.marks.group, "").replace(this.marks.decimal, ".")));
  }

  readPrice(text) {
    return Number(text.replaceAll(this.marks.group, "").replace(MINUS, "-").trim());
  }

  /** A typed number so much up or down; what is no number begins at 0. */
  stepPrice(text, by) {
    return this.grouped((this.readPrice(text) || 0) + by);
  }

  stepKwh(text, by, least) {
    return this.typed(Math.max(least, (this.readWh(text) || 0) + by));
  }
}

/** Fills the words in braces of a sentence. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
