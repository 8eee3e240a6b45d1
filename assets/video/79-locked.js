/* A locked console: nobody is known to look, so all its pictures are let go, and asked for again when it is opened. */
"use strict";

(function () {
  const hall = window.hall;
  const { video, desk } = hall;
  if (!desk || !desk.lock || !video || !video.feeds) return;

  function rest(feed) {
    feed.rest(); // a view on the socket: the relay is told
    if (!feed.resting && feed.player && feed.player instanceof video.Whep) {
      feed.wayLost = true;
      feed.player.close(); // the relay hears it from the way itself
    }
  }

  function wake(feed) {
    feed.wake();
    if (feed.wayLost && feed.views.size) feed.begin();
    feed.wayLost = false;
  }

  function settle() {
    if (desk.lock.locked) {
      video.tickets.forgetAll(); // leave to watch is asked for anew
      video.feeds().forEach(rest);
      if (video.playing) video.playing.player.pause();
    } else if (!document.hidden) {
      video.feeds().forEach(wake);
    }
  }

  desk.on("locked", settle);
  // after the listener of 30-feed.js, which wakes what was let go while nobody saw the page
  document.addEventListener("visibilitychange", settle);
})();
