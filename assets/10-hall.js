/* The global `hall`: page settings, catalogue of texts, server-corrected clock, formats. Loaded first.
 *
 * hall.page      settings from <meta name="hall-page">, completed by the wall's data-wall attribute
 * hall.t(key, values)      a text of the catalogue in hall.locale; an unknown key shows itself
 * hall.nameOf(data)        the name of what a document is about, in hall.locale where its source gives one
 * hall.label(texts)        the entry of a {language: text} map that fits hall.locale
 * hall.setLocale(locale)   switches every text in place
 * hall.clock.real()        ms since the epoch by the server's clock; hall.clock.city(): the city's now
 */
"use strict";

(function () {
  const hall = (window.hall = window.hall || {});
  hall.maps = hall.maps || {};

  function readJson(text, otherwise) {
    try {
      return JSON.parse(text);
    } catch (_) {
      return otherwise;
    }
  }

  const meta = document.querySelector('meta[name="hall-page"]');
  const query = new URLSearchParams(location.search);
  hall.query = query;
  hall.page = Object.assign(
    { gate_port: Number(location.port || 80) + 1, demo: false, locale: "zh-CN", build: "", timezone: "" },
    readJson(meta && meta.content, {}),
  );
  hall.locale = query.get("lang") || hall.page.locale || "zh-CN";

  // -- texts ----------------------------------------------------------------------------------------------------

  const catalogue = { "zh-CN": {}, en: {} };

  /** Adds texts: {locale: {key: text}}. Later keys win. */
  hall.addTexts = function (texts) {
    for (const locale of Object.keys(texts)) {
      catalogue[locale] = Object.assign(catalogue[locale] || {}, texts[locale]);
    }
  };

  const embedded = document.getElementById("hall-catalogue");
  if (embedded) hall.addTexts(readJson(embedded.textContent, {}));

  hall.t = function (key, values) {
    const own = catalogue[hall.locale] || {};
    const text = own[key] ?? catalogue["zh-CN"][key] ?? catalogue.en[key] ?? key;
    return values ? text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole) : text;
  };

  /** Whether the catalogue has `key` in any language: for words that suppliers send. */
  hall.knows = (key) => [hall.locale, "zh-CN", "en"].some((locale) => (catalogue[locale] || {})[key] !== undefined);

  /** A supplier's or our code in the reader's language: `prefix.value` when the catalogue has it, else the value. */
  hall.word = (prefix, value) => (hall.knows(`${prefix}.${value}`) ? hall.t(`${prefix}.${value}`) : String(value ?? ""));

  /** What a document's thing is called in the reader's language: `extra.name_en` and the like where its source has it, else `name`. */
  hall.nameOf = (data) => ((data || {}).extra || {})[`name_${hall.locale.split("-")[0]}`] || (data || {}).name || "";
  hall.label = function (texts) {
    if (!texts) return "";
    if (typeof texts === "string") return texts;
    const short = hall.locale.split("-")[0];
    const key = Object.keys(texts).find((k) => k === hall.locale) ??
      Object.keys(texts).find((k) => k.split("-")[0] === short) ?? Object.keys(texts)[0];
    return key === undefined ? "" : texts[key];
  };

  const localeListeners = new Set();
  hall.onLocale = (call) => (localeListeners.add(call), () => localeListeners.delete(call));

  /** Fills every [data-t] below `root`; data-t-values may hold JSON values. */
  hall.translate = function (root) {
    const fill = (node) => {
      const text = hall.t(node.dataset.t, node.dataset.tValues ? readJson(node.dataset.tValues, {}) : undefined);
      if (node.textContent !== text) node.textContent = text;
    };
    if (root.dataset && root.dataset.t) fill(root);
    root.querySelectorAll("[data-t]").forEach(fill);
  };

  hall.setLocale = function (locale) {
    hall.locale = locale;
    document.documentElement.lang = locale;
    hall.translate(document.body);
    for (const call of localeListeners) call(locale);
  };
  document.documentElement.lang = hall.locale;

  // -- clock ----------------------------------------------------------------------------------------------------

  const clock = (hall.clock = { offset: 0, state: null, rate: 1 });
  const DRIFT_MS = 100;
  const DOUBT_MS = 1000;
  let bestRound = Infinity;
  let bestAt = 0;

  /** Takes a pong: the sample with the shortest round trip of the last minute sets the offset. */
  clock.sample = function (sentPerf, now) {
    const here = performance.now();
    const round = here - sentPerf;
    const found = now + round / 2 - Date.now();
    // each sample is right within half its round trip: two that cannot both be right mean that a clock was set
    const jumped = Math.abs(found - clock.offset) > (round + bestRound) / 2 + DRIFT_MS;
    if (round <= bestRound || jumped || here - bestAt > 60000) {
      bestRound = round;
      bestAt = here;
      clock.offset = found;
    }
  };
  /** A first guess from a message that carries the server's time. */
  clock.hint = function (now) {
    if (bestRound === Infinity) clock.offset = now - Date.now();
  };
  /** Whether a message that says `now` speaks of another clock than we know: a sample is needed. */
  clock.doubts = (now) => bestRound !== Infinity && Math.abs(now - Date.now() - clock.offset) > DOUBT_MS;
  clock.real = () => Date.now() + clock.offset;
  clock.city = function () {
    const s = clock.state;
    if (!s) return clock.real();
    const city = s.anchor_city + (clock.real() - s.anchor_real) * s.rate;
    return s.stop_city == null ? city : Math.min(city, s.stop_city);
  };
  clock.stopped = () => !!clock.state && (clock.state.rate === 0 || (clock.state.stop_city != null && clock.city() >= clock.state.stop_city));
  clock.replay = () => !!clock.state && (clock.state.rate !== 1 || clock.state.anchor_real !== clock.state.anchor_city);

  // -- formats --------------------------------------------------------------------------------------------------

  const formats = new Map();
  function dateFormat(name, options) {
    const key = `${hall.locale}|${hall.page.timezone}|${name}`;
    if (!formats.has(key)) {
      if (formats.size > 60) formats.clear();
      const zone = hall.page.timezone ? { timeZone: hall.page.timezone } : {};
      formats.set(key, new Intl.DateTimeFormat(hall.locale, { ...zone, ...options }));
    }
    return formats.get(key);
  }

  const numbers = new Map(); // making a format costs a hundred times what using it does
  function numberFormat(digits) {
    const key = `${hall.locale}|${digits}`;
    if (!numbers.has(key)) {
      numbers.set(key, new Intl.NumberFormat(hall.locale, { maximumFractionDigits: digits, minimumFractionDigits: digits }));
    }
    return numbers.get(key);
  }

  const two = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  hall.format = {
    /** 14:03 in the city's time zone. */
    time: (ms) => (ms == null ? "–" : dateFormat("time", two).format(ms)),
    seconds: (ms) => (ms == null ? "–" : dateFormat("seconds", { ...two, second: "2-digit" }).format(ms)),
    date: (ms) => (ms == null ? "–" : dateFormat("date", { year: "numeric", month: "long", day: "numeric", weekday: "short" }).format(ms)),
    day: (ms) => (ms == null ? "–" : dateFormat("day", { month: "numeric", day: "numeric" }).format(ms)),
    number(value, digits) {
      if (value == null || !Number.isFinite(Number(value))) return "–";
      return numberFormat(digits ?? 0).format(Number(value));
    },
    /** "3 s", "12 min", "5 h", "3 d": how long, in the reader's language. */
    duration(ms) {
      const seconds = Math.max(0, Math.round(ms / 1000));
      if (seconds < 100) return hall.t("age.seconds", { n: seconds });
      if (seconds < 100 * 60) return hall.t("age.minutes", { n: Math.round(seconds / 60) });
      if (seconds < 48 * 3600) return hall.t("age.hours", { n: Math.round(seconds / 3600) });
      return hall.t("age.days", { n: Math.round(seconds / 86400) });
    },
    age: (ms) => (ms == null ? "–" : hall.format.duration(hall.clock.city() - ms)),
  };

  // -- small DOM tools, used by every painter ---------------------------------------------------------------------

  /** make("div.card.is-new", {title: "x"}, "text" | node | [nodes]) */
  hall.make = function (spec, attributes, children) {
    const [tag, ...classes] = spec.split(".");
    const node = document.createElement(tag || "div");
    if (classes.length) node.className = classes.join(" ");
    for (const [name, value] of Object.entries(attributes || {})) if (value != null) node.setAttribute(name, value);
    for (const child of [].concat(children ?? [])) node.append(child);
    return node;
  };
  /** Sets a text only when it differs: an unchanged text costs no layout. */
  hall.setText = function (node, text) {
    const value = String(text);
    if (node.textContent !== value) node.textContent = value;
  };
  /** The present value of --glyph (height of a legible glyph) at `element`, in px. */
  hall.glyph = (element) => parseFloat(getComputedStyle(element || document.body).getPropertyValue("--glyph")) || 16;
})();
