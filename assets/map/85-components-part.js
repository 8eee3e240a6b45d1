/* The filter of the street components goes along with a view that is passed on (address, push, windows in step).
 *
 * On a wall without anybody it is the view's, and stays until the next view; each screen asks by its own role, so that a wall shows of
 * it what a wall may see, and says when it is refused.
 */
"use strict";

(function () {
  const { citymap } = window.hall;
  const WORDS = ["kind", "district", "department", "state"];
  const [MOST, LONG] = [100, 200]; // values of a field, characters of words: as the hall takes them

  /** What the hall can be asked of `value`: anybody can write an address. */
  function asked(value) {
    const found = {};
    for (const name of WORDS) {
      const words = [].concat((value && value[name]) || []).filter((word) => typeof word === "string" && word).slice(0, MOST);
      if (words.length) found[name] = words;
    }
    const q = value && typeof value.q === "string" ? value.q.trim().slice(0, LONG) : "";
    return q ? { ...found, q } : found;
  }

  citymap.part("components", {
    get({ components }) {
      return components.shown && Object.keys(components.asked).length ? { ...components.asked } : null;
    },
    set({ components, legend }, value) {
      const wanted = asked(value);
      components.passed = value ? wanted : null;
      if (JSON.stringify(wanted) !== JSON.stringify(asked(components.asked))) {
        components.key.mark = ""; // its form is written anew
        components.filter(wanted);
        components.key.show();
      }
      if (!value || components.shown) return;
      legend.press("components", true);
      components.choose(true);
    },
  });
})();
