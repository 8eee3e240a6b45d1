/* Which moment the map shows and what was known then: everything that is drawn on a map asks here, never the live clock or store.
 *
 * hall.citymap.now()          ms: the city's time, or the moment that is replayed (82-past.js)
 * hall.citymap.doc(subject)   the document as the map shows it; undefined when there was none
 * hall.citymap.docs(topic)    Map(subject -> event), the same way
 * hall.citymap.age(ms)        how long before that moment, in words
 * hall.citymap.past           of the map that is just being worked on: null when it is live, else its {now, docs(topic)} (83-replay.js)
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  citymap.past = null;
  citymap.now = () => (citymap.past ? citymap.past.now : hall.clock.city());
  citymap.age = (ms) => (ms == null ? "–" : hall.format.duration(citymap.now() - ms));
  citymap.docs = (topic) => (citymap.past ? citymap.past : hall.store).docs(topic);
  citymap.doc = (subject) => citymap.docs(hall.store.topicOf(subject)).get(subject);
})();
