/* Tab 规则试算: changed alarm rules on a history, before anybody switches them on. Only for those who may.
 *
 * Nothing is switched on here: the text is given back as a file, which becomes the city's own by its configuration.
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const URL_ = "/api/v1/rule-trials";
  const LOOK_MS = 1000;
  const HOURS = [6, 24, 72, 168, 336];
  const UPLOAD_MS = 300000;
  const n = (value) => hall.format.number(value || 0);
  const running = (trial) => trial && trial.state === "running";

  /** The place of a mistake in the text: its line is chosen, so that the reader's eye and the next key are there. */
  function chooseLine(area, line) {
    const lines = area.value.split("\n");
    const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1] || "").length);
    area.scrollTop = Math.max(0, (line - 4) * (area.scrollHeight / Math.max(1, lines.length)));
  }

  function failure(error) {
    const known = `trial.problem.${error.problem}`;
    const text = hall.knows(known) ? hall.t(known) : error.problem;
    const where = error.line && !error.file ? hall.t("trial.line", { line: error.line, key: error.key || "" }) : [error.file, error.key].filter(Boolean).join(" · ");
    return [where, text].filter(Boolean).join("：");
  }

  // -- what came of it --------------------------------------------------------------------------------------------------------

  function headline(found) {
    const words = { before: n(found.before.alarms), after: n(found.after.alarms), floods: n(found.floods), missed: n(found.floods - (found.after.found || 0)) };
    return hall.t(found.floods ? "trial.head" : "trial.head-no-floods", words);
  }

  function sides(found) {
    const share = (side) => `${hall.format.number(100 * (side.flooded_share || 0), 1)} %`;
    const rows = [
      ["trial.alarms", (side) => n(side.alarms)], ["trial.hidden", (side) => n(side.hidden)], ["trial.sites", (side) => n(side.sites)],
      ["trial.peak", (side) => n(side.peak)], ["trial.flooded", share],
      ...(found.floods ? [["trial.found", (side) => n(side.found)], ["trial.missed", (side) => n(found.floods - (side.found || 0))]] : []),
    ];
    const body = rows.map(([key, say]) => make("tr", {}, [said("th", key, null, { scope: "row" }), make("td.num", {}, say(found.before)), make("td.num", {}, say(found.after))]));
    const rules = (found.rules || []).filter((row) => row.before || row.after).map((row) => make("tr", { "data-changed": row.before === row.after ? "" : "1" }, [make("th", { scope: "row" }, row.rule), make("td.num", {}, n(row.before)), make("td.num", {}, n(row.after))]));
    const head = make("thead", {}, make("tr", {}, ["", "trial.before", "trial.after"].map((key) => (key ? said("th", key, null, { scope: "col" }) : make("th")))));
    return make("table.console-table.trial-table", {}, [head, make("tbody", {}, [...body, ...(rules.length ? [make("tr", {}, said("th", "trial.by-rule", null, { colspan: "3", scope: "rowgroup" }))] : []), ...rules])]);
  }

  const place = (site) => (hall.store.get(`alarm/${site}`) ? E.link(`alarm/${site}`, site) : site);
  const flood = (row) => [hall.format.day(row.start), " ", hall.format.seconds(row.start), " – ", hall.format.seconds(row.end), " · ", make("b", {}, row.name || ""), " ", place(row.site)];
  const alarm = (row) => [hall.format.day(row.at), " ", hall.format.seconds(row.at), " · ", row.label || row.site, " · ", hall.severity.word(row.severity || 0), " · ", row.rule];

  /** One list of differences; what the answer leaves out is counted. */
  function differences(found, name, rows, say) {
    const all = (found.counts || {})[name] ?? rows.length;
    if (!all) return [];
    const rest = all > rows.length ? [make("li.faint", {}, hall.t("rows.more", { n: all - rows.length }))] : [];
    return [make("h3.tab-title", { "data-list": name }, hall.t(`trial.list.${name}`, { n: n(all) })), make("ol.trial-list", {}, [...rows.map((row) => make("li", {}, say(row))), ...rest])];
  }

  function result(trial) {
    const { found } = trial;
    const missed = found.after.missed || [];
    const refused = (trial.refused || []).map(([feed, reason, count]) => make("li", {}, `${feed}: ${n(count)} × ${hall.word("desk.reason", reason)}`));
    return [
      make("p.trial-head", { role: "status" }, headline(found)),
      make("p.faint", {}, hall.t("trial.span", { since: E.moment(found.since), until: E.moment(found.until), n: n(found.inputs) })),
      sides(found),
      ...differences(found, "newly_missed", found.newly_missed || [], flood),
      ...(missed.length ? differences({ counts: { missed: found.floods - (found.after.found || 0) } }, "missed", missed, flood) : []),
      ...differences(found, "newly_found", found.newly_found || [], flood),
      ...differences(found, "gone", found.gone || [], alarm),
      ...differences(found, "anew", found.anew || [], alarm),
      ...(refused.length ? [said("h3.tab-title", "trial.refused"), make("ul.trial-list", {}, refused)] : []),
    ];
  }

  // -- the tab ----------------------------------------------------------------------------------------------------------------

  function mount(node) {
    const area = make("textarea.desk-input.trial-rules", { rows: "18", spellcheck: "false", maxlength: "256000", "aria-label": hall.t("trial.rules") });
    const span = make("select.desk-input", { "aria-label": hall.t("trial.span-label") });
    const source = make("select.desk-input", { "aria-label": hall.t("trial.source") });
    const upload = make("input", { type: "file", hidden: "" });
    const pick = make("button.desk-button", { type: "button" });
    const picked = make("span.faint");
    const open = make("input", { type: "file", accept: ".toml,text/plain", hidden: "" });
    const go = make("button.desk-button.is-primary", { type: "button" });
    const stop = make("button.desk-button", { type: "button" });
    const save = make("button.desk-button", { type: "button" });
    const load = make("button.desk-button", { type: "button" });
    const again = make("button.desk-button", { type: "button" });
    const status = make("p.form-status", { role: "status", "aria-live": "polite" });
    const bar = make("progress.trial-bar", { max: "1", hidden: "" });
    const kept = make("p.faint"), how = make("p.faint"), what = make("p.trial-what"), runs = make("ol.trial-list"), out = make("div.trial-out", { tabindex: "0" });
    const label = (key, field) => make("label.field", {}, [said("span.field-name", key), field]);
    const fileRow = make("div.field", {}, [said("span.field-name", "trial.history-file"), make("div.trial-tools", {}, [pick, picked, upload])]);
    const left = make("div.load-left", {}, [what, label("trial.rules", area), make("div.trial-tools", {}, [load, again, save, open]), label("trial.source", source), fileRow, label("trial.span-label", span), kept, make("div.trial-tools", {}, [go, stop]), bar, status, how]);
    const right = make("div.load-right", {}, [out, said("h3.tab-title", "trial.recent"), runs]);
    hall.fill(node, make("div.load-page.trial-page", {}, [left, right]));
    let known = { trials: [], feeds: [] }, open_ = null, timer = null, shown = false, base = "", painted = "", looks = 0;

    function tell(text, failed) {
      status.dataset.failed = failed ? "1" : "";
      hall.setText(status, text);
    }
    function words() {
      hall.setText(what, hall.t("trial.what"));
      hall.setText(how, hall.t("trial.how"));
      for (const [button, key] of [[go, "trial.go"], [stop, "trial.stop"], [save, "trial.save"], [load, "trial.load"], [again, "trial.in-force"], [pick, "trial.pick"]]) hall.setText(button, hall.t(key));
      const chosen = [source.value, span.value];
      hall.fill(source, [make("option", { value: "" }, hall.t("trial.from-hall")), ...known.feeds.map((feed) => make("option", { value: feed.name }, hall.t("trial.from-file", { feed: hall.label(feed.label) || feed.name })))]);
      hall.fill(span, [...HOURS.map((hours) => make("option", { value: String(hours) }, hall.t("trial.last", { time: hall.format.duration(hours * 3600000) }))), make("option", { value: "" }, hall.t("trial.all"))]);
      source.value = chosen[0];
      span.value = chosen[1] || (painted ? "" : "24");
      fileRow.hidden = !source.value;
      const held = known.kept;
      hall.setText(kept, held ? hall.t("trial.kept", { since: E.moment(held.since), until: E.moment(held.until), n: n(held.count), mb: hall.format.number(held.bytes / 1048576, 1) }) : hall.t("trial.kept-none"));
    }
    function paint() {
      const now = running(open_) ? open_ : null;
      go.disabled = !!now || !area.value.trim();
      stop.disabled = !now;
      bar.hidden = !now;
      if (now && now.total) bar.value = Math.min(1, now.count / now.total);
      else bar.removeAttribute("value");
      if (now) tell(hall.t("trial.running", { n: n(now.count), who: now.person }));
      const key = JSON.stringify([open_ && open_.trial, open_ && open_.state, hall.locale]);
      if (key !== painted) {
        painted = key;
        if (!open_ || now) hall.fill(out, said("p.desk-empty", now ? "trial.wait" : "trial.none"));
        else if (open_.state === "done") hall.fill(out, [make("p.faint", {}, about(open_)), ...result(open_)]);
        else hall.fill(out, [make("p.faint", {}, about(open_)), make("p.trial-failed", { role: "alert" }, `▲ ${open_.error && open_.error.problem ? failure(open_.error) : hall.t(`trial.state.${open_.state}`)}`)]);
      }
      hall.fill(runs, known.trials.map((trial) => {
        const button = make("button.desk-chip", { type: "button", "aria-current": open_ && open_.trial === trial.trial ? "true" : null }, about(trial));
        button.onclick = () => look(trial.trial, true);
        return make("li", {}, button);
      }));
    }
    const about = (trial) => [hall.format.day(trial.began), " ", hall.format.seconds(trial.began), " · ", trial.person, " · ", trial.source || hall.t("trial.from-hall"), " · ", hall.t(`trial.state.${trial.state}`)].join("");

    async function refresh() {
      try {
        known = await hall.ask(URL_);
        if (!area.value && !base) area.value = base = known.rules || "";
        words();
        const mine = known.trials.find(running) || (!open_ && known.trials[0]);
        if (mine && (!open_ || open_.trial !== mine.trial)) return void look(mine.trial);
      } catch (error) {
        tell(hall.failed(error), true);
      }
      paint();
    }
    /** Asks again while it runs, and once more when it has ended. */
    async function look(id, fetchRules) {
      clearTimeout(timer);
      const mine = (looks += 1);
      try {
        const [before, found] = [open_, await hall.ask(`${URL_}/${id}`)];
        if (mine !== looks) return; // another one was opened meanwhile
        open_ = found;
        if (fetchRules && open_.rules) area.value = open_.rules;
        if (running(open_)) timer = shown ? setTimeout(look, LOOK_MS, id) : null;
        else if (running(before) && before.trial === id) ended();
      } catch (error) {
        if (mine !== looks) return;
        tell(hall.failed(error), true);
        if (running(open_) && shown && error.status !== 404) timer = setTimeout(look, LOOK_MS * 3, id);
      }
      paint();
    }
    function ended() {
      const { error, state } = open_;
      tell(hall.t(`trial.state.${state}`), state !== "done");
      if (error && error.problem) {
        tell(failure(error), true);
        if (error.line && !error.file) chooseLine(area, error.line);
      }
      refresh();
    }
    async function sent() {
      const [file] = upload.files;
      if (!file) throw Object.assign(new Error(hall.t("trial.no-file")), { said: hall.t("trial.no-file") });
      const answer = await fetch(`${URL_}/file?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file, headers: { "x-hall-csrf": hall.page.csrf || "", "content-type": "application/octet-stream" }, signal: AbortSignal.timeout(UPLOAD_MS) });
      const data = await answer.json().catch(() => ({}));
      if (!answer.ok) throw Object.assign(new Error(data.detail), { reason: data.reason, status: answer.status, data });
      return data.file;
    }
    go.onclick = async () => {
      go.disabled = true;
      tell(hall.t(source.value ? "trial.sending" : "trial.wait"));
      try {
        const body = { rules: area.value };
        if (source.value) Object.assign(body, { feed: source.value, file: await sent() });
        else if (span.value) body.since = Math.max(0, Math.round(hall.clock.city() - Number(span.value) * 3600000));
        const { trial } = await hall.ask(URL_, { method: "POST", body });
        open_ = { trial, state: "running", person: "", count: 0 };
        await look(trial);
      } catch (error) {
        tell(error.said || hall.failed(error), true);
        go.disabled = false;
      }
    };
    stop.onclick = async () => {
      stop.disabled = true;
      try {
        await hall.ask(`${URL_}/${open_.trial}/cancel`, { method: "POST" });
      } catch (error) {
        tell(hall.failed(error), true);
      }
      look(open_.trial);
    };
    pick.onclick = () => upload.click();
    upload.onchange = () => hall.setText(picked, upload.files[0] ? upload.files[0].name : "");
    save.onclick = () => {
      const address = URL.createObjectURL(new Blob([area.value], { type: "application/toml" }));
      make("a", { href: address, download: "alarm-rules.toml" }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    };
    load.onclick = () => open.click();
    open.onchange = async () => {
      if (open.files[0]) area.value = (await open.files[0].text()).slice(0, 256000);
      open.value = "";
      paint();
    };
    again.onclick = () => ((area.value = known.rules || ""), paint());
    area.oninput = () => (go.disabled = running(open_) || !area.value.trim());
    source.onchange = () => ((fileRow.hidden = !source.value), (span.disabled = !!source.value));
    words();
    return {
      show: () => ((shown = true), refresh()), hide: () => ((shown = false), clearTimeout(timer)),
      locale: () => ((painted = ""), words(), paint()),
    };
  }

  if (hall.may && hall.may("try-rules")) E.tab({ name: "alarm-trial", order: 95, title: "trial.tab", topics: ["alarm"], owns: [], mount });
})();
