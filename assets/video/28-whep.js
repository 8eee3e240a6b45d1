/* WebRTC through the hall's WHEP door: for a full picture over a lossy line, where lost packets are sent again.
 *
 * hall.video.lossy(on)   whether (from now on) large pictures of this screen come this way
 * new hall.video.Whep(out, {channel, quality, why, kind})   .element (<video>), .close()
 *   out.frame(element, captured)   captured: from the RTP timestamp by what the session's GET tells of both, real ms
 *   out.told({state, reason, level, why, converted, loss})   every few seconds
 *   out.state({state: "cut"})      the way is lost, a new one is being made; out.failed(): it does not come through
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const GATHER_MS = 300; // candidates of this machine; there is no server to ask for others
  const FIRST_MS = 6000; // from the question to the first picture
  const RETRIES = 2; // of a way that never showed anything
  const RETRY_MS = 800;
  const BACK_MS = 20000; // a way that did is tried for so long before the socket takes over
  const LOOK_MS = 250;
  const TOLD_MS = 2500; // how often the hall is asked how the session does
  const QUIET_MS = 900; // without a new picture for so long it is asked whether that is the camera
  const AGAIN_MS = 600;
  const ANSWER_MS = 1500;
  const LOST_MS = 2000; // not the camera: the way is lost
  const KEYS_MOST_MS = 12000; // key pictures may be so far apart
  const BELIEVED_MS = 60000; // an older picture would be a mistake in the reckoning

  const door = ({ channel, quality }) => `/video/whep/${channel.split("/").map(encodeURIComponent).join("/")}?quality=${quality}`;
  const csrf = () => ({ "x-hall-csrf": (hall.acting.who() && hall.acting.who().csrf) || hall.page.csrf || "" });

  const LOST = new Set(["disconnected", "failed", "closed"]);

  function end(session) {
    if (session) fetch(session, { method: "DELETE", headers: csrf(), keepalive: true }).catch(() => {});
  }

  /** Whether this screen hangs on a lossy line: its large pictures come by WebRTC then. Kept in this browser. */
  video.lossy = function (on) {
    try {
      if (on !== undefined) localStorage.setItem("hall-video-lossy", on ? "1" : "");
      return localStorage.getItem("hall-video-lossy") === "1";
    } catch (_) {
      return false; // a browser that keeps nothing
    }
  };

  video.Whep = class {
    constructor(out, options) {
      Object.assign(this, { out, options, tries: 0, closed: false, peer: null, session: "", told: null, asked: -Infinity, asking: null });
      Object.assign(this, { at: null, gap: 0, worked: false, lostAt: null }); // at: when this session's newest picture was shown
      this.figures = { decoded: 0, skipped: 0, errors: 0, restarts: 0 };
      this.element = hall.make("video.video-picture", { playsinline: "", disablepictureinpicture: "" });
      this.element.muted = true;
      this.element.autoplay = true;
      this.looking = setInterval(() => this.look(), LOOK_MS);
      this.watch();
      this.connect();
    }

    async connect() {
      const peer = (this.peer = new RTCPeerConnection({ iceServers: [] }));
      [this.at, this.told] = [null, null];
      this.limit = setTimeout(() => this.again(peer), FIRST_MS);
      const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      peer.ontrack = ({ streams, track }) => (this.element.srcObject = streams[0] || new MediaStream([track]));
      peer.onconnectionstatechange = () => LOST.has(peer.connectionState) && this.again(peer);
      try {
        await peer.setLocalDescription();
        await Promise.race([new Promise((done) => (peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done())), new Promise((done) => setTimeout(done, GATHER_MS))]);
        const headers = { "content-type": "application/sdp", "x-hall-ticket": await video.tickets.for(this.options), ...csrf() };
        if (peer !== this.peer || this.closed) return;
        const answer = await fetch(door(this.options), { method: "POST", headers, body: peer.localDescription.sdp, signal: AbortSignal.timeout(FIRST_MS) });
        if (answer.status === 403) video.tickets.forget(this.options);
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        const session = answer.headers.get("location") || "";
        if (peer !== this.peer || this.closed) return end(session);
        this.session = session;
        await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      } catch (_) {
        this.again(peer);
      }
    }

    // -- pictures ------------------------------------------------------------------------------------------------------

    watch() {
      const step = (now, about) => {
        if (this.closed) return;
        this.element.requestVideoFrameCallback(step);
        if (!this.peer || this.peer.connectionState !== "connected") return; // the last of a way that was given up
        clearTimeout(this.limit);
        this.gap = this.at === null ? 0 : now - this.at;
        this.at = now;
        [this.tries, this.worked, this.lostAt] = [0, true, null];
        this.figures.decoded += 1;
        this.out.frame(this.element, this.capturedAt(about.rtpTimestamp));
      };
      this.element.requestVideoFrameCallback(step);
    }

    /** When the picture with this RTP timestamp was taken; nothing where the hall did not tell, or cannot be right. */
    capturedAt(timestamp) {
      const { rtp, captured } = this.told || {};
      if (timestamp === undefined || rtp == null || captured == null) return undefined;
      const found = captured + ((timestamp - rtp) | 0) / 90; // both run over at 32 bits
      return Math.abs(hall.clock.real() - found) < BELIEVED_MS ? found : undefined;
    }

    // -- how it does ---------------------------------------------------------------------------------------------------

    /** No new picture is either the camera's silence, which the hall tells, or a way that is lost. */
    look() {
      if (!this.session || this.at === null) return;
      const now = performance.now();
      if (document.hidden) return void (this.at = now); // nothing is shown, so nothing is missed
      const silent = now - this.at;
      if (now - this.asked > (silent > QUIET_MS ? AGAIN_MS : TOLD_MS)) this.ask();
      const camera = this.told && this.told.state && this.told.state !== "live";
      if (!camera && silent > Math.max(LOST_MS, 2.2 * Math.min(this.gap, KEYS_MOST_MS))) this.again(this.peer);
    }

    async ask() {
      const { session, peer } = this;
      if (this.asking === session) return;
      this.asking = session;
      this.asked = performance.now();
      const answer = await fetch(session, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
      const told = answer && answer.ok ? await answer.json().catch(() => null) : null;
      this.asking = null;
      if (peer !== this.peer || this.closed) return;
      if (told) this.out.told((this.told = told));
      else if (performance.now() - this.at > QUIET_MS) this.again(peer); // pictures that go on need no answer
    }

    /** This way is lost: another one, soon; a way that never worked is given up after a few tries. */
    again(peer) {
      if (peer !== this.peer || this.closed || !peer) return;
      this.hangUp();
      this.figures.errors += 1;
      this.tries += 1;
      this.lostAt ??= performance.now();
      if (this.worked ? performance.now() - this.lostAt > BACK_MS : this.tries > RETRIES) return this.out.failed();
      this.out.state({ state: "cut", since: hall.clock.real() });
      const wait = this.worked ? Math.min(1000, 150 * 2 ** this.tries) * (0.5 + Math.random() / 2) : RETRY_MS * this.tries;
      this.retry = setTimeout(() => this.connect(), wait);
    }

    hangUp() {
      clearTimeout(this.limit);
      if (this.peer) this.peer.close();
      this.peer = null;
      end(this.session);
      this.session = "";
    }

    close() {
      this.closed = true;
      clearTimeout(this.retry);
      clearInterval(this.looking);
      this.hangUp();
      this.element.srcObject = null;
      this.element.remove();
    }
  };
})();
