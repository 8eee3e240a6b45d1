#!/bin/sh
# What tests need beside Python packages: Chromium, a CJK font, Mosquitto, PostgreSQL's server, libfaketime, openssl, a C compiler, GStreamer's RTSP server. Installed through apt when root, named otherwise.
missing=""
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
{ command -v fc-list >/dev/null && fc-list | grep -qi 'noto.*cjk'; } || missing="$missing fonts-noto-cjk"
[ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null || missing="$missing mosquitto"
ls /usr/lib/postgresql/*/bin/postgres 2>/dev/null | grep -q . || command -v postgres >/dev/null || missing="$missing postgresql"
command -v openssl >/dev/null || missing="$missing openssl" # checks what the hall signed
if [ "$(uname)" = Linux ]; then # sets the clock of single processes
  ls /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 2>/dev/null | grep -q . || missing="$missing faketime"
  command -v gcc >/dev/null || missing="$missing gcc libc6-dev" # the disk that forgets what was not synced
  # a real RTSP server, driven by the system's Python
  /usr/bin/python3 -c "import gi; gi.require_version('GstRtspServer', '1.0')" 2>/dev/null || missing="$missing python3-gi gir1.2-gst-rtsp-server-1.0"
  for part in good:rtp bad:videoparsersbad ugly:x264; do
    ls /usr/lib/*/gstreamer-1.0/libgst"${part#*:}".so 2>/dev/null | grep -q . || missing="$missing gstreamer1.0-plugins-${part%:*}"
  done
fi
if [ "${1:-}" = bench ]; then # the peers that measurements run beside ours
  command -v npm >/dev/null || missing="$missing nodejs npm"
  command -v nats-server >/dev/null || missing="$missing nats-server"
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing for the tests:$missing"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends fontconfig $missing; } >/dev/null || {
    echo "could not install:$missing" >&2; exit 1; }
  # a broker that the package started is not ours: tests start their own on free ports
  exit 0
fi
echo "tests need:$missing. Install them (Debian/Ubuntu: sudo apt install$missing; macOS: brew install --cask chromium; brew install mosquitto postgresql)" >&2
exit 1
