/* /pair: whoever is signed in here lets a wall act in his name, by the code that the wall shows. */
"use strict";

(function () {
  const hall = window.hall;

  hall.panel("pair", function (element, context) {
    const code = hall.make("input.pair-code", { name: "code", inputmode: "numeric", autocomplete: "off", maxlength: "9", value: (hall.query.get("code") || "").replace(/\D/g, "").slice(0, 8) });
    const look = hall.said("button.desk-button.is-primary", "pair.look", null, { type: "submit" });
    const status = hall.make("p.form-status", { role: "status" });
    const question = hall.make("div.pair-question");
    const form = hall.make("form.pair-form", {}, [hall.make("label.form-field", {}, [hall.said("span", "pair.code"), code]), look]);
    context.body.replaceChildren(hall.make("div.pair", {}, [form, question, status]));
    const digits = () => code.value.replace(/\D/g, "");
    const who = () => (hall.page.who || {}).display || (hall.page.who || {}).name || "";
    const failed = (error) => hall.say(status, () => `✕ ${hall.knows(`acting.refused.${error.reason}`) ? hall.t(`acting.refused.${error.reason}`, { n: error.message }) : hall.why(error)}`, true);

    /** `asked`: the code whose wall was named, whatever stands in the field by now. */
    async function confirm(button, asked) {
      button.disabled = true;
      try {
        const made = await hall.ask("/api/v1/acting/confirm", { method: "POST", body: { code: asked } });
        question.replaceChildren();
        form.hidden = true;
        hall.say(status, () => `✓ ${hall.t("pair.done", { wall: made.wall, n: made.minutes })}`);
      } catch (error) {
        button.disabled = false;
        failed(error);
      }
    }

    form.onsubmit = async (event) => {
      event.preventDefault();
      hall.say(status, null);
      question.replaceChildren();
      try {
        const asked = digits();
        const found = await hall.ask(`/api/v1/acting/asked/${asked}`);
        if (asked !== digits()) return; // another code by now
        const yes = hall.said("button.desk-button.is-primary.pair-yes", "pair.confirm", null, { type: "button" });
        const no = hall.said("button.desk-button", "pair.cancel", null, { type: "button" });
        yes.onclick = () => confirm(yes, asked);
        no.onclick = () => question.replaceChildren();
        question.replaceChildren(hall.said("p", "pair.question", { wall: found.wall, who: who(), n: found.minutes }), yes, no);
        yes.focus();
      } catch (error) {
        failed(error);
      }
    };
    code.oninput = () => question.replaceChildren(); // it named another code's wall
    if (digits().length === 8) form.requestSubmit();
    else requestAnimationFrame(() => code.focus());
    return { locale: () => hall.sayAgain(status) };
  });
})();
