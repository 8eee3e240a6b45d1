/* Bytes to the hall and files to the reader.
 *
 * hall.citymap.sendRaw(path, body, type)   POST of bytes -> the Response; throws an error with .reason as hall.ask does
 * hall.citymap.save(blob, name)            the browser's own "save as"
 * hall.citymap.stampText(ms)               20260722-1403 by the city's clock, for names of files
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const LONGEST_MS = 60000;

  citymap.sendRaw = async function (path, body, type) {
    const headers = { "content-type": type, "x-hall-csrf": hall.page.csrf || "", "x-hall-desk": encodeURIComponent(hall.desk.name()) };
    let answer;
    try {
      answer = await fetch(path, { method: "POST", headers, body, signal: AbortSignal.timeout(LONGEST_MS) });
    } catch (error) {
      throw Object.assign(new Error(error.message), { reason: error.name === "TimeoutError" ? "timeout" : "unreachable", status: 0, answer: {} });
    }
    if (answer.ok) return answer;
    const data = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(data.detail || data.reason || ""), { reason: data.reason || "http", status: answer.status, answer: data });
  };

  citymap.save = function (blob, name) {
    const link = hall.make("a", { href: URL.createObjectURL(blob), download: name.replace(/[\\/:*?"<>|]/g, "_") });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), LONGEST_MS);
  };

  citymap.stampText = (ms = citymap.now()) => new Date(ms).toLocaleString("sv-SE", { timeZone: hall.page.timezone || undefined }).replace(/[-:]/g, "").replace(" ", "-").slice(0, 13);
})();
