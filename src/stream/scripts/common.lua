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

-- Returns a time that all entries of a stream are before, in ms since 1970, and sees to it that no later one is. Where the last id is
-- ahead of the clock, new ids would go on in its ms until the clock has caught up, hence the last id is raised by a ms.
local function time_after_all(stream)
  local now, last = clock(), ms_of(last_id(stream))
  if last >= now then
    now = last + 1
    redis.call('XSETID', stream, string.format('%.0f-0', now))
  end
  return now
end

-- Returns the time at which a stream would take an entry now, in ms since 1970: its ids never go back.
local function stream_time(stream)
  return math.max(clock(), ms_of(last_id(stream)))
end

-- Returns whether entry id a is below b.
local function below(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if #a_ms ~= #b_ms then return #a_ms < #b_ms end
  if a_ms ~= b_ms then return a_ms < b_ms end
  if #a_seq ~= #b_seq then return #a_seq < #b_seq end
  return a_seq < b_seq
end

-- Counts the entries of a stream that come after an id, up to another one.
local function count_after(stream, id, last)
  local count, page = 0, nil
  repeat
    page = redis.call('XRANGE', stream, '(' .. id, last, 'COUNT', 1000)
    count = count + #page
    if #page > 0 then id = page[#page][1] end
  until #page < 1000
  return count
end

-- Returns what Redis tells of a group of a stream that is there, by name; nil where there is no such group.
local function group_of(stream, name)
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = fields(flat)
    if group['name'] == name then return group end
  end
end
