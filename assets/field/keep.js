/* Installing the page on the phone: its service worker, a new version when there is one, storage that the browser does not clear. */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;

  function offerUpdate(worker) {
    const button = make("button.update", { type: "button", onclick: () => worker.postMessage("take-over") }, field.t("field.update"));
    document.body.append(button);
  }

  field.keepPage = function () {
    if (!("serviceWorker" in navigator)) return;
    let reloading = !navigator.serviceWorker.controller;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (!reloading) location.reload();
      reloading = true;
    });
    navigator.serviceWorker.register("/field/sw.js", { scope: "/field/" }).then((found) => {
      if (found.waiting && navigator.serviceWorker.controller) offerUpdate(found.waiting);
      found.addEventListener("updatefound", () => {
        const worker = found.installing;
        worker.addEventListener("statechange", () => worker.state === "installed" && navigator.serviceWorker.controller && offerUpdate(worker));
      });
    }, () => {}); // without https there is no service worker: the page then needs the network to open
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(() => {});
  };
})();
