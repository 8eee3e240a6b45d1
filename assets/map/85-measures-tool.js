/* The page /map's buttons for coloured areas and heat; what is coloured goes along with a view that is passed on. */
"use strict";

(function () {
  const { citymap } = window.hall;
  const part = (view) => view && view.layers.get("measures");
  citymap.tool({
    name: "measures",
    order: 360,
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
  const heat = (view) => view && view.layers.get("heat");
  citymap.tool({
    name: "heat",
    order: 370,
    key: "e",
    act(view) {
      const found = heat(view);
      if (!found) return;
      view.legend.press("heat", !found.shown);
      found.choose(!found.shown);
      if (citymap.page) citymap.page.refresh();
    },
    state: () => ({ on: !!(citymap.page && heat(citymap.page.view) && heat(citymap.page.view).shown) }),
  });
  citymap.part("heat", { get: (view) => heat(view).get(), set: (view, value) => heat(view).set(value) });
  citymap.part("measure", { get: (view) => part(view).get(), set: (view, value) => part(view).set(value) });
})();
