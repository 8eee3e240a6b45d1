-- What tilemaker 2.x does with each object: walks RULES, which hall/map/schema.py writes above this text.

function init_function() end
function exit_function() end

local function name_of(object)
  for _, key in ipairs(NAME_KEYS) do
    local name = object:Find(key)
    if name ~= "" then return name end
  end
  return ""
end

local function write_names(object, english)
  local name = name_of(object)
  if name == "" then return end
  object:Attribute("name", name)
  local other = object:Find("name:en")
  if english and other ~= "" and other ~= name then object:Attribute("name:en", other) end
end

local function write_road(object, value)
  if object:Find("bridge") ~= "" and object:Find("bridge") ~= "no" then object:Attribute("brunnel", "bridge") end
  if object:Find("tunnel") ~= "" and object:Find("tunnel") ~= "no" then object:Attribute("brunnel", "tunnel") end
  if value:sub(-5) == "_link" then object:AttributeNumeric("ramp", 1) end
  local layer = tonumber(object:Find("layer"))
  if layer and layer ~= 0 and math.abs(layer) < 10 then object:AttributeNumeric("layer", layer) end
end

local function walk(object, shape, put, only)
  local seen = {}
  for _, rule in ipairs(RULES) do
    local value = object:Find(rule.key)
    if rule.shape == shape and (not only or rule.layer == only) and not seen[rule.layer] and value ~= "" and value ~= "no" then
      local found = rule.values[value] or rule.values["*"]
      if found and not (rule.named and name_of(object) == "") then
        seen[rule.layer] = true
        put(rule.layer)
        object:MinZoom(found[2])
        if found[1] ~= "" then object:Attribute("class", found[1]) end
        if NAMED[rule.layer] then write_names(object, rule.shape == "point") end
        if rule.layer == "transportation" then
          write_road(object, value)
          local ref = object:Find("ref")
          if rule.key == "highway" and (name_of(object) ~= "" or ref ~= "") then
            object:Layer("transportation_name", false)
            object:MinZoom(math.max(found[2], 8))
            object:Attribute("class", found[1])
            write_names(object, true)
            if ref ~= "" then object:Attribute("ref", ref) end
          end
        end
      end
    end
  end
end

function node_function(node)
  walk(node, "point", function(layer) node:Layer(layer, false) end)
end

function relation_scan_function(relation)
  if relation:Find("boundary") == "administrative" and ADMIN_ZOOM[tonumber(relation:Find("admin_level"))] then
    relation:Accept()
  end
end

local function border(way)
  local level = 99
  while true do
    local relation = way:NextRelation()
    if not relation then break end
    level = math.min(level, tonumber(way:FindInRelation("admin_level")) or 99)
  end
  if ADMIN_ZOOM[level] then
    way:Layer("boundary", false)
    way:MinZoom(ADMIN_ZOOM[level])
    way:AttributeNumeric("admin_level", level)
    if way:Find("maritime") == "yes" then way:AttributeNumeric("maritime", 1) end
  end
end

function way_function(way)
  border(way)
  if way:IsClosed() then
    walk(way, "area", function(layer) way:Layer(layer, true) end)
    walk(way, "point", function(layer) way:LayerAsCentroid(layer) end, "poi")
  end
  if way:Find("area") ~= "yes" then
    walk(way, "line", function(layer) way:Layer(layer, false) end)
  end
end
