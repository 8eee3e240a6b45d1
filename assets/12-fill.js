/* Renewing what a node holds, without losing a click.
 *
 * hall.fill(node, children)   A browser makes a click of a press and a release on the same element. What is pressed right now is therefore
 *                             renewed after its release, with the newest children; everything else at once.
 */
"use strict";

(function () {
  const hall = window.hall;
  const waiting = new Map(); // node -> its newest children
  let pressed = null, presses = 0;

  hall.fill = function (node, children) {
    if (pressed && node.contains(pressed)) waiting.set(node, children);
    else waiting.delete(node), node.replaceChildren(...[].concat(children));
  };

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
