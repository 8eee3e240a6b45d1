/* Which part of the map takes which document, and which sheet must then be drawn again ("" for none). Layers take theirs besides. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});

  citymap.TAKE = {
    case(self, event) {
      const fresh = self.things.takeCase(event);
      if (fresh && !self.first) self.pulse(fresh);
      return "things";
    },
    sensor: (self, event) => (self.things.takeGauge("sensor", event), "things"),
    observation: (self, event) => (self.things.takeGauge("observation", event), "things"),
    alarm: (self, event) => (self.things.takeGauge("alarm", event), "things"),
    channel: (self, event) => (self.things.takeCamera(event), "things"),
    position: (self, event) => (self.movers.take(event), "movers"),
    closure: (self, event) => (citymap.takeClosure(self.things.closures, event), "things"),
    depot: (self, event) => (citymap.takeDepot(self.things.depots, event), "things"),
    incident: (self, event) => (citymap.takeIncident(self.things.incidents, event), "things"),
    crew: (self, event) => (citymap.takeCrew(self.movers.crews, event), "movers"),
    warning: (self, event) => (citymap.takeWarning(self.ground.warnings, event), "ground"),
    raster: (self, event) => (self.radar.take(event), ""),
    kpi(self, event) {
      if (event.subject === "kpi/arrivals") return "movers"; // how long crews still need stands beside them
      if (event.subject !== "kpi/cells") return "";
      const rows = (event.data && event.data.rows) || {};
      const same = JSON.stringify(rows) === JSON.stringify(self.ground.rows);
      self.ground.rows = rows;
      return same ? "" : "ground";
    },
  };
})();
