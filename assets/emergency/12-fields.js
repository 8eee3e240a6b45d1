/* One control for each kind of field of dispatch/tabled.py; the names in it are offers, never bounds.
 *
 * hall.emergency.fields.make(field, {topic, view, given}) -> {node, get(), set(value), focus(), ready?}; get() gives undefined for "not said"
 *     `field` as the server offers it: {name, kind, must, low, high, longest, unit, choices, topic, offer}
 * hall.emergency.offers   offer -> (context) => [{value, label}] or a promise of them; a tab adds its own
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const desk = hall.desk;
  const emergency = hall.emergency;
  const TICKED = 40; // so many offers are ticked, more are written
  const ROLES = ["operator", "dispatcher", "supervisor", "leader", "department", "inspector"];
  const OFFER_DISTRICTS = ["sensor", "alarm", "closure", "depot", "crew", "case"];
  let serial = 0;

  const docs = (topic) => [...hall.store.docs(topic)].filter(([, event]) => event.data);
  const distinct = (values) => [...new Set(values.filter(Boolean))].sort().map((value) => ({ value }));
  const named = (topic) => docs(topic).map(([subject, event]) => ({ value: subject, label: emergency.nameOf(subject, event.data) }));

  emergency.offers = {
    units: () => desk.fields.units(),
    crews: () => docs("crew").map(([, { data }]) => ({ value: data.crew_id, label: [hall.label(data.label) || data.name, data.state && hall.word("crew.state", data.state)].filter(Boolean).join(" · ") })),
    depots: () => docs("depot").map(([, { data }]) => ({ value: data.depot_id, label: data.name })),
    items: () => [...new Set(docs("depot").flatMap(([, { data }]) => Object.keys(data.stock || {})))].sort().map((value) => ({ value, label: hall.knows(`emergency.item.${value}`) ? hall.t(`emergency.item.${value}`) : "" })),
    roles: () => ROLES.map((value) => ({ value, label: hall.t(`desk.role.${value}`) })),
    districts: () => distinct(OFFER_DISTRICTS.flatMap((topic) => docs(topic).map(([, { data }]) => data.district))),
    persons: () => distinct(docs("screen").map(([, { data }]) => data.role !== "wall" && data.who)),
    channels: () => docs("channel").map(([subject, { data }]) => ({ value: subject, label: data.name })),
  };
  const offersOf = (field, context) => {
    const known = emergency.offers[field.offer];
    if (known) return Promise.resolve(known(context)).catch(() => []);
    return field.topic ? Promise.resolve(named(field.topic)) : null;
  };

  const plain = (control, more) => ({ node: control, get: () => control.value.trim() || undefined, set: (value) => (control.value = value ?? ""), focus: () => control.focus(), ...more });
  const longest = (field) => String(field.longest || 500);
  const area = (field) => plain(make("textarea.desk-input", { rows: (field.longest || 500) > 500 ? "5" : "2", maxlength: longest(field) }));

  function line(field, context) {
    const offers = offersOf(field, context);
    if (offers) return desk.fields.offered(() => offers, { maxlength: longest(field) });
    return plain(make("input.desk-input", { type: "text", maxlength: longest(field), autocomplete: "off" }));
  }

  function number(field) {
    const bounds = [["min", field.low], ["max", field.high]].filter(([, value]) => value != null && Math.abs(value) < 1e11);
    const input = make("input.desk-input.is-short", { type: "number", step: field.kind === "whole" ? "1" : "any", ...Object.fromEntries(bounds) });
    const unit = make("span", {}, emergency.unitText(field.unit));
    return { node: make("span.field-number", {}, [input, unit]), get: () => (input.value === "" ? undefined : Number(input.value)), set: (value) => (input.value = value ?? ""), focus: () => input.focus() };
  }

  function choice(field, context) {
    const options = [...(field.must ? [] : [""]), ...(field.choices || [])];
    const words = (value) => (value ? emergency.choiceText(context.topic, field.name, value) : "–");
    if (options.length > 5) return plain(make("select.desk-select", {}, (field.must ? ["", ...options] : options).map((value) => make("option", { value }, words(value)))));
    const name = `emergency-choice-${(serial += 1)}`;
    const inputs = options.map((value) => make("input", { type: "radio", name, value }));
    return {
      node: make("span.field-radios", { role: "radiogroup" }, inputs.map((input) => make("label.field-radio", {}, [input, words(input.value)]))),
      get: () => (inputs.find((input) => input.checked) || {}).value || undefined,
      set: (value) => inputs.forEach((input) => (input.checked = input.value === (value ?? ""))),
      focus: () => inputs[0] && inputs[0].focus(),
    };
  }

  /** Yes and no are two buttons: neither is chosen for the person. */
  function yes() {
    const name = `emergency-yes-${(serial += 1)}`;
    const inputs = [true, false].map((value) => make("input", { type: "radio", name, value: String(value) }));
    return {
      node: make("span.field-radios", { role: "radiogroup" }, inputs.map((input, index) => make("label.field-radio", {}, [input, said("span", index ? "desk.no" : "desk.yes")]))),
      get: () => { const on = inputs.find((input) => input.checked); return on ? on.value === "true" : undefined; },
      set: (value) => inputs.forEach((input) => (input.checked = value != null && input.value === String(value))),
      focus: () => inputs[0].focus(),
    };
  }

  const MINUTE = 60000;
  /** A moment by the city's wall clock, to the minute, with the distances that emergencies are counted in. */
  function moment() {
    const input = make("input.desk-input", { type: "datetime-local" });
    const wall = (ms) => new Date(ms).toLocaleString("sv-SE", { timeZone: hall.page.timezone || undefined }).replace(" ", "T").slice(0, 16);
    function toMs(text) {
      let guess = Date.parse(`${text}Z`);
      for (let turn = 0; turn < 3; turn += 1) guess += Date.parse(`${text}Z`) - Date.parse(`${wall(guess)}Z`);
      return guess;
    }
    const quick = [0, 15, 60, 180].map((minutes) => {
      const button = make("button.desk-chip", { type: "button" }, minutes ? `+${hall.format.duration(minutes * MINUTE)}` : hall.t("emergency.now"));
      button.onclick = () => { input.value = wall(hall.clock.city() + minutes * MINUTE); input.dispatchEvent(new Event("input", { bubbles: true })); };
      return button;
    });
    return { node: make("span.field-moment", {}, [input, ...quick]), get: () => (input.value ? toMs(input.value) : undefined), set: (ms) => (input.value = ms ? wall(ms) : ""), focus: () => input.focus() };
  }

  /** One thing by its name; what is not offered is written as its subject. */
  function subject(field, context) {
    const found = new Map(named(field.topic).map(({ value, label }) => [`${label} · ${value.slice(field.topic.length + 1)}`, value]));
    const made = desk.fields.offered(() => [...found].map(([text]) => ({ value: text })), {});
    const read = (text) => (text ? found.get(text) || (text.startsWith(`${field.topic}/`) ? text : `${field.topic}/${text}`) : undefined);
    const write = (value) => [...found].find(([, one]) => one === value)?.[0] || value || "";
    return { ...made, get: () => read(made.get()), set: (value) => made.set(write(value)) };
  }

  /** Several of a list: ticked where the list is short, one on each line where it is not. */
  function several(field, context) {
    const box = make("div.emergency-several");
    const text = make("textarea.desk-input", { rows: "3", placeholder: hall.t("emergency.one-each-line") });
    let boxes = null, wish = null;
    const written = () => text.value.split(/\n/).map((one) => one.trim()).filter(Boolean);
    const chosen = () => (boxes ? [...boxes.filter((one) => one.checked).map((one) => one.value), ...written()] : written());
    function set(value) {
      wish = value || [];
      const known = new Set((boxes || []).map((one) => one.value));
      (boxes || []).forEach((one) => (one.checked = wish.includes(one.value)));
      text.value = wish.filter((one) => !known.has(one)).join("\n");
      if (boxes) text.hidden = !text.value && field.kind === "subjects";
    }
    hall.fill(box, text);
    const ready = Promise.resolve(offersOf(field, context)).then((offers) => {
      if (!offers || !offers.length || offers.length > TICKED) return;
      boxes = offers.map(({ value }) => make("input", { type: "checkbox", value }));
      const ticks = boxes.map((input, index) => make("label.field-radio", {}, [input, offers[index].label && offers[index].label !== offers[index].value ? `${offers[index].label}` : offers[index].value]));
      hall.fill(box, [make("div.emergency-ticks", {}, ticks), text]);
      set(wish || []);
    });
    return { node: box, ready, get: () => { const all = [...new Set(chosen())]; return all.length ? all : undefined; }, set, focus: () => (boxes && boxes[0] ? boxes[0] : text).focus() };
  }

  /** `{lon, lat}`: written, or that of something the hall knows by name. */
  function place(field, context) {
    const known = new Map(["closure", "depot", "alarm", "sensor"].flatMap((topic) => docs(topic).filter(([, { data }]) => data.lon != null).map(([name, { data }]) => [emergency.nameOf(name, data), data])));
    const made = desk.fields.offered(() => [...known.keys()].map((value) => ({ value })), { placeholder: hall.t("emergency.place-hint") });
    const read = (text) => {
      if (!text) return undefined;
      if (known.has(text)) return { lon: known.get(text).lon, lat: known.get(text).lat };
      const [lon, lat] = text.split(/[,，\s]+/).map(Number);
      return Number.isFinite(lon) && Number.isFinite(lat) ? { lon, lat } : text; // the hall says what is wrong with it
    };
    const state = (context.view || {}).state || {};
    if (state.lon != null) made.set(`${state.lon}, ${state.lat}`);
    return { ...made, get: () => read(made.get()), set: (value) => made.set(value && value.lon != null ? `${value.lon}, ${value.lat}` : value || "") };
  }

  /** `{what: how much}`: rows of a name and a number. */
  function amounts(field, context) {
    const box = make("div.field-group");
    const more = said("button.desk-chip", "emergency.amount-add", null, { type: "button" });
    function add(name, value) {
      const what = desk.fields.offered(() => offersOf(field, context) || [], { "aria-label": hall.t("emergency.amount-what") });
      const many = make("input.desk-input.is-short", { type: "number", step: "any", min: field.low ?? null, "aria-label": hall.t("emergency.amount-many") });
      what.set(name || "");
      many.value = value ?? "";
      const row = make("div.emergency-amount", {}, [what.node, many, make("span", {}, emergency.unitText(field.unit))]);
      row.read = () => [what.get(), many.value === "" ? undefined : Number(many.value)];
      box.insertBefore(row, more);
      return what;
    }
    more.onclick = () => add().focus();
    box.append(more);
    add();
    const rows = () => [...box.querySelectorAll(".emergency-amount")];
    return {
      node: box,
      get: () => { const found = rows().map((row) => row.read()).filter(([name, value]) => name && value !== undefined); return found.length ? Object.fromEntries(found) : undefined; },
      set: (value) => { rows().forEach((row) => row.remove()); Object.entries(value || {}).forEach(([name, many]) => add(name, many)); if (!rows().length) add(); },
      focus: () => box.querySelector("input").focus(),
    };
  }

  /** The hall's own data: handed on as it was given, written by hand only where nothing else can. */
  function record(field, context) {
    const box = make("textarea.desk-input", { rows: "3", spellcheck: "false" });
    const read = () => { try { return JSON.parse(box.value); } catch (_) { return box.value; } };
    return { ...plain(box), get: () => (box.value.trim() ? read() : undefined), set: (value) => (box.value = value == null ? "" : typeof value === "string" ? value : JSON.stringify(value)), hidden: !field.must };
  }

  const MAKERS = { text: area, line, number, whole: number, choice, yes, moment, subject, subjects: several, texts: several, place, amounts, record };
  emergency.fields = { makers: MAKERS, make: (field, context) => (MAKERS[field.kind] || line)(field, context) };
})();
