"""Words by which China's warning signals are named (气象灾害预警信号发布与传播办法, local additions), Chinese and English."""

#: word -> kind of signal
KINDS = {
    "暴雨": "rainstorm", "台风": "typhoon", "暴雪": "snowstorm", "寒潮": "cold_wave", "大风": "gale", "沙尘暴": "sandstorm",
    "高温": "heat", "干旱": "drought", "雷电": "thunder", "雷暴大风": "thunder_gale", "雷雨大风": "thunder_gale",
    "冰雹": "hail", "霜冻": "frost", "大雾": "fog", "霾": "haze", "道路结冰": "icing", "山洪": "flood_flash", "洪水": "flood",
    "地质灾害": "geohazard", "强对流": "thunder_gale",
    "rainstorm": "rainstorm", "typhoon": "typhoon", "snowstorm": "snowstorm", "cold wave": "cold_wave", "gale": "gale",
    "sandstorm": "sandstorm", "drought": "drought", "hail": "hail", "frost": "frost",
    "road icing": "icing", "flash flood": "flood_flash", "geological hazard": "geohazard",
}  # fmt: skip
#: word -> colour. English ones only beside what they colour: a text may speak of a red line
COLOURS = {
    "蓝色": "blue", "黄色": "yellow", "橙色": "orange", "红色": "red",
    **{f"{colour} {noun}": colour for colour in ("blue", "yellow", "orange", "red") for noun in ("warning", "alert", "signal")},
}  # fmt: skip
#: parameters whose whole value may be a bare English colour
COLOUR_VALUES = {"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}
