/* Which moment the map shows and what was known then: everything that is drawn on a map asks here, never the live clock or store.
 *
 * hall.citymap.now()          ms: the city's time, or the moment that is replayed (82-past.js)
 * hall.citymap.doc(subject)   the document as the map shows it; undefined when there was none
 * hall.citymap.docs(topic)    Map(subject -> event), the same way
 * hall.citymap.past           null when live, else {now, docs(topic)}
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  citymap.past = null;
  citymap.now = () => (citymap.past ? citymap.past.now : hall.clock.city());
  citymap.docs = (topic) => (citymap.past ? citymap.past : hall.store).docs(topic);
  citymap.doc = (subject) => citymap.docs(hall.store.topicOf(subject)).get(subject);
})();
