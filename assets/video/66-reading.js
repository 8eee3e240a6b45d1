/* The very picture a reading was taken from, large, with what was read and how sure it is: from an alarm, a gauge, a region.
 * Whatever carries `data-picture` opens it: its text and time stand in `data-picture-title`, `-text` and `-at` (real or city ms).
 *
 * hall.video.readingPicture({picture, title, text, at})
 * hall.video.pictureButton({...the same})   a button that opens it; null where there is no picture
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, format } = hall;
  const STAYS_MS = 90000;
  let open = null;

  function close() {
    if (!open) return;
    clearTimeout(open.timer);
    open.node.remove();
    document.removeEventListener("keydown", open.key, true);
    if (open.back && open.back.isConnected) open.back.focus();
    open = null;
  }

  video.readingPicture = function ({ picture, title, text, at }) {
    if (!picture || !picture.startsWith("/video/poster/")) return;
    close();
    const shut = make("button.card-close", { type: "button" }, `✕ ${hall.t("card.close")}`);
    shut.onclick = close;
    const image = make("img.reading-image", { src: picture, alt: text });
    image.onerror = () => image.replaceWith(make("p.reading-gone", { role: "status" }, hall.t("reading.gone")));
    const when = at == null ? "" : `${format.day(at)} ${format.seconds(at)}`;
    const head = make("header.reading-head", {}, [make("b", {}, title), make("span", {}, text), make("span.num", {}, when)]);
    const node = make("section.show-frame.is-touched.reading-page", { role: "dialog", "aria-label": title, "data-what": "reading" }, [make("div.reading-body", {}, [head, image]), make("div.card-bar", {}, shut)]);
    const layer = hall.show && hall.show.layer && hall.show.layer();
    const box = layer && hall.wall.block(hall.wall.part);
    for (const side of box ? ["left", "top", "width", "height"] : []) node.style[side] = `${box[side]}px`;
    if (!box) node.classList.add("is-on-page");
    const key = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close();
    };
    document.addEventListener("keydown", key, true);
    open = { node, key, back: document.activeElement, timer: setTimeout(close, STAYS_MS) };
    (layer || document.body).append(node);
    shut.focus();
  };

  video.pictureButton = function (about) {
    if (!about.picture) return null;
    const node = make("button.reading-button", { type: "button" }, hall.t("reading.picture"));
    node.onclick = (event) => {
      event.stopPropagation();
      video.readingPicture(about);
    };
    return node;
  };
})();
