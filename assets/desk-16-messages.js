/* A message to crews: written, shown whom it reaches before it is sent, sent by one command of the desk (hall.commands).
 *
 * hall.messages.may()   whether this person tells crews something
 * hall.messages.write({crews: [crew id], place: {lon, lat}, about, onSent(command)})   the dialog; what is typed stays until it was sent
 * hall.messages.crewName(id)
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const LONGEST = 300;
  const MOST = 200;
  const AGAIN_MS = 10000;
  const DRAFT = "hall-message-draft";
  const URGENCIES = ["normal", "urgent", "emergency"];
  const REACH = ["none", "silent", "now"]; // the worst first

  const messages = (hall.messages = hall.messages || {});
  messages.MARKS = { normal: "●", urgent: "▲", emergency: "◆" };
  messages.may = () => hall.may("tell-crews");
  messages.crewName = (id) => {
    const crew = (hall.store.get(`crew/${id}`) || {}).data || {};
    return hall.label(crew.label) || crew.name || id;
  };

  function kept() {
    try { return sessionStorage.getItem(DRAFT) || ""; } catch (_) { return ""; }
  }
  function keep(text) {
    try { sessionStorage.setItem(DRAFT, text); } catch (_) { /* kept in this dialog only */ }
  }
  const newId = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  messages.reachText = (row) => hall.t(`message.reach.${row.reach}`, { age: row.silent_ms == null ? "" : hall.format.duration(row.silent_ms) });

  class Writing {
    constructor({ crews, place, about, onSent }) {
      Object.assign(this, { crews: [...new Set(crews)].slice(0, MOST), place, about, onSent, out: new Set(), found: null });
      this.text = make("textarea.desk-input", { rows: "4", maxlength: String(LONGEST), "aria-labelledby": "message-text-name" });
      this.text.value = kept();
      this.text.oninput = () => (keep(this.text.value), this.count());
      this.text.onkeydown = (event) => void (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing && this.go.click());
      this.left = make("span.map-soft.message-left");
      this.urgency = "normal";
      this.levels = URGENCIES.map((name) => {
        const node = make("button.desk-chip", { type: "button", role: "radio", "data-urgency": name }, `${messages.MARKS[name]} ${hall.t(`message.urgency.${name}`)}`);
        node.onclick = () => ((this.urgency = name), this.mark());
        return node;
      });
      this.exercise = make("input", { type: "checkbox" });
      this.exercise.checked = (hall.exercise || []).length > 0;
      this.sum = make("p.message-sum", { role: "status" });
      this.list = make("ul.message-crews");
      this.fold = make("details.message-fold", {}, [said("summary", "message.who"), this.list]);
      this.status = make("p.form-status", { role: "alert" });
      this.go = make("button.desk-button.is-primary", { type: "button", "data-do": "send-message" });
      this.go.onclick = () => this.send();
      this.box = hall.desk.dialog({ title: hall.t("message.write"), kind: "message", onClose: () => this.close(), body: [
        make("label.field", {}, [make("span.field-name", { id: "message-text-name" }, hall.t("message.text")), this.text]), this.left,
        make("div.map-draw-bar", { role: "radiogroup", "aria-label": hall.t("message.urgency") }, this.levels),
        make("label.map-check", {}, [this.exercise, said("span", "message.exercise")]),
        place ? said("p.map-soft", "message.with-place") : "", this.sum, this.fold, this.status, make("div", {}, this.go),
      ] });
      this.off = hall.desk.on("command", (command) => this.heard(command));
      this.timer = setInterval(() => this.preview(), AGAIN_MS);
      this.mark();
      this.count();
      this.preview();
      this.text.focus();
    }

    close() {
      clearInterval(this.timer);
      this.off();
    }

    mark() {
      for (const one of this.levels) for (const name of ["aria-checked", "aria-pressed"]) one.setAttribute(name, String(one.dataset.urgency === this.urgency));
    }

    count() {
      hall.setText(this.left, hall.t("message.left", { n: LONGEST - this.text.value.length }));
      this.paint();
    }

    chosen() {
      return this.found ? this.found.crews.filter((row) => !this.out.has(row.crew)) : [];
    }

    async preview() {
      if (this.sending || document.hidden) return;
      if (!this.found) hall.setText(this.sum, hall.t("message.looking"));
      try {
        this.found = await hall.ask("/api/v1/messages/preview", { method: "POST", body: { crews: this.crews } });
        this.found.crews.sort((a, b) => REACH.indexOf(a.reach) - REACH.indexOf(b.reach) || (b.silent_ms || 0) - (a.silent_ms || 0) || a.crew.localeCompare(b.crew));
        if (!this.list.contains(document.activeElement)) this.rows();
        this.paint();
      } catch (error) {
        if (error.name !== "AbortError") hall.setText(this.sum, hall.failed(error));
      }
    }

    rows() {
      hall.fill(this.list, this.found.crews.map((row) => {
        const tick = make("input", { type: "checkbox" });
        tick.checked = !this.out.has(row.crew);
        tick.onchange = () => (this.out[tick.checked ? "delete" : "add"](row.crew), this.paint());
        return make("li", { "data-reach": row.reach }, make("label.map-check", {}, [tick, make("b", {}, hall.label(row.label) || row.name), make("span.map-soft", {}, [row.unit, hall.word("crew.state", row.state)].filter(Boolean).join(" · ")), make("span.message-reach", {}, messages.reachText(row))]));
      }));
    }

    paint() {
      const rows = this.chosen();
      const of = (reach) => rows.filter((row) => row.reach === reach).length;
      const parts = [hall.t("message.sum", { n: rows.length }), of("now") ? hall.t("message.sum.now", { n: of("now") }) : "", of("silent") ? hall.t("message.sum.silent", { n: of("silent") }) : "", of("none") ? hall.t("message.sum.none", { n: of("none") }) : "",
        this.found && this.found.unknown.length ? hall.t("message.sum.unknown", { n: this.found.unknown.length }) : ""];
      if (this.found) hall.setText(this.sum, parts.filter(Boolean).join(" · "));
      this.sum.dataset.bad = rows.length && of("now") < rows.length ? "1" : "";
      hall.setText(this.go, hall.t(this.sending ? "message.sending" : "message.send", { n: rows.length }));
      this.go.disabled = !!this.sending || !rows.length || !this.text.value.trim();
    }

    send() {
      const data = { text: this.text.value.trim(), urgency: this.urgency, crews: this.chosen().map((row) => `crew/${row.crew}`) };
      if (this.place) data.place = this.place;
      if (this.about) data.about = this.about;
      if (this.exercise.checked) data.exercise = true;
      hall.setText(this.status, "");
      this.subject = this.subject || `message/${newId()}`;
      try {
        this.sending = hall.commands.send({ subject: this.subject, move: "send", data, inForm: true });
      } catch (error) {
        hall.setText(this.status, error.message);
      }
      this.paint();
    }

    heard(command) {
      if (!this.sending || command.id !== this.sending.id) return;
      if (command.state === "done") {
        keep("");
        this.box.close();
        if (this.onSent) this.onSent(command);
      } else if (command.state === "refused" || command.state === "stale") {
        this.sending = null;
        hall.setText(this.status, `✕ ${hall.desk.refusalText(command)}`);
        hall.commands.drop(command.id);
        this.paint();
        this.preview();
      } else if (command.why) hall.setText(this.status, hall.t("message.trying", { why: hall.desk.refusalText(command) }));
    }
  }

  messages.write = (given) => (given.crews.length ? new Writing(given) : null);
})();
