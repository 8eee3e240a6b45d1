/* The console's way to the page that makes links for crews' phones. */
"use strict";

(function () {
  const hall = window.hall;
  if (location.pathname !== "/desk" || !hall.may("make-field-links")) return;
  const address = () => `/field/links?lang=${hall.locale}`;
  const link = hall.said("a.bar-button", "field.short", null, { href: address(), target: "_blank", rel: "noopener" });
  link.onclick = () => (link.href = address());
  hall.desk.addTool(link);
})();
