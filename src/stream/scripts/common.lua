-- What several scripts need: it takes the place of their line "@common".

-- Returns the time by Redis's clock, in ms since 1970.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Returns what names and values in turn say, by name.
local function fields(flat)
  local named = {}
  for index = 1, #flat, 2 do named[flat[index]] = flat[index + 1] end
  return named
end

-- Returns the ms of an entry's id.
local function ms_of(id)
  return tonumber(string.match(id, '(%d+)-'))
end

-- Returns the last id that a stream has given out or was raised to; "0-0" where there is none.
local function last_id(stream)
  if redis.call('EXISTS', stream) == 0 then return '0-0' end
  return fields(redis.call('XINFO', 'STREAM', stream))['last-generated-id']
end

-- Returns the time at which a stream would take an entry now, in ms since 1970: its ids never go back.
local function stream_time(stream)
  return math.max(clock(), ms_of(last_id(stream)))
end
