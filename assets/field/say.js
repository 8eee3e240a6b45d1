/* The phone's page: texts, formats and small tools. No framework, nothing from elsewhere; texts come from texts.js.
 *
 * field.t(key, values)   a text in field.locale; an unknown key shows itself
 * field.make("button.big", {type: "button"}, children)   an element; children are nodes or texts, never markup
 * field.now()            the city's now, ms: the server's, carried on by this phone's clock
 */
"use strict";

(function () {
  const field = (window.field = {});
  const settings = JSON.parse(document.querySelector('meta[name="hall-field"]').content);
  field.settings = settings;
  const asked = new URLSearchParams(location.search).get("lang");

  function stored(name) {
    try {
      return localStorage.getItem(name);
    } catch (_) {
      return null; // a browser that keeps nothing still shows the tasks
    }
  }
  field.stored = stored;
  field.store = function (name, value) {
    try {
      if (value === null || value === "") localStorage.removeItem(name);
      else localStorage.setItem(name, value);
    } catch (_) {
      /* the same: typed text is then lost on reload, and only then */
    }
  };

  const known = (locale) => Boolean(locale && window.FIELD_TEXTS[locale]);
  field.locale = [asked, stored("field-locale"), document.documentElement.lang].find(known) || "zh-CN";
  document.documentElement.lang = field.locale;

  field.knows = (key) => window.FIELD_TEXTS[field.locale][key] !== undefined;
  field.t = function (key, values) {
    const text = window.FIELD_TEXTS[field.locale][key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (values && values[name] !== undefined ? values[name] : values ? "" : whole));
  };
  field.otherLocale = () => settings.languages.find((locale) => locale !== field.locale && known(locale));
  field.setLocale = function (locale) {
    field.locale = locale;
    field.store("field-locale", locale);
    document.documentElement.lang = locale;
    document.title = field.t(document.getElementById("links") ? "field.links.title" : "field.title");
  };
  document.title = field.t(document.getElementById("links") ? "field.links.title" : "field.title");

  field.make = function (spec, attributes, children) {
    const [tag, ...classes] = spec.split(".");
    const node = document.createElement(tag || "div");
    if (classes.length) node.className = classes.join(" ");
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node[name] = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of [].concat(children ?? [])) if (child !== null && child !== undefined && child !== "") node.append(child);
    return node;
  };

  // -- time -------------------------------------------------------------------------------------------------------

  let ahead = Number(stored("field-ahead") || 0);
  /** The server said that the city's now is `city`. */
  field.heardTime = function (city) {
    if (!Number.isFinite(city)) return;
    ahead = city - Date.now();
    field.store("field-ahead", String(Math.round(ahead)));
  };
  field.now = () => Date.now() + ahead;

  const clock = (options) => new Intl.DateTimeFormat(field.locale, { timeZone: settings.timezone, hourCycle: "h23", ...options });
  field.time = (ms) => clock({ hour: "2-digit", minute: "2-digit" }).format(ms);
  field.day = (ms) => clock({ year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);
  field.moment = (ms) => clock({ month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).format(ms);

  field.span = function (ms) {
    const minutes = Math.floor(Math.abs(ms) / 60000);
    const [d, h, m] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
    if (d) return field.t("field.left.days", { d, h });
    return h ? field.t("field.left.hours", { h, m }) : field.t("field.left.minutes", { m });
  };

  field.metres = function (from, to) {
    const rad = Math.PI / 180;
    const x = (to.lon - from.lon) * rad * Math.cos(((from.lat + to.lat) / 2) * rad);
    return Math.hypot(x, (to.lat - from.lat) * rad) * 6371008;
  };
  field.distance = (metres) =>
    metres < 950 ? field.t("field.unit.m", { n: Math.round(metres / 10) * 10 }) : field.t("field.unit.km", { n: (metres / 1000).toFixed(1) });

  /** The reason of a refusal in the reader's language. */
  field.why = (reason, detail) => (field.knows(`field.refused.${reason}`) ? field.t(`field.refused.${reason}`) : detail || reason);
})();
