"""The 20-digit ids of GB/T 28181-2022 (annex E): centre (region, 8 digits), sector 2, type 3, serial 7. Pure."""

from __future__ import annotations

from typing import NamedTuple

#: digits 11 to 13 of an id -> what it names
TYPES = {
    "111": "dvr", "112": "video_server", "113": "encoder", "114": "decoder", "115": "video_matrix", "116": "audio_matrix",
    "117": "alarm_controller", "118": "nvr", "130": "hvr", "131": "camera", "132": "camera", "133": "display",
    "134": "alarm_in", "135": "alarm_out", "136": "audio_in", "137": "audio_out", "138": "terminal", "139": "other_device",
    "200": "system", "201": "web_server", "202": "media_server", "203": "proxy_server", "204": "security_server",
    "205": "alarm_server", "206": "database_server", "207": "gis_server", "208": "management_server", "209": "gateway",
    "210": "storage_server", "211": "secure_router", "215": "business_group", "216": "virtual_organisation",
}  # fmt: skip
#: digits 9 and 10 -> who runs it, as the standard groups them; words for people are in the catalogues of the screens
SECTORS = {
    "00": "police_road", "01": "police_community", "02": "police_internal", "03": "police_other", "04": "traffic_road",
    "05": "traffic_checkpoint", "06": "traffic_internal", "07": "traffic_other", "08": "urban_management",
    "09": "health_environment", "10": "customs", "11": "education", "12": "civil_aviation", "13": "railway",
    "14": "shipping", "40": "agriculture", "41": "mining", "42": "manufacturing", "43": "metallurgy", "44": "power",
    "45": "gas", "46": "construction", "47": "logistics", "48": "post", "49": "information", "50": "hospitality",
    "51": "finance", "52": "real_estate", "53": "business_services", "54": "water_conservancy", "55": "entertainment",
}  # fmt: skip
#: first two digits of a region (GB/T 2260)
PROVINCES = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区", "21": "辽宁省", "22": "吉林省",
    "23": "黑龙江省", "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省",
    "37": "山东省", "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区", "61": "陕西省", "62": "甘肃省",
    "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区", "71": "台湾省", "81": "香港特别行政区",
    "82": "澳门特别行政区",
}  # fmt: skip
#: structures (PTZType) that turn by remote control: 1 dome, 4 remote bullet, 5 remote half dome
TURNING = frozenset({"1", "4", "5"})
_REGION_LENGTHS = (2, 4, 6, 8)


class Parts(NamedTuple):
    """An id in its parts; a civil region's own code has a centre only."""

    centre: str
    sector: str = ""
    type: str = ""
    serial: str = ""

    @property
    def kind(self) -> str:
        """What the id names: `camera`, `virtual_organisation` ..., `civil_region`, `type_<digits>` for others."""
        return TYPES.get(self.type, f"type_{self.type}") if self.type else "civil_region"


def parts_of(text: str) -> Parts | None:
    """A 20-digit id, or a civil region's code of 2, 4, 6 or 8 digits, in its parts; None for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) not in (*_REGION_LENGTHS, 20):
        return None
    return Parts(text) if len(text) < 20 else Parts(text[:8], text[8:10], text[10:13], text[13:])


def region_of(text: str) -> str:
    """The civil region a code names, without the empty pairs at its end: `41070200` gives `410702`, `410000` gives `41`.

    Longer codes (a street's 9 or 12 digits) count to the eighth digit. Empty for what is no region's code.
    """
    if not text.isascii() or not text.isdigit() or len(text) < 2:
        return ""
    code = text[: min(len(text), 8) // 2 * 2]
    while code.endswith("00"):
        code = code[:-2]
    return code


def regions_above(code: str) -> list[str]:
    """A region's code and those it lies in, outermost first: `410702` gives 41 (省), 4107 (市), 410702 (区)."""
    return [code[:length] for length in _REGION_LENGTHS if length <= len(code)]
