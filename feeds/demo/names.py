"""Names of the demo city: plain, common Chinese names, with English beside them. Positions are metres from the centre."""

from __future__ import annotations

#: name, English, code of the administration, position of its seat, radius of influence (urban districts are small)
DISTRICTS = (
    ("红旗区", "Hongqi District", "410702", (3200, -2600), 1.0),
    ("卫滨区", "Weibin District", "410703", (-3400, -2300), 1.0),
    ("牧野区", "Muye District", "410711", (-600, 3600), 1.0),
    ("凤泉区", "Fengquan District", "410704", (-1500, 10200), 1.15),
    ("新乡县", "Xinxiang County", "410721", (-7500, -13500), 2.2),
    ("获嘉县", "Huojia County", "410724", (-26500, -9500), 2.5),
    ("原阳县", "Yuanyang County", "410725", (4000, -29500), 3.0),
    ("延津县", "Yanjin County", "410726", (27500, -9000), 2.9),
    ("封丘县", "Fengqiu County", "410727", (47500, -28000), 3.0),
    ("长垣市", "Changyuan City", "410728", (72500, -10000), 3.2),
    ("卫辉市", "Weihui City", "410781", (15500, 17500), 2.6),
    ("辉县市", "Huixian City", "410782", (-16500, 24500), 3.4),
)
URBAN = ("红旗区", "卫滨区", "牧野区")

#: arterials: west-east from south to north, south-north from west to east; taken from the middle outwards
EAST_WEST = (
    ("南环路", "South Ring Road"), ("科隆大道", "Kelong Avenue"), ("华兰大道", "Hualan Avenue"), ("金穗大道", "Jinsui Avenue"),
    ("平原路", "Pingyuan Road"), ("人民路", "Renmin Road"), ("滨河南路", "Binhe South Road"), ("滨河北路", "Binhe North Road"),
    ("建设路", "Jianshe Road"), ("和平路", "Heping Road"), ("学院路", "Xueyuan Road"), ("宏力大道", "Hongli Avenue"),
    ("北环路", "North Ring Road"),
)  # fmt: skip
NORTH_SOUTH = (
    ("西环路", "West Ring Road"), ("西华大道", "Xihua Avenue"), ("学院西街", "Xueyuan West Street"), ("自由街", "Ziyou Street"),
    ("解放大道", "Jiefang Avenue"), ("胜利街", "Shengli Street"), ("劳动街", "Laodong Street"), ("文化街", "Wenhua Street"),
    ("新中大道", "Xinzhong Avenue"), ("新飞大道", "Xinfei Avenue"), ("牧野大道", "Muye Avenue"),
    ("东明大道", "Dongming Avenue"), ("东环路", "East Ring Road"),
)  # fmt: skip
MINOR_FIRST = (
    "健康 荣校 中原 新华 新原 道清 友谊 向阳 红旗 文汇 北干 花园 南干 卫源 振中 凤凰 定国 五一 广场 长安 景明 春晓 明德 锦绣"
).split()

PARKS = (
    ("人民公园", "People's Park"), ("牧野湖公园", "Muye Lake Park"), ("定国湖公园", "Dingguo Lake Park"),
    ("平原体育公园", "Pingyuan Sports Park"), ("卫河湿地公园", "Weihe Wetland Park"), ("新区森林公园", "New Area Forest Park"),
    ("和谐公园", "Hexie Park"), ("凤湖公园", "Feng Lake Park"), ("牡丹园", "Peony Garden"),
    ("文化公园", "Culture Park"), ("向阳游园", "Xiangyang Garden"), ("赵定河公园", "Zhaoding River Park"),
    ("科技公园", "Science Park"), ("南湖公园", "South Lake Park"), ("怡园", "Yi Garden"),
    ("劳动游园", "Laodong Garden"),
)  # fmt: skip

#: department by what it looks after; {} is the district, empty for the city's own
UNITS = {
    "sanitation": "{}环境卫生服务中心",
    "enforcement": "{}综合行政执法大队",
    "streets": "{}市政设施服务中心",
    "drainage": "市排水设施管理处",
    "water": "市供水集团",
    "heat": "市热力公司",
    "gas": "市燃气公司",
    "light": "市照明管理所",
    "garden": "{}园林绿化服务中心",
    "traffic": "市公安局交警支队",
    "building": "{}住房和城乡建设局",
    "telecom": "通信线缆联合维护中心",
}

#: camera owners: name, sector digits of a GB/T 28181 id, share of the directory
CAMERA_OWNERS = (
    ("市公安局交警支队", "02", 58),
    ("市城市管理局", "08", 39),
    ("市水利局", "09", 17),
    ("市园林绿化中心", "08", 11),
    ("社区视频共享", "01", 14),
)

COMMUNITIES = "幸福 和平 文化 团结 新华 建设 卫河 东风 胜利 向阳 平原 健康 花园 学府 阳光 金谷 诚城 世纪".split()
SHOPS = "超市 早点铺 建材门市 烟酒店 水果店 药房 五金店 汽修店 饭店 服装店".split()
