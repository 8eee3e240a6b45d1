/* Photos: sent by button, drop or paste, each with its progress; shown small, opened large.
 *
 * desk.uploader({box, usage, done}) -> {button, list(), restore(list), busy(), add(files)}
 * desk.photoNodes(photos)   pictures of a case
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const TYPES = "image/jpeg,image/png,image/webp";
  const TRIES = 4;
  const RETRY_MS = 1500;
  const WITHIN_MS = 120000;

  const source = (media) => `/api/v1/media/${encodeURIComponent(media)}`;

  /** Posts one file; the browser's fetch tells no progress of an upload, XMLHttpRequest does. */
  function post(file, progress) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      const fail = (reason, detail, status) => failed(Object.assign(new Error(detail || reason), { reason, status: status || 0 }));
      request.open("POST", "/api/v1/media");
      request.timeout = WITHIN_MS;
      request.setRequestHeader("content-type", file.type || "application/octet-stream");
      request.setRequestHeader("x-hall-csrf", hall.page.csrf || "");
      request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
      request.onerror = () => fail("unreachable");
      request.ontimeout = () => fail("timeout");
      request.onload = () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch (_) { /* told by its status */ }
        if (request.status >= 200 && request.status < 300 && answer.media) done(answer);
        else fail(answer.reason || "http", answer.detail, request.status);
      };
      request.send(file);
    });
  }

  async function stubborn(file, progress) {
    for (let turn = 1; ; turn += 1) {
      try {
        return await post(file, progress);
      } catch (error) {
        if (turn >= TRIES || (error.status >= 400 && error.status < 500)) throw error;
        await new Promise((go) => setTimeout(go, RETRY_MS * turn));
      }
    }
  }

  desk.uploader = function ({ box, usage, done }) {
    let kept = [];
    let under = 0;
    const input = make("input", { type: "file", accept: TYPES, multiple: "", hidden: "" });
    const button = said("button.desk-button", "desk.photo-add", null, { type: "button" });
    button.onclick = () => input.click();
    input.onchange = () => (add([...input.files]), (input.value = ""));

    function tile(media) {
      const remove = make("button.photo-drop", { type: "button", "aria-label": hall.t("desk.photo-remove") }, "✕");
      const node = make("figure.photo-small", {}, [make("img", { src: source(media.media), alt: hall.t(`desk.usage.${media.usage}`) }), remove]);
      remove.onclick = () => ((kept = kept.filter((one) => one !== media)), node.remove(), changed());
      return node;
    }
    const changed = () => box.dispatchEvent(new Event("input", { bubbles: true }));

    async function addOne(file) {
      const bar = make("progress", { max: "1", value: "0", "aria-label": file.name || hall.t("desk.photo-pasted") });
      const words = make("span", {}, file.name || hall.t("desk.photo-pasted"));
      const row = make("p.photo-sending", {}, [words, bar]);
      box.append(row);
      under += 1;
      try {
        const answer = await stubborn(file, (share) => (bar.value = share));
        const media = { media: answer.media, usage: usage() };
        row.replaceWith(tile(media));
        kept.push(media);
        changed();
        if (done) done(media);
      } catch (error) {
        const again = said("button.desk-chip", "desk.retry", null, { type: "button" });
        again.onclick = () => (row.remove(), addOne(file));
        row.dataset.failed = "1";
        row.replaceChildren(`✕ ${file.name || ""} ${hall.failed(error)} `, again);
      } finally {
        under -= 1;
      }
    }
    const add = (files) => files.filter((file) => file.type.startsWith("image/")).forEach(addOne);
    return {
      button: make("span", {}, [button, input]), add, list: () => kept, busy: () => under > 0,
      restore(list) {
        kept = [...list];
        hall.fill(box, kept.map(tile));
      },
    };
  };

  function enlarge(photo) {
    const image = make("img.photo-large", { src: source(photo.media), alt: hall.t(`desk.usage.${photo.usage || "other"}`) });
    desk.dialog({ title: hall.t("desk.photo-title", { usage: hall.t(`desk.usage.${photo.usage || "other"}`), who: photo.who || "", at: desk.moment(photo.at) }), body: [image], wide: true });
  }

  desk.photoNodes = (photos) => photos.map((photo) => {
    const usage = hall.t(`desk.usage.${photo.usage || "other"}`);
    const button = make("button.photo-open", { type: "button", "aria-label": hall.t("desk.photo-title", { usage, who: photo.who || "", at: desk.moment(photo.at) }) }, [make("img", { src: source(photo.media), alt: "", loading: "lazy" })]);
    button.onclick = () => enlarge(photo);
    return make("figure.photo", {}, [button, make("figcaption", {}, `${usage} · ${photo.who || ""} · ${desk.shortMoment(photo.at)}`)]);
  });

  /** Pictures dropped or pasted anywhere on the open case go to the form's photos when it takes some, else to the case. */
  desk.photosInto = function (element, target) {
    const images = (list) => [...(list || [])].filter((file) => file.type.startsWith("image/"));
    element.addEventListener("dragover", (event) => {
      if ([...event.dataTransfer.types].includes("Files")) event.preventDefault(), (element.dataset.drop = "1");
    });
    element.addEventListener("dragleave", () => delete element.dataset.drop);
    element.addEventListener("drop", (event) => {
      delete element.dataset.drop;
      const files = images(event.dataTransfer.files);
      if (files.length) event.preventDefault(), target(files);
    });
    document.addEventListener("paste", (event) => {
      const files = images(event.clipboardData && event.clipboardData.files);
      if (files.length && target(files)) event.preventDefault();
    });
  };
})();
