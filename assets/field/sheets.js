/* What needs more than a tap: feeding back with photos, a photo alone, declining, a message, the answer to an urging.
 * What is typed is kept on the phone until it is sent; photos are taken with the phone's own camera.
 *
 * field.sheets.open(title, parts, send, before, {go, stop})   `send` null: nothing is sent, it is only read
 * Above the map a sheet is a step of the phone's own way back: what leads back closes it, and the map after it.
 */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const MOST_PHOTOS = 9;
  let open = null;
  let opener = null;

  /** Whether one was open. */
  function close() {
    const was = open;
    if (open) open.remove();
    open = null;
    if (was && opener && opener.isConnected) opener.focus({ preventScroll: true });
    document.body.classList.toggle("covered", Boolean(overMap()));
    if (field.paint) field.paint();
    return Boolean(was);
  }
  const overMap = () => document.querySelector(".map-view");
  const leave = () => (overMap() ? history.back() : close());

  /** A form over the whole screen; `send()` returns false or a text of what is missing, or adds actions and returns true. */
  function sheet(title, parts, send, before, { go = field.t("field.send"), stop = field.t("field.cancel") } = {}) {
    close();
    opener = document.activeElement;
    if (overMap()) history.pushState({ sheet: true }, "", location.href);
    const fault = make("p.fault", { role: "alert" });
    const submit = make("button.primary", { type: "submit" }, go);
    const form = make("form.sheet-body", { novalidate: true }, [
      make("h2", { id: "sheet-title" }, title), ...parts, fault,
      make("div.sheet-buttons", { "data-read-only": String(!send) }, [make("button.plain", { type: "button", onclick: leave }, stop), send ? submit : ""]),
    ]);
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (!send) return;
      submit.disabled = true;
      try {
        const missing = await send();
        if (typeof missing === "string") fault.textContent = missing;
        else leave();
      } catch (_) {
        fault.textContent = field.t("field.queue.full");
      }
      submit.disabled = false;
    };
    open = make("div.sheet", { role: "dialog", "aria-modal": "true", "aria-labelledby": "sheet-title" }, form);
    open.onkeydown = (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.stopPropagation(); // the map below goes back, too
      leave();
    };
    document.body.append(open);
    document.body.classList.add("covered");
    (before || form.querySelector("textarea, input, button")).focus();
  }

  /** A text that survives a reload; `clear()` forgets it. */
  function typed(name, label, hint) {
    const node = make("textarea", { rows: "4", maxlength: "2000", placeholder: hint || null, id: "sheet-text" });
    node.value = field.stored(name) || "";
    node.oninput = () => field.store(name, node.value);
    return { node, part: make("label.field", { for: "sheet-text" }, [label, node]), text: () => node.value.trim(), clear: () => field.store(name, null) };
  }

  /** Takes photos and shows them; `found` are {blob, usage, lon?, lat?}. */
  function photos(usage, label) {
    const found = [];
    const shown = make("div.pictures");
    const fault = make("p.fault", { role: "status" });
    const input = make("input.hidden-input", { type: "file", accept: "image/*", capture: "environment", multiple: true, "data-usage": usage });
    input.onchange = async () => {
      fault.textContent = "";
      for (const file of [...input.files]) {
        if (found.length >= MOST_PHOTOS) {
          fault.textContent = field.t("field.photo.many", { count: MOST_PHOTOS });
          break;
        }
        try {
          const { blob } = await field.shrink(file);
          add({ blob, usage, ...place() });
        } catch (_) {
          fault.textContent = field.t("field.photo.bad");
        }
      }
      input.value = "";
    };
    function place() {
      const here = field.position.here;
      return here ? { lon: here.lon, lat: here.lat } : {};
    }
    function add(photo) {
      found.push(photo);
      const address = URL.createObjectURL(photo.blob);
      const image = make("img.picture", { src: address, alt: label });
      const remove = make("button.remove", { type: "button", "aria-label": field.t("field.photo.remove") }, "×");
      const holder = make("span.holder", {}, [image, remove]);
      remove.onclick = () => {
        found.splice(found.indexOf(photo), 1);
        URL.revokeObjectURL(address);
        holder.remove();
      };
      shown.append(holder);
    }
    const part = make("fieldset.photos", {}, [
      make("legend", {}, label), shown,
      make("label.take", {}, [input, field.icon("photo"), make("span", {}, field.t("field.photos.add"))]), fault,
    ]);
    return { found, part };
  }

  field.sheets = {
    open: sheet, close, typed, photos,
    done(task) {
      const name = `field-text-done-${task.subject}`;
      const text = typed(name, field.t("field.opinion"), field.t("field.opinion.hint"));
      const [before, after] = [photos("before", field.t("field.photos.before")), photos("after", field.t("field.photos.after"))];
      sheet(field.t("field.do.done"), [text.part, before.part, after.part], async () => {
        if (!text.text()) return field.t("field.text.needed");
        const shots = [...before.found, ...after.found];
        const id = await field.queue.add({ task: task.subject, move: "feed_back", data: { opinion: text.text() }, photos: shots });
        await field.queue.add({ task: task.subject, move: "clear", needs: id });
        text.clear();
        return true;
      });
    },

    photo(task) {
      const chosen = photos(task.state === "on_scene" ? "after" : "before", field.t("field.do.photo"));
      sheet(field.t("field.do.photo"), [chosen.part], async () => {
        if (!chosen.found.length) return field.t("field.text.needed");
        await field.queue.add({ task: task.subject, move: "attach", photos: chosen.found });
        return true;
      });
    },

    message(task) {
      const text = typed(`field-text-note-${task.subject}`, field.t("field.do.message"));
      sheet(field.t("field.do.message"), [text.part], async () => {
        if (!text.text()) return field.t("field.text.needed");
        await field.queue.add({ task: task.subject, move: "note", data: { text: text.text() } });
        text.clear();
        return true;
      });
    },

    urge(task, urge) {
      const text = typed(`field-text-urge-${task.subject}-${urge.number}`, field.t("field.urge-reply"));
      sheet(field.t("field.urge-reply"), [make("p", {}, urge.reason), text.part], async () => {
        if (!text.text()) return field.t("field.text.needed");
        await field.queue.add({ task: task.subject, move: "reply_urge", data: { urge: urge.number, text: text.text() } });
        text.clear();
        return true;
      });
    },

    decline(task) {
      const text = typed(`field-text-decline-${task.subject}`, field.t("field.reason"));
      const ready = [1, 2, 3, 4].map((n) => field.t(`field.decline.${n}`));
      const choices = ready.map((reason) => make("button.choice", { type: "button", onclick: () => ((text.node.value = reason), text.node.oninput()) }, reason));
      sheet(field.t("field.do.decline"), [make("div.choices", {}, choices), text.part], async () => {
        if (!text.text()) return field.t("field.reason.needed");
        await field.queue.add({ task: task.subject, move: "decline", reason: text.text().slice(0, 500) });
        text.clear();
        return true;
      }, choices[0]);
    },
  };
})();
