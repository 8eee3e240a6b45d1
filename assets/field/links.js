/* The desk's page: makes a link or QR code for a crew, shows those in force, takes them back. */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const root = document.getElementById("links");
  const HOURS = [4, 8, 12, 24, 72, 168];
  const state = { crews: [], links: [], made: null, said: "", failed: false, hours: 12, crew: "", caseName: new URLSearchParams(location.search).get("case") || "" };
  state.crew = new URLSearchParams(location.search).get("crew") || "";

  async function ask(path, options) {
    const { method = "GET", body } = options || {};
    const headers = { accept: "application/json", "content-type": "application/json", "x-hall-csrf": field.settings.csrf };
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(12000) });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(field.why(said.reason, said.detail));
    return said;
  }

  async function attempt(work) {
    try {
      Object.assign(state, { said: (await work()) || "", failed: false });
    } catch (error) {
      Object.assign(state, { said: field.t("field.links.failed", { why: error.message }), failed: true });
    }
    paint();
  }

  const names = (crew) => (crew.label && crew.label[field.locale]) || crew.name || crew.crew_id;
  const load = () => attempt(async () => {
    const [crews, links] = await Promise.all([ask("/api/v1/field/links/crews"), ask("/api/v1/field/links")]);
    Object.assign(state, { crews: crews.crews, links: links.links });
    if (!state.crews.some((crew) => crew.crew_id === state.crew)) state.crew = state.crews[0] ? state.crews[0].crew_id : "";
  });

  const create = () => attempt(async () => {
    const body = { crew: state.crew, hours: state.hours, case: state.caseName.trim() };
    state.made = await ask("/api/v1/field/links", { method: "POST", body });
    state.links = (await ask("/api/v1/field/links")).links;
  });

  const revoke = (link) => attempt(async () => {
    await ask(`/api/v1/field/links/${link.link_id}`, { method: "DELETE" });
    if (state.made && state.made.link_id === link.link_id) state.made = null;
    state.links = (await ask("/api/v1/field/links")).links;
    return field.t("field.links.revoked");
  });

  function form() {
    const crew = make("select", { id: "crew", onchange: (event) => (state.crew = event.target.value) },
      state.crews.map((each) => make("option", { value: each.crew_id, selected: each.crew_id === state.crew }, `${names(each)} · ${each.unit || "–"}`)));
    const hours = make("select", { id: "hours", onchange: (event) => (state.hours = Number(event.target.value)) },
      HOURS.map((count) => make("option", { value: String(count), selected: count === state.hours }, field.t("field.links.hours-n", { count }))));
    const only = make("input", { id: "case", type: "text", placeholder: "file/…", value: state.caseName, oninput: (event) => (state.caseName = event.target.value) });
    const made = make("form.panel", { novalidate: true, onsubmit: (event) => (event.preventDefault(), void create()) }, [
      make("p", {}, field.t("field.links.hint")),
      make("label.field", { for: "crew" }, [field.t("field.links.crew"), crew]),
      make("label.field", { for: "hours" }, [field.t("field.links.hours"), hours]),
      make("label.field", { for: "case" }, [field.t("field.links.case"), only]),
      make("button.primary", { type: "submit", disabled: !state.crew }, field.t("field.links.make")),
    ]);
    return state.crews.length ? made : make("p.panel", {}, field.t("field.links.no-crew"));
  }

  function fresh() {
    if (!state.made) return "";
    const picture = make("img.qr", { src: `data:image/svg+xml;utf8,${encodeURIComponent(state.made.qr)}`, alt: "QR" });
    const address = make("input", { type: "text", readonly: true, value: state.made.url, "aria-label": field.t("field.enter.paste") });
    const copy = make("button.plain", { type: "button" }, field.t("field.links.copy"));
    copy.onclick = async () => {
      address.select();
      await navigator.clipboard.writeText(state.made.url).catch(() => document.execCommand("copy"));
      copy.textContent = field.t("field.links.copied");
    };
    const crew = state.crews.find((each) => each.crew_id === state.made.crew);
    return make("section.panel.fresh", { "aria-live": "polite" }, [
      make("h2", {}, crew ? names(crew) : state.made.crew), picture, address,
      make("p", {}, field.t("field.links.until", { time: field.moment(state.made.expires) })),
      make("div.row-buttons", {}, [copy, make("button.plain", { type: "button", onclick: () => window.print() }, field.t("field.links.print"))]),
    ]);
  }

  function row(link) {
    const crew = state.crews.find((each) => each.crew_id === link.crew);
    const used = link.uses ? field.t("field.links.used", { count: link.uses }) : field.t("field.links.never-used");
    const facts = [field.t("field.links.until", { time: field.moment(link.expires) }), field.t("field.links.by", { who: link.made_by }), used, link.case];
    return make("li", { "data-link": link.link_id }, [
      make("strong", {}, crew ? names(crew) : link.crew), make("span", {}, facts.filter(Boolean).join(" · ")),
      make("button.plain", { type: "button", onclick: () => revoke(link) }, field.t("field.links.revoke")),
    ]);
  }

  function paint() {
    const other = field.otherLocale();
    root.replaceChildren(
      make("header.bar", {}, [
        make("strong.bar-name", {}, field.t("field.links.title")),
        make("a.plain", { href: `/desk?lang=${field.locale}` }, field.t("field.links.desk")),
        other ? make("button.plain", { type: "button", lang: other, onclick: () => (field.setLocale(other), paint()) }, field.t(`language.${other}`)) : "",
      ]),
      make("div.links", {}, [
        form(), fresh(), make("p", { role: state.failed ? "alert" : "status", class: state.failed ? "fault" : "said" }, state.said),
        make("section.panel", {}, [make("h2", {}, field.t("field.links.present")), state.links.length ? make("ul.list", {}, state.links.map(row)) : make("p", {}, field.t("field.links.none"))]),
      ]),
    );
  }

  void load();
})();
