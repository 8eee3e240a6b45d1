"""ONVIF Profile S over SOAP 1.2: `onvif://user:password@host[:port][/path]` (`onvifs` over TLS).

Sources: ONVIF Core, Media (ver10) and PTZ (ver20) service specifications; OASIS WS-Security UsernameToken Profile 1.1. The
requests are checked against ONVIF's own WSDL in the tests. Cameras that ask for HTTP Digest get it as well.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import hashlib
import secrets
from urllib.parse import unquote, urlsplit, urlunsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

import httpx

from hall.core.clock import real_ms
from hall.core.errors import BadInput
from hall.core.xmltree import content, named, root
from video.media import SourceFailed
from video.ptz.driver import MOVE_SECONDS, DriverKind, Motion, Position, Preset, PtzFailed

_TIMEOUT = httpx.Timeout(4.0, connect=3.0)
#: cameras close a quiet connection when they like, many after 5 s: one that was quiet for longer than this is not used again
_KEPT_SECONDS = 2.0
LONGEST_SECONDS = 6.0  # one request with its answer
_LARGEST = 1024 * 1024
_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
_MEDIA = "http://www.onvif.org/ver10/media/wsdl"
_PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
_TYPES = "http://www.onvif.org/ver10/schema"
#: the only space whose numbers are degrees; what the generic one's -1…1 stand for only somebody who knows the camera can say
_DEGREES = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/SphericalPositionSpaceDegrees"
_GENERIC = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_DIGEST = f"{_WSSE}-username-token-profile-1.0#PasswordDigest"
_MOMENT = ("Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second")
_BASE64 = f"{_WSSE}-soap-message-security-1.0#Base64Binary"


class Onvif:
    """One camera; finds its services and its first turnable profile at the first call and remembers them."""

    def __init__(self, url: str, guard) -> None:
        try:
            parts = urlsplit(url)
            secure = parts.scheme.lower() == "onvifs"
            self._host, self._port = parts.hostname or "", parts.port or (443 if secure else 80)
        except ValueError:  # whose words would repeat a part of the address, which may be the password's
            raise PtzFailed("garbled", "no address of a camera: onvif://user:password@host:80") from None
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._base = ("https" if secure else "http", self._host, self._port)
        self._guard = guard
        self._device = self._address(parts.path if parts.path not in ("", "/") else "/onvif/device_service")
        self._services: dict[str, str] = {}
        self._profile = self._configuration = ""
        self._ahead_ms = 0  # the camera's clock against ours: a password's digest holds for minutes only
        self._client: httpx.AsyncClient | None = None

    # -- what a driver does ------------------------------------------------------------------------------------------

    async def move(self, motion: Motion) -> None:
        profile = await self._ready()
        if motion.still:
            await self._ptz(f"<Stop>{profile}<PanTilt>true</PanTilt><Zoom>true</Zoom></Stop>")
            return
        turn = f'<PanTilt xmlns="{_TYPES}" x="{motion.pan:.3f}" y="{motion.tilt:.3f}"/>'
        zoom = f'<Zoom xmlns="{_TYPES}" x="{motion.zoom:.3f}"/>'
        velocity = f"<Velocity>{turn if motion.pan or motion.tilt else ''}{zoom if motion.zoom else ''}</Velocity>"
        await self._ptz(f"<ContinuousMove>{profile}{velocity}<Timeout>PT{MOVE_SECONDS:.0f}S</Timeout></ContinuousMove>")

    async def presets(self) -> list[Preset]:
        answer = await self._ptz(f"<GetPresets>{await self._ready()}</GetPresets>")
        return [Preset(preset.get("token", ""), content(preset, "Name")) for preset in named(answer, "Preset")]

    async def recall(self, token: str) -> None:
        await self._ptz(f"<GotoPreset>{await self._ready()}<PresetToken>{escape(token)}</PresetToken></GotoPreset>")

    async def store(self, name: str, token: str = "") -> str:
        known = f"<PresetToken>{escape(token)}</PresetToken>" if token else ""
        profile = await self._ready()
        answer = await self._ptz(f"<SetPreset>{profile}<PresetName>{escape(name)}</PresetName>{known}</SetPreset>")
        found = next((content(element, "PresetToken") for element in named(answer, "SetPresetResponse")), "")
        if not found:
            raise PtzFailed("garbled", "the camera kept the preset without a token")
        return found

    async def position(self) -> Position:
        answer = await self._ptz(f"<GetStatus>{await self._ready()}</GetStatus>")
        turn, zoom = next(named(answer, "PanTilt"), None), next(named(answer, "Zoom"), None)
        moving = [element.text for element in named(answer, "PanTilt") if element.text and not element.attrib]
        return Position(
            pan=_number(turn, "x"), tilt=_number(turn, "y"), zoom=_number(zoom, "x"),
            moving=moving[0].strip() == "MOVING" if moving else None, space=turn.get("space", "") if turn is not None else "",
        )  # fmt: skip

    async def face(self, degrees: float, span: float | None = None) -> Position:
        before = await self.position()
        space, low, high = await self._absolute(span)
        if before.tilt is None or (before.space or _GENERIC) != space:
            raise PtzFailed("unsupported", "the camera does not tell where it looks in the space it is turned by")
        wanted = (degrees + 180) % 360 - 180
        turns = [turn if space == _DEGREES else 2 * turn / (span or 360.0) for turn in (wanted, wanted + 360, wanted - 360)]
        pan = next((turn for turn in turns if low <= turn <= high), None)
        if pan is None:
            raise PtzFailed("beyond", f"the camera turns from {low:g} to {high:g} only")
        await self.go(Position(pan=pan, tilt=before.tilt, space=space))
        return before

    async def go(self, position: Position) -> None:
        if position.pan is None or position.tilt is None:
            raise PtzFailed("unsupported", "the camera did not tell where it looked")
        space = f" space={quoteattr(position.space)}" if position.space else ""
        turn = f'<PanTilt xmlns="{_TYPES}" x="{position.pan:.5f}" y="{position.tilt:.5f}"{space}/>'
        zoom = f'<Zoom xmlns="{_TYPES}" x="{position.zoom:.5f}"/>' if position.zoom is not None else ""
        await self._ptz(f"<AbsoluteMove>{await self._ready()}<Position>{turn}{zoom}</Position></AbsoluteMove>")

    async def _absolute(self, span: float | None) -> tuple[str, float, float]:
        """The space in which a direction can be said, and how far the camera turns in it."""
        token = f"<ConfigurationToken>{escape(self._configuration)}</ConfigurationToken>"
        answer = await self._ptz(f"<GetConfigurationOptions>{token}</GetConfigurationOptions>")
        known = {content(space, "URI"): space for space in named(answer, "AbsolutePanTiltPositionSpace")}
        name = _DEGREES if _DEGREES in known else _GENERIC if span and _GENERIC in known else ""
        if not name:
            raise PtzFailed("no-degrees", "the camera knows no absolute position in degrees")
        try:
            return name, float(content(known[name], "XRange/Min")), float(content(known[name], "XRange/Max"))
        except ValueError:
            raise PtzFailed("garbled", "the camera tells a range that is none") from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    # -- finding out -------------------------------------------------------------------------------------------------

    async def _ready(self) -> str:
        """The profile to turn, as the element each call carries."""
        if not self._profile:
            with contextlib.suppress(PtzFailed):  # some do not tell their time to strangers; most clocks are right
                await self._set_clock()
            await self._find_services()
            self._profile = await self._turnable()
        return f"<ProfileToken>{escape(self._profile)}</ProfileToken>"

    async def _set_clock(self) -> None:
        answer = await self._ask(self._device, f'<GetSystemDateAndTime xmlns="{_DEVICE}"/>', signed=False)
        utc = next(named(answer, "UTCDateTime"), None)
        if utc is None:
            return
        parts = [content(utc, path) for path in _MOMENT]
        with contextlib.suppress(ValueError, OverflowError):
            moment = datetime.datetime(*map(int, parts), tzinfo=datetime.UTC)
            self._ahead_ms = int(moment.timestamp() * 1000) - real_ms()

    async def _find_services(self) -> None:
        answer = await self._ask(self._device, f'<GetCapabilities xmlns="{_DEVICE}"><Category>All</Category></GetCapabilities>')
        for name in ("Media", "PTZ"):
            element = next(named(answer, name), None)
            told = content(element, "XAddr") if element is not None else ""
            if not told:
                raise PtzFailed("unsupported", f"the camera has no {name} service")
            # cameras behind a translated address tell one that cannot be reached, and a lying one must not lead us elsewhere
            self._services[name] = self._address(_path(told))

    async def _turnable(self) -> str:
        answer = await self._ask(self._services["Media"], f'<GetProfiles xmlns="{_MEDIA}"/>')
        for profile in named(answer, "Profiles"):
            if (found := profile.find("PTZConfiguration")) is not None and profile.get("token"):
                self._configuration = found.get("token", "")
                return profile.get("token", "")
        raise PtzFailed("unsupported", "none of the camera's profiles can be turned")

    # -- speaking ----------------------------------------------------------------------------------------------------

    async def _ptz(self, body: str) -> Element:
        name = body[1 : min(body.index(end) for end in (">", " ") if end in body)]
        return await self._ask(self._services["PTZ"], body.replace(f"<{name}", f'<{name} xmlns="{_PTZ}"', 1))

    async def _ask(self, url: str, body: str, *, signed: bool = True) -> Element:
        head = self._security() if signed and self._user else ""
        envelope = (
            '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
            f"<s:Header>{head}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        )
        try:
            async with asyncio.timeout(LONGEST_SECONDS):  # the client's limits are for each part of an answer
                found, status = await self._posted(await self._reached(url), envelope)
            top = root(found)
        except SourceFailed as error:
            raise PtzFailed(error.reason, error.detail) from None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise PtzFailed("unreachable", type(error).__name__) from None
        except BadInput as error:
            raise PtzFailed("unauthorised" if status == 401 else "garbled", str(error)[:200]) from None
        fault = next(named(top, "Fault"), None)
        if fault is not None or status >= 400:
            raise _fault(fault, status)
        return top

    async def _posted(self, url: str, envelope: str) -> tuple[bytes, int]:
        """Once more on a new connection where the camera closed the kept one in this very moment."""
        try:
            return await self._post(url, envelope)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            return await self._post(url, envelope)

    async def _post(self, url: str, envelope: str) -> tuple[bytes, int]:
        if self._client is None:
            digest = httpx.DigestAuth(self._user, self._password) if self._user else None
            # verify: cameras sign their own certificates; trust_env: no proxy of ours knows them
            limits = httpx.Limits(max_connections=4, keepalive_expiry=_KEPT_SECONDS)
            self._client = httpx.AsyncClient(timeout=_TIMEOUT, limits=limits, auth=digest, verify=False, trust_env=False)
        headers = {"content-type": "application/soap+xml; charset=utf-8", "host": f"{self._host}:{self._port}"}
        body = bytearray()
        async with self._client.stream("POST", url, content=envelope.encode(), headers=headers) as answer:
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise PtzFailed("garbled", "an endless answer")
            return bytes(body), answer.status_code

    async def _reached(self, url: str) -> str:
        """The address with the machine it was checked to be: a name may not mean another one a moment later."""
        address = (await self._guard.addresses(self._host, self._port))[0]
        return url.replace("//" + self._netloc(self._host), "//" + self._netloc(address), 1)

    def _netloc(self, host: str) -> str:
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    def _address(self, path: str) -> str:
        return urlunsplit((self._base[0], self._netloc(self._host), path, "", ""))

    def _security(self) -> str:
        nonce = secrets.token_bytes(16)
        moment = datetime.datetime.fromtimestamp((real_ms() + self._ahead_ms) / 1000, datetime.UTC)
        created = f"{moment:%Y-%m-%dT%H:%M:%S}Z"
        digest = hashlib.sha1(nonce + created.encode() + self._password.encode()).digest()
        return (
            f"<Security xmlns={quoteattr(_WSSE + '-wssecurity-secext-1.0.xsd')}><UsernameToken>"
            f"<Username>{escape(self._user)}</Username>"
            f'<Password Type="{_DIGEST}">{base64.b64encode(digest).decode()}</Password>'
            f'<Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}</Nonce>'
            f'<Created xmlns="{_WSSE}-wssecurity-utility-1.0.xsd">{created}</Created></UsernameToken></Security>'
        )


def _path(address: str) -> str:
    try:
        return urlsplit(address).path or "/"
    except ValueError:
        raise PtzFailed("garbled", "the camera tells an address that is none") from None


def _fault(fault: Element | None, status: int) -> PtzFailed:
    codes = " ".join((value.text or "").strip() for value in named(fault, "Value")) if fault is not None else ""
    text = next(((element.text or "").strip() for element in named(fault, "Text")), "") if fault is not None else ""
    if status == 401 or "NotAuthorized" in codes or "FailedAuthentication" in codes:
        return PtzFailed("unauthorised", "the camera does not take the name and password it was given")
    if "ActionNotSupported" in codes or "OptionalActionNotImplemented" in codes:
        return PtzFailed("unsupported", text[:200] or "the camera cannot do this")
    return PtzFailed("refused", (text or codes or f"HTTP {status}")[:200])


def _number(element: Element | None, name: str) -> float | None:
    try:
        return float(element.get(name)) if element is not None else None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


DRIVER = DriverKind(name="onvif", schemes=("onvif", "onvifs"), open=Onvif)
