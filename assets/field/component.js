/* 一物一档 on the phone: the record of one component with its cases, and which classes and states the map shows.
 *
 * field.componentSheet(mark, {place(), changed()})   `place` the own position or null; `changed` when the components were imported anew
 * field.componentFilter(parts)   `parts` a FieldParts
 */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const citymap = window.hall.citymap;
  const KEPT = 20; // records that were opened, shown again where there is no network
  const SIGNS = { intact: "●", damaged: "▲", lost: "■", disused: "◇", removed: "◇" };
  const say = (key, values) => field.t(`field.component.${key}`, values);
  const records = new Map();

  function remember(subject, record) {
    records.delete(subject);
    records.set(subject, record);
    if (records.size > KEPT) records.delete(records.keys().next().value);
  }

  const swatch = (colour) => make("i.swatch", { style: `background:${colour || citymap.COMPONENT_OTHER}` });
  const stateOf = ({ state, state_label: said }) => `${SIGNS[state] || "?"} ${state ? field.t(`component.state.${state}`) : said || field.t("component.state-unknown")}`;
  const row = (name, value) => (value === "" || value === null || value === undefined ? [] : [make("dt", {}, say(`row.${name}`)), make("dd", {}, value)]);

  function facts(one) {
    return make("dl.facts", {}, [
      ...row("id", one.component_id), ...row("class", [one.class_name, one.subclass_name].filter(Boolean).join(" · ") || one.class_code),
      ...row("department", one.department), ...row("owner", one.owner), ...row("maintainer", one.maintainer),
      ...row("accuracy", one.accuracy_m == null ? say("accuracy-unknown") : say("accuracy", { n: one.accuracy_m })),
      ...row("district", one.district), ...row("cell", one.cell), ...row("address", one.address),
      ...row("place", `${one.lat.toFixed(6)}, ${one.lon.toFixed(6)}`),
      ...row("doubt", (one.marks || []).map((mark) => field.t(`component.mark.${mark}`)).join(field.t("field.comma"))),
    ]);
  }

  function caseRow(one) {
    const what = [one.class_name, one.subclass_name].filter(Boolean).join(" · ") || one.case_id;
    const how = one.names ? say("names-it") : say("near-it", { n: Math.round(one.distance_m || 0) });
    return make("li.history", { "data-open": String(one.open) }, [
      make("strong", {}, `${one.open ? `● ${say("open")}` : `○ ${say("ended")}`} · ${field.t(`case.${one.state || "reported"}`)}`), make("span", {}, what),
      make("span.number", {}, [field.day(one.reported), field.ago(field.now() - one.reported), one.case_id, how].join(" · ")),
    ]);
  }

  function history({ cases, place_metres: around }) {
    const open = cases.filter((one) => one.open);
    const rows = [...open, ...cases.filter((one) => !one.open)];
    return make("section.histories", {}, [
      make("h3", {}, rows.length ? say("cases", { n: rows.length, open: open.length }) : say("no-cases", { n: Math.round(around) })),
      rows.length ? make("ul", {}, rows.map(caseRow)) : "", rows.length ? make("p.number", {}, say("only-own")) : "",
    ]);
  }

  function whole({ record, at, old }, place) {
    const one = record.component;
    const told = one.updated || one.imported_at;
    const away = place ? field.way(place, one) : say("no-position");
    const own = place ? make("p.number", {}, say("own-accuracy", { n: Math.round(place.accuracy || 0), age: field.ago(place.age) })) : "";
    const href = `geo:${one.lat},${one.lon}?q=${one.lat},${one.lon}(${encodeURIComponent((one.name || one.subclass_name || one.component_id).slice(0, 80))})`;
    const ages = [told ? say(one.updated ? "updated" : "imported", { age: field.ago(Date.now() - told) }) : "", say("fetched", { age: field.ago(Date.now() - at) })];
    return [
      old ? make("p.doubt", { role: "status" }, say("old-record", { why: old })) : "",
      make("div.tags", {}, [make("span.state", { "data-component-state": one.state || "unknown" }, stateOf(one))]),
      make("p.place", { "data-away": String(Boolean(place)) }, away), own, history(record), facts(one), make("p.number", {}, ages.filter(Boolean).join(" · ")),
      make("a.small", { href, "data-do": "navigate" }, [field.icon("navigate"), make("span", {}, field.t("field.navigate"))]),
    ];
  }

  field.componentSheet = function (mark, { place, changed }) {
    const body = make("div.record", { "aria-live": "polite" });
    async function fetched() {
      body.dataset.state = "asking";
      body.replaceChildren(make("p", {}, `◌ ${say("record-asking")}`));
      try {
        const record = await field.askHall(`/api/v1/components/at/${mark.row}?version=${encodeURIComponent(mark.version)}`);
        remember(mark.subject, { record, at: Date.now() });
        mark.one.address = record.component.address; // the strip below the map says it, too
        body.dataset.state = "shown";
        body.replaceChildren(...whole(records.get(mark.subject), place()));
      } catch (fault) {
        if (!fault.reason) throw fault;
        const known = fault.reason.startsWith("no-") ? records.get(mark.subject) : null;
        const again = make("button.small", { type: "button", "data-do": "again", onclick: fetched }, say("again"));
        body.dataset.state = "fault";
        if (fault.reason === "components-changed") changed();
        if (known) body.replaceChildren(...whole({ ...known, old: field.whyNot(fault) }, place()), again);
        else body.replaceChildren(make("p.fault", { role: "alert" }, say("record-fault", { why: field.whyNot(fault) })), again);
      }
    }
    const title = make("span", {}, [swatch(mark.of.colour), ` ${mark.name}`]);
    field.sheets.open(title, [body], null, null, { stop: say("close") });
    void fetched();
  };

  // -- what is shown -----------------------------------------------------------------------------------------------------

  function choice(name, value, text, count, colour, chosen) {
    const input = make("input", { type: "checkbox", name, value, checked: chosen });
    return make("label.choice.check", {}, [input, colour ? swatch(colour) : "", make("span", {}, text), make("span.number", {}, count.toLocaleString(field.locale))]);
  }

  /** None chosen stands for all of them. */
  field.componentFilter = function (parts) {
    const { about, asked, kinds } = parts;
    const some = (name, list) => (list.length > 1 ? make("fieldset.photos", {}, [make("legend", {}, say(name)), ...list]) : "");
    const classes = [...kinds.values()].filter(({ code }) => code).sort((a, b) => b.count - a.count);
    const states = about.states.filter(({ name }) => name);
    const form = [
      make("p", {}, say("filter-hint")),
      some("classes", classes.map((kind) => choice("kind", kind.code, kind.sub || kind.main || kind.code, kind.count, kind.colour, asked.kind.includes(kind.code)))),
      some("states", states.map(({ name, count }) => choice("state", name, field.t(`component.state.${name}`), count, "", asked.state.includes(name)))),
    ];
    const boxes = () => [...document.querySelectorAll(".sheet input[type=checkbox]")];
    form.push(make("button.small", { type: "button", "data-do": "all-classes", onclick: () => boxes().forEach((box) => (box.checked = false)) }, say("all-classes")));
    const of = (name) => boxes().filter((box) => box.name === name && box.checked).map((box) => box.value);
    field.sheets.open(say("filter-title"), form, () => (parts.filter({ kind: of("kind"), state: of("state") }), true), null, { go: say("show") });
  };
})();
