"""A camera that is turned by ONVIF: takes only what ONVIF's own WSDL allows, checks the password, remembers what it did.

The schema check is zeep's, reading the WSDL that onvif-zeep-async ships: neither was written with our driver in mind.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import hashlib
from importlib.resources import files

import uvicorn
import zeep
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

WSDL = files("onvif") / "wsdl"
SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
PRESETS = {"1": "大门", "2": "low spot <A&B>"}
_SPACES = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
GENERIC, DEGREES = f"{_SPACES}PositionGenericSpace", f"{_SPACES}SphericalPositionSpaceDegrees"
_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"


def schemas():
    """Every element of the three services, as zeep reads them."""
    found = {}
    for name in ("devicemgmt", "media", "ptz"):
        types = zeep.Client(str(WSDL / f"{name}.wsdl")).wsdl.types
        found |= {str(element.qname): element for element in types.elements}
    return found


class OnvifCamera:
    """`done`: [(operation, values)]. Faults on purpose: `mode` in ok, no-ptz, garbage, silent, endless, dtd; `skew_s` moves its clock."""

    def __init__(self, elements, user="admin", password="口令&<1>"):
        self.elements, self.user, self.password = elements, user, password
        self.mode, self.skew_s, self.seen_host = "ok", 0, ""
        self.delay = self.late = 0.0  # seconds before it acts, and before it answers that it did
        self.done, self.invalid = [], []
        self.other_address = ""
        self.at, self.space = (-0.25, 0.5, 0.1), ""  # where it looks, and the space it says that in
        self.spaces = {GENERIC: (-1, 1)}  # absolute positions it knows, with their range of pan

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        self.seen_host = request.headers["host"]
        if self.mode == "silent":
            await asyncio.sleep(60)
        if self.mode == "garbage":
            return Response(b"<html>login</html" * 3, media_type="text/html")
        if self.mode == "dtd":
            return Response(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', media_type="application/soap+xml")
        top = etree.fromstring(body)
        call = top.find(f"{SOAP}Body")[0]
        operation = etree.QName(call).localname
        try:
            values = self.elements[call.tag].parse(call, None)
        except Exception as error:  # whatever zeep finds wrong with it
            self.invalid.append((operation, repr(error)))
            return self.fault("Sender", "not in the schema", 400)
        if operation != "GetSystemDateAndTime" and not self.known(top):
            return self.fault("NotAuthorized", "Sender not authorized", 400)
        await asyncio.sleep(self.delay)
        self.done.append((operation, values))
        await asyncio.sleep(self.late)
        if operation == "AbsoluteMove":
            turn, zoom = values.Position.PanTilt, values.Position.Zoom
            self.at, self.space = (turn.x, turn.y, zoom.x if zoom else self.at[2]), turn.space or ""
        return self.answer(operation)

    def known(self, top) -> bool:
        """Whether the digest is right and not older than a minute by the camera's clock."""
        token = top.find(f"{SOAP}Header/{_WSSE}Security/{_WSSE}UsernameToken")
        if token is None:
            return False
        created = token.findtext(f"{_WSU}Created")
        nonce = base64.b64decode(token.findtext(f"{_WSSE}Nonce"))
        right = base64.b64encode(hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()).decode()
        age = self.now() - datetime.datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
        fresh = abs(age.total_seconds()) < 60
        return token.findtext(f"{_WSSE}Username") == self.user and token.findtext(f"{_WSSE}Password") == right and fresh

    def now(self):
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.skew_s)

    def answer(self, operation) -> Response:
        now, host = self.now(), self.other_address or self.seen_host
        ptz = "" if self.mode == "no-ptz" else f"<tt:PTZ><tt:XAddr>http://{host}/onvif/ptz</tt:XAddr></tt:PTZ>"
        presets = "".join(
            f'<tptz:Preset token="{token}"><tt:Name>{name.replace("&", "&amp;").replace("<", "&lt;")}</tt:Name></tptz:Preset>'
            for token, name in PRESETS.items()
        )
        said = f' space="{self.space}"' if self.space else ""
        spaces = "".join(
            f"<tt:AbsolutePanTiltPositionSpace><tt:URI>{uri}</tt:URI><tt:XRange><tt:Min>{low}</tt:Min><tt:Max>{high}</tt:Max></tt:XRange>"
            "<tt:YRange><tt:Min>-90</tt:Min><tt:Max>90</tt:Max></tt:YRange></tt:AbsolutePanTiltPositionSpace>"
            for uri, (low, high) in self.spaces.items()
        )
        told = {
            "GetConfigurationOptions": f"<tptz:PTZConfigurationOptions><tt:Spaces>{spaces}</tt:Spaces></tptz:PTZConfigurationOptions>",
            "GetSystemDateAndTime": "<tds:SystemDateAndTime><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time>"
            f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime>",
            "GetCapabilities": f"<tds:Capabilities><tt:Media><tt:XAddr>http://{host}/onvif/media</tt:XAddr></tt:Media>{ptz}</tds:Capabilities>",
            "GetProfiles": '<trt:Profiles token="fixed"/><trt:Profiles token="main"><tt:PTZConfiguration token="p"/></trt:Profiles>',
            "GetPresets": presets,
            "SetPreset": "<tptz:PresetToken>7</tptz:PresetToken>",
            "GetStatus": f'<tptz:PTZStatus><tt:Position><tt:PanTilt x="{self.at[0]}" y="{self.at[1]}"{said}/><tt:Zoom x="{self.at[2]}"/></tt:Position>'
            "<tt:MoveStatus><tt:PanTilt>IDLE</tt:PanTilt></tt:MoveStatus></tptz:PTZStatus>",
        }.get(operation, "")
        return self.envelope(f"<tptz:{operation}Response>{told}</tptz:{operation}Response>")

    def fault(self, code, text, status) -> Response:
        body = f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        return self.envelope(f'{body}<s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason></s:Fault>', status)

    def envelope(self, body, status=200) -> Response:
        spaces = (
            'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error" '
            'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
            'xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"'
        )
        text = f'<?xml version="1.0"?><s:Envelope {spaces}><s:Body>{body}</s:Body></s:Envelope>'
        return Response(text.encode(), status, media_type="application/soap+xml")

    async def serve(self, listener) -> None:
        routes = [Route("/{path:path}", self.handle, methods=["POST"])]
        config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off", ws="none")
        self.server = uvicorn.Server(config)
        self.server.capture_signals = contextlib.nullcontext
        await self.server.serve(sockets=[listener])
