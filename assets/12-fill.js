/* Renewing what a node holds, without losing a click or the keyboard's place.
 *
 * hall.fill(node, children)   A browser makes a click of a press and a release on the same element. What is pressed right now is therefore
 *                             renewed after its release, with the newest children; everything else at once. Who is on a control with the
 *                             keyboard is on the same one of the new children: by its data, name, address or id, else by its text
 */
"use strict";

(function () {
  const hall = window.hall;
  const waiting = new Map(); // node -> its newest children
  let pressed = null, presses = 0;

  hall.fill = function (node, children) {
    if (pressed && node.contains(pressed)) waiting.set(node, children);
    else waiting.delete(node), renew(node, children);
  };

  function renew(node, children) {
    const wanted = [].concat(children);
    if (wanted.length === node.childNodes.length && wanted.every((one, i) => one === node.childNodes[i])) return; // there already: taken out and put in again a film stops
    const at = document.activeElement;
    const held = at && at !== node && node.contains(at) ? at : null;
    const [mark, place] = held ? [markOf(held), alike(node, held).indexOf(held)] : [];
    node.replaceChildren(...wanted);
    if (!held || document.activeElement === held) return;
    const again = held.isConnected ? held : alike(node, held, mark)[place];
    if (again) again.focus({ preventScroll: true });
  }

  function markOf(node) {
    const own = [...node.attributes].filter(({ name }) => name.startsWith("data-") || ["id", "name", "href"].includes(name)).map(({ name, value }) => `${name}=${value}`);
    return own.length ? own.sort().join(" ") : node.textContent;
  }
  const alike = (node, held, mark = markOf(held)) => [...node.querySelectorAll(held.localName)].filter((one) => markOf(one) === mark);

  function released() {
    pressed = null;
    const fills = [...waiting];
    waiting.clear();
    for (const [node, children] of fills) hall.fill(node, children);
  }
  function release() {
    const mine = presses;
    if (pressed) setTimeout(() => mine === presses && released(), 0); // the click itself comes first
  }
  window.addEventListener("pointerdown", (event) => ((pressed = event.target), (presses += 1)), true);
  window.addEventListener("click", () => (pressed = null), true); // what its handlers renew is renewed at once
  for (const end of ["pointerup", "pointercancel", "blur"]) window.addEventListener(end, release, true);
  window.addEventListener("pointermove", (event) => event.buttons || release(), { capture: true, passive: true }); // released where this page does not hear it
})();
