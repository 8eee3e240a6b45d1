/* The crew's own position, shared only after a tap, shown while it is. Sent at most every 10 s, when moved or each minute.
 *
 * field.position.here   {lon, lat, accuracy} or null;  field.position.on, .state: off|searching|on|denied|insecure
 */
"use strict";

(function () {
  const field = window.field;
  const [LEAST_MS, MOST_MS, MOVED_M, ONCE_MS] = [10000, 60000, 25, 15000];
  const position = (field.position = { state: "off", here: null, toggle, changed: () => {} });
  let watch = null;
  let sent = { at: 0, place: null };

  function tell(state) {
    position.state = state;
    position.changed();
  }

  async function found(at) {
    const { longitude: lon, latitude: lat, accuracy, speed, heading } = at.coords;
    position.here = { lon, lat, accuracy, at: Date.now() };
    tell("on");
    const since = Date.now() - sent.at;
    const moved = sent.place ? field.metres(sent.place, position.here) : Infinity;
    if (since < LEAST_MS || (since < MOST_MS && moved < MOVED_M) || !field.csrf) return;
    sent = { at: Date.now(), place: position.here };
    const body = { lon, lat, accuracy_m: Math.round(accuracy), time: Math.round(field.now()) };
    if (speed !== null && Number.isFinite(speed)) body.speed_mps = speed;
    if (heading !== null && Number.isFinite(heading)) body.heading_deg = heading;
    try {
      await fetch("/api/v1/field/position", {
        method: "POST", signal: AbortSignal.timeout(10000), body: JSON.stringify(body),
        headers: { "content-type": "application/json", "x-hall-csrf": field.csrf },
      });
    } catch (_) {
      sent.at = 0; // an old position helps nobody: the next one is sent instead
    }
  }

  function failed(error) {
    if (error.code === error.PERMISSION_DENIED) {
      stop();
      tell("denied");
    }
  }

  function stop() {
    if (watch !== null) navigator.geolocation.clearWatch(watch);
    watch = null;
    position.here = null;
    field.store("field-position", null);
    tell("off");
  }

  function toggle() {
    if (watch !== null) return stop();
    if (!window.isSecureContext || !navigator.geolocation) return tell("insecure");
    tell("searching");
    field.store("field-position", "on");
    watch = navigator.geolocation.watchPosition(found, failed, { enableHighAccuracy: true, maximumAge: 5000, timeout: 60000 });
  }

  /** Where the phone is now: what is shared, else asked for this once; null where the phone does not say. */
  position.once = function () {
    if (position.here) return Promise.resolve(position.here);
    if (!window.isSecureContext || !navigator.geolocation) return Promise.resolve(null);
    const asked = { enableHighAccuracy: true, maximumAge: 15000, timeout: ONCE_MS };
    const plain = ({ coords }) => ({ lon: coords.longitude, lat: coords.latitude, accuracy: coords.accuracy });
    return new Promise((done) => navigator.geolocation.getCurrentPosition((at) => done(plain(at)), () => done(null), asked));
  };

  position.resume = () => field.stored("field-position") === "on" && watch === null && toggle();
})();
