/* WebRTC through the hall's WHEP door: for a full picture over a lossy line, where lost packets are sent again.
 *
 * hall.video.lossy(on)   whether (from now on) large pictures of this screen come this way
 * new hall.video.Whep(out, {channel, quality, why, kind})   .element (<video>), .close(); out.failed() when it does not come through
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const GATHER_MS = 300; // candidates of this machine; there is no server to ask for others
  const FIRST_MS = 6000; // from the question to the first picture
  const RETRIES = 2;
  const RETRY_MS = 800;

  const door = ({ channel, quality }) => `/video/whep/${channel.split("/").map(encodeURIComponent).join("/")}?quality=${quality}`;
  const csrf = () => ({ "x-hall-csrf": (hall.acting.who() && hall.acting.who().csrf) || hall.page.csrf || "" });

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
      Object.assign(this, { out, options, tries: 0, closed: false, peer: null, session: "" });
      this.figures = { decoded: 0, skipped: 0, errors: 0, restarts: 0 };
      this.element = hall.make("video.video-picture", { playsinline: "", disablepictureinpicture: "" });
      this.element.muted = true;
      this.element.autoplay = true;
      this.watch();
      this.connect();
    }

    async connect() {
      const peer = (this.peer = new RTCPeerConnection({ iceServers: [] }));
      this.limit = setTimeout(() => this.again(peer), FIRST_MS);
      const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      peer.ontrack = ({ streams, track }) => (this.element.srcObject = streams[0] || new MediaStream([track]));
      peer.onconnectionstatechange = () => ["failed", "closed"].includes(peer.connectionState) && this.again(peer);
      try {
        await peer.setLocalDescription();
        await Promise.race([new Promise((done) => (peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done())), new Promise((done) => setTimeout(done, GATHER_MS))]);
        const headers = { "content-type": "application/sdp", "x-hall-ticket": await video.tickets.for(this.options), ...csrf() };
        const answer = await fetch(door(this.options), { method: "POST", headers, body: peer.localDescription.sdp, signal: AbortSignal.timeout(FIRST_MS) });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        this.session = answer.headers.get("location") || "";
        const sdp = await answer.text();
        if (peer !== this.peer || this.closed) return this.hangUp();
        await peer.setRemoteDescription({ type: "answer", sdp });
      } catch (_) {
        this.again(peer);
      }
    }

    watch() {
      const step = (_, about) => {
        if (this.closed) return;
        this.element.requestVideoFrameCallback(step);
        clearTimeout(this.limit);
        this.tries = 0;
        this.figures.decoded += 1;
        // the sender's own clock, where it is told; else nothing is claimed of the age
        const told = about.captureTime === undefined ? undefined : performance.timeOrigin + about.captureTime + hall.clock.offset;
        this.out.frame(this.element, told);
      };
      this.element.requestVideoFrameCallback(step);
    }

    again(peer) {
      if (peer !== this.peer || this.closed) return;
      this.hangUp();
      this.figures.errors += 1;
      this.tries += 1;
      if (this.tries > RETRIES) return this.out.failed();
      this.retry = setTimeout(() => this.connect(), RETRY_MS * this.tries);
    }

    hangUp() {
      clearTimeout(this.limit);
      if (this.peer) this.peer.close();
      this.peer = null;
      if (this.session) fetch(this.session, { method: "DELETE", headers: csrf(), keepalive: true }).catch(() => {});
      this.session = "";
    }

    close() {
      this.closed = true;
      clearTimeout(this.retry);
      this.hangUp();
      this.element.srcObject = null;
      this.element.remove();
    }
  };
})();
