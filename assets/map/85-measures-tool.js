/* The page /map's button for coloured areas; what is coloured goes along with a view that is passed on. */
"use strict";

(function () {
  const { citymap } = window.hall;
  const part = (view) => view && view.layers.get("measures");
  citymap.tool({
    name: "measures",
    order: 330,
    key: "c",
    act(view) {
      const found = part(view);
      if (!found) return;
      view.legend.press("measures", !found.shown);
      found.choose(!found.shown);
      if (citymap.page) citymap.page.refresh();
    },
    state: () => ({ on: !!(citymap.page && part(citymap.page.view) && part(citymap.page.view).shown) }),
  });
  citymap.part("measure", { get: (view) => part(view).get(), set: (view, value) => part(view).set(value) });
})();
