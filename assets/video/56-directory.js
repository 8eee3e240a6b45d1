/* The catalogue of channels for people: tree with how many are online, search by words, rows to drag or to press.
 *
 * new hall.video.Directory(body, {chosen(subject), why})   .locale() .remove()
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText, format } = hall;
  const SEARCH_MS = 200;
  const RENEW_MS = 15000;
  const PAGE = 100;
  const SHAPES = { online: "●", offline: "✕", unknown: "○" };
  const DIVISIONS = ["region", "group", "owner", "district"];
  const DEEPEST = 6;
  const KEPT = "hall-video-directory";

  /** Which node was open last in this browser; null: none. */
  function kept(node) {
    try {
      if (node !== undefined) localStorage.setItem(KEPT, node);
      return localStorage.getItem(KEPT);
    } catch (_) {
      return null; // a browser that keeps nothing
    }
  }

  /**
   * Makes the children of `box` those of `made`. What was there before by the same `key` stays the same element, made equal: a list
   * that is told anew takes nothing out of the hand of who presses or drags it just then, nor the focus.
   */
  function place(box, made, key) {
    const before = new Map([...box.children].map((node) => [node.getAttribute(key), node]));
    const nodes = made.map((fresh) => alike(before.get(fresh.getAttribute(key)), fresh));
    const stay = new Set(nodes);
    for (const node of [...box.children]) if (!stay.has(node)) node.remove();
    nodes.forEach((node, index) => box.children[index] !== node && box.insertBefore(node, box.children[index] || null));
  }

  function alike(node, fresh) {
    if (!node || node.isEqualNode(fresh)) return node || fresh;
    for (const { name, value } of fresh.attributes) node.setAttribute(name, value);
    node.replaceChildren(...fresh.childNodes);
    return node;
  }

  const treeOf = (node) => hall.acting.ask(`/api/v1/channels/tree?node=${encodeURIComponent(node)}`);

  video.Directory = class {
    constructor(body, { chosen }) {
      this.chosen = chosen;
      this.node = kept() || "";
      this.went = false; // by a person: words are then looked for below that node only
      this.asked = 0;
      this.input = make("input.video-input", { type: "search", maxlength: "200" });
      this.trail = make("div.video-trail");
      this.branches = make("div.video-branches");
      this.rows = make("div.video-rows");
      this.more = make("button.video-button", { type: "button", hidden: "" });
      this.status = make("p.video-status", { role: "status" });
      this.everywhere = make("button.video-button", { type: "button", hidden: "" });
      this.everywhere.onclick = () => this.go("");
      this.list = make("div.video-list", {}, [this.branches, this.rows, this.more, this.status, this.everywhere]);
      this.element = make("div.video-directory", {}, [this.input, this.trail, this.list]);
      body.append(this.element);
      this.input.addEventListener("input", () => this.soon());
      this.more.onclick = () => this.search(this.cursor);
      this.rows.addEventListener("dragstart", (event) => this.drag(event));
      this.timer = setInterval(() => !document.hidden && !this.cursorUsed && this.open(), RENEW_MS);
      this.locale();
      if (kept() === null) this.begin();
      else this.open();
    }

    /** Nobody chose: the first division that branches, as far down as its way does not. */
    async begin() {
      const mine = (this.asked += 1);
      let first = "";
      for (const division of DIVISIONS) {
        const [node, children] = await this.down(division).catch(() => ["", 0]);
        if (mine !== this.asked) return;
        first = children > 1 ? node : first || node;
        if (children > 1) break;
      }
      this.node = first;
      this.open();
    }

    async down(division) {
      let node = division;
      for (let depth = 0; depth < DEEPEST; depth += 1) {
        const found = (await treeOf(node)).children.filter((child) => child.total);
        if (found.length !== 1) return [node, found.length];
        node = found[0].id;
      }
      return [node, 1];
    }

    /** Below which node is looked: what the page opened by itself does not narrow a search. */
    get scope() {
      return this.input.value.trim() && !this.went ? "" : this.node;
    }

    remove() {
      clearInterval(this.timer);
      clearTimeout(this.waiting);
      this.asked = Infinity;
      this.element.remove();
    }

    locale() {
      this.input.placeholder = hall.t("video.search");
      this.input.setAttribute("aria-label", hall.t("video.search"));
      setText(this.more, hall.t("video.more"));
      setText(this.everywhere, hall.t("video.directory.everywhere"));
      if (this.tree) this.paintTree();
    }

    soon() {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.open(), SEARCH_MS);
    }

    go(node) {
      this.node = kept(node) ?? node;
      this.went = true;
      this.list.scrollTop = 0;
      this.open();
    }

    async open() {
      const mine = (this.asked += 1);
      this.cursorUsed = false;
      const words = this.input.value.trim();
      try {
        const tree = await treeOf(this.scope);
        if (mine !== this.asked) return;
        this.tree = tree;
        this.paintTree();
        if (words || this.scope.includes(":")) await this.search("", mine);
        else this.paintRows([], null);
      } catch (error) {
        if (mine === this.asked) this.failed(error);
      }
    }

    failed(error) {
      if (error.reason === "unknown-node" && this.node) return this.begin(); // it went while we looked at it
      setText(this.status, `✕ ${hall.t("video.directory-failed", { why: hall.acting.why(error) })}`);
    }

    async search(cursor, turn) {
      const mine = turn || (this.asked += 1);
      const query = new URLSearchParams({ limit: PAGE, text: this.input.value.trim() });
      if (this.scope.includes(":")) query.set("node", this.scope);
      if (cursor) query.set("cursor", cursor);
      this.cursorUsed = !!cursor;
      try {
        const found = await hall.acting.ask(`/api/v1/channels?${query}`);
        if (mine === this.asked) this.paintRows(video.learn(found.rows), found, !!cursor);
      } catch (error) {
        if (mine === this.asked) this.failed(error);
      }
    }

    // -- painting ------------------------------------------------------------------------------------------------------------

    nameOf(step) {
      if (!step.id) return hall.t("video.tree.all");
      if (DIVISIONS.includes(step.id)) return hall.t(`video.tree.${step.id}`);
      return step.name || hall.t("video.tree.none");
    }

    paintTree() {
      const { tree } = this;
      const steps = [{ id: "", name: "" }, ...(tree.path || [])];
      if (this.scope && steps[steps.length - 1].id !== this.scope) steps.push({ id: this.scope, name: "" });
      place(this.trail, steps.map((step) => {
        const button = make("button.video-step", { type: "button", "data-step": step.id }, this.nameOf(step));
        button.onclick = () => this.go(step.id);
        return button;
      }), "data-step");
      const found = this.input.value.trim() ? [] : tree.children.filter((child) => child.total);
      const branches = found.map((child) => {
        const counts = make("span.video-count", {}, `${format.number(child.online)}/${format.number(child.total)}`);
        const button = make("button.video-branch", { type: "button", "data-node": child.id }, [make("span", {}, this.nameOf(child)), counts]);
        button.onclick = () => this.go(child.id);
        return button;
      });
      place(this.branches, branches, "data-node");
    }

    paintRows(rows, found, further) {
      const made = rows.map((row) => this.row(row));
      if (further) this.rows.append(...made);
      else place(this.rows, made, "data-channel");
      this.cursor = found && found.cursor;
      this.more.hidden = !this.cursor;
      setText(this.status, found && found.total ? hall.t("video.found", { n: format.number(found.total), online: format.number(found.online ?? 0) }) : this.nothing(found));
      this.everywhere.hidden = !(found && !found.total && this.input.value.trim() && this.scope);
    }

    /** Why nothing is listed, and what to do about it. */
    nothing(found) {
      const text = this.input.value.trim();
      if (found && text) return hall.t("video.directory.not-found", { text });
      if (!this.tree.children.some((child) => child.total)) return hall.t(this.node ? "video.directory.nothing-here" : "video.directory.empty");
      return "";
    }

    row(row) {
      const state = row.state || "unknown";
      const age = row.state_at ? hall.t("video.state-since", { age: format.age(row.state_at) }) : "";
      const parts = [make("span.video-row-state", {}, SHAPES[state] || "○"), make("span.video-row-name", {}, row.name || row.channel_id), make("span.video-row-owner", {}, row.owner || "")];
      const node = make("button.video-row", { type: "button", draggable: "true", "data-channel": row.subject, "data-channel-state": state, title: [hall.t(`channel.${state}`), row.state_by && hall.t("video.state-by-look"), age, row.district].filter(Boolean).join(" · ") }, parts);
      node.onclick = () => this.chosen(row.subject);
      return node;
    }

    drag(event) {
      const row = event.target.closest("[data-channel]");
      if (!row) return;
      event.dataTransfer.setData(video.DRAG, row.dataset.channel);
      event.dataTransfer.effectAllowed = "copyLink";
    }
  };
})();
