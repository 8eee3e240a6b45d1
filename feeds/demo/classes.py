"""What citizens and patrols report: classes, limits and how often; sources (DOMAIN 1.3, 1.4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CaseClass:
    """`limit` in hours (mode urgent, work) or working days (mode days); `unit` is a key of names.UNITS."""

    code: str
    kind: str
    main: str
    sub: str
    weight: float
    limit: float
    mode: str
    unit: str
    severity: int
    text: str


_ROWS = (
    ("E0101", "occurrence", "市容环境", "暴露垃圾", 13, 4, "work", "sanitation", 0, "{place}有暴露垃圾堆放,影响市容"),
    ("E0102", "occurrence", "市容环境", "积存垃圾渣土", 6, 1, "days", "sanitation", 0, "{place}堆放渣土未清运"),
    ("E0103", "occurrence", "市容环境", "道路不洁", 7, 4, "work", "sanitation", 0, "{place}路面不洁,有抛洒物"),
    ("E0104", "occurrence", "市容环境", "垃圾桶满溢", 5, 2, "work", "sanitation", 0, "{place}垃圾桶满溢"),
    ("E0105", "occurrence", "市容环境", "绿地脏乱", 3, 1, "days", "garden", 0, "{place}绿地内有杂物"),
    ("E0201", "occurrence", "宣传广告", "非法小广告", 8, 1, "days", "enforcement", 0, "{place}墙面张贴小广告"),
    ("E0202", "occurrence", "宣传广告", "违规户外广告", 3, 5, "days", "enforcement", 0, "{place}{shop}擅自设置户外广告"),
    ("E0301", "occurrence", "施工管理", "施工扰民", 4, 4, "work", "building", 1, "{place}工地夜间施工噪声扰民"),
    ("E0302", "occurrence", "施工管理", "工地扬尘", 3, 4, "work", "building", 0, "{place}工地未采取降尘措施"),
    ("E0303", "occurrence", "施工管理", "施工占道", 2, 1, "days", "building", 0, "{place}施工围挡占用车道"),
    ("E0401", "occurrence", "街面秩序", "占道经营", 10, 2, "work", "enforcement", 0, "{place}流动摊贩占道经营"),
    ("E0402", "occurrence", "街面秩序", "店外经营", 9, 2, "work", "enforcement", 0, "{place}{shop}店外经营"),
    ("E0403", "occurrence", "街面秩序", "机动车乱停放", 7, 2, "work", "traffic", 0, "{place}机动车占压盲道停放"),
    ("E0404", "occurrence", "街面秩序", "共享单车乱停放", 4, 4, "work", "enforcement", 0, "{place}共享单车堆积"),
    ("E0501", "occurrence", "突发事件", "供水管破裂", 0.7, 1, "urgent", "water", 3, "{place}供水管道破裂,路面冒水"),
    ("E0502", "occurrence", "突发事件", "燃气管破裂", 0.15, 1, "urgent", "gas", 4, "{place}闻到燃气异味"),
    ("E0503", "occurrence", "突发事件", "排水管道堵塞", 2.2, 4, "urgent", "drainage", 1, "{place}污水井冒溢"),
    ("E0505", "occurrence", "突发事件", "路面塌陷", 0.5, 2, "urgent", "streets", 3, "{place}路面塌陷,已设警示"),
    ("E0508", "occurrence", "突发事件", "架空线缆脱落", 0.8, 4, "work", "telecom", 2, "{place}线缆垂落,影响通行"),
    ("C0101", "component", "公用设施", "上水井盖", 1.6, 4, "work", "water", 1, "{place}上水井盖松动异响"),
    ("C0102", "component", "公用设施", "污水井盖破损", 2.0, 4, "work", "drainage", 2, "{place}污水井盖破损"),
    ("C0103", "component", "公用设施", "雨水箅子缺失", 1.6, 2, "urgent", "streets", 2, "{place}雨水箅子缺失"),
    ("C0104", "component", "公用设施", "路灯不亮", 3.2, 2, "days", "light", 0, "{place}连续多盏路灯不亮"),
    ("C0105", "component", "公用设施", "通信交接箱破损", 0.9, 3, "days", "telecom", 0, "{place}通信交接箱门未关"),
    ("C0201", "component", "交通设施", "交通信号灯故障", 0.9, 2, "work", "traffic", 2, "{place}信号灯不亮"),
    ("C0202", "component", "交通设施", "护栏损坏", 2.0, 3, "days", "streets", 0, "{place}道路护栏损坏"),
    ("C0203", "component", "交通设施", "路面破损", 3.4, 5, "days", "streets", 0, "{place}路面坑洼"),
    ("C0301", "component", "市容环境", "果皮箱损坏", 1.7, 2, "days", "sanitation", 0, "{place}果皮箱损坏"),
    ("C0401", "component", "园林绿化", "行道树倒伏", 0.9, 4, "work", "garden", 2, "{place}行道树枝干断落"),
    ("C0402", "component", "园林绿化", "护树设施损坏", 1.3, 5, "days", "garden", 0, "{place}树池箅子损坏"),
    ("S0101", "service", "公共服务", "停水咨询", 1.4, 4, "work", "water", 0, "{place}小区停水,询问恢复时间"),
    ("S0102", "service", "公共服务", "供暖投诉", 1.4, 1, "days", "heat", 0, "{place}室温不达标"),
)
CLASSES = tuple(CaseClass(*row) for row in _ROWS)
PONDING = CaseClass(
    "E0506", "occurrence", "突发事件", "道路积水", 0, 2, "urgent", "drainage", 2, "{place}道路积水约{depth}厘米"
)
TREE = next(row for row in CLASSES if row.code == "C0401")
DRAIN = next(row for row in CLASSES if row.code == "E0503")

SOURCES = (
    ("监督员上报", 40.0), ("12345热线", 37.0), ("公众号", 9.0), ("视频抓拍", 6.0), ("12319热线", 4.0), ("网格员上报", 2.0),
    ("部门转办", 1.0), ("110联动", 0.6), ("领导批示", 0.3), ("媒体曝光", 0.2),
)  # fmt: skip

#: share of a day's reports by local hour: patrols by day, citizens in the evening, few at night
RHYTHM = (6, 4, 3, 2, 3, 6, 16, 40, 78, 92, 84, 62, 40, 46, 74, 84, 78, 60, 44, 40, 34, 24, 15, 9)

CLOSING = (
    "已清理完毕,现场已恢复",
    "已修复,恢复正常使用",
    "已劝导整改,现场秩序恢复",
    "已处置完毕,回访满意",
    "现场核查属实,已处置到位",
)
REFUSED = ("经现场核实,问题不存在", "与已有案件重复", "不属于城市管理职责范围", "位置不详,无法核实")
