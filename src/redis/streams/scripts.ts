/**
 * Steps that must be atomic inside Redis. Ids are compared as text, because Lua numbers cannot represent the largest
 * ones, which are exactly what an attacker sends.
 */
const library = `
local function pairsOf(list)
  local map = {}
  for i = 1, #list, 2 do map[list[i]] = list[i + 1] end
  return map
end
local function lessNumber(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function less(a, b)
  local ams, aseq = string.match(a, '^(%d+)-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)-(%d+)$')
  if ams ~= bms then return lessNumber(ams, bms) end
  return lessNumber(aseq, bseq)
end
local function after(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  -- Lua cannot add to this number exactly: keep the entry, which a later run removes.
  if #seq > 15 then return id end
  return ms .. '-' .. string.format('%.0f', tonumber(seq) + 1)
end
-- Removes foreign data of another type from one of our keys. Returns 1 if there was any.
local function healed(key, kind)
  local found = redis.call('TYPE', key).ok
  if found == 'none' or found == kind then return 0 end
  redis.call('UNLINK', key)
  return 1
end
-- A count that we wrote is an integer that Lua can represent exactly.
local function isCount(text)
  return type(text) == 'string' and string.match(text, '^%-?%d+$') ~= nil and #text <= 15
end
local function groupIn(groups, name)
  for _, list in ipairs(groups) do
    local group = pairsOf(list)
    if group.name == name then return group end
  end
end
local function redisMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/**
 * KEYS stream, counter of trimmed entries. ARGV the arrival time (ms) before which nothing is kept, '=' or '~', our
 * group. Returns how many entries were removed, and 1 if the counter held foreign data and was recreated.
 */
export const trimScript = `${library}
local foreign = healed(KEYS[2], 'hash')
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err then return { 0, foreign } end
local last = pairsOf(redis.call('XINFO', 'STREAM', KEYS[1]))['last-generated-id']
local needed
for _, list in ipairs(groups) do
  local group = pairsOf(list)
  -- Somebody moved the group past the last entry: it is unknown which entries were read.
  if group.name == ARGV[3] and less(last, group['last-delivered-id']) then return { 0, foreign } end
  local first = after(group['last-delivered-id'])
  local pending = redis.call('XPENDING', KEYS[1], group.name)
  if pending[1] > 0 then first = pending[2] end
  if not needed or less(first, needed) then needed = first end
end
local kept = ARGV[1] .. '-0'
if needed and less(kept, needed) then kept = needed end
local args = { 'XTRIM', KEYS[1], 'MINID', ARGV[2], kept }
if ARGV[2] == '~' then args[#args + 1] = 'LIMIT'; args[#args + 1] = '0' end
local removed = redis.call(unpack(args))
local known = redis.call('HGET', KEYS[2], KEYS[1])
if known and not isCount(known) then
  redis.call('HDEL', KEYS[2], KEYS[1])
  foreign = 1
end
if removed > 0 then redis.call('HINCRBY', KEYS[2], KEYS[1], removed) end
return { removed, foreign }
`;

/**
 * Removes consumers that have nothing pending. KEYS stream. ARGV group, idle ms, a consumer, and whether to check
 * 'only' this consumer or all 'except' it. Returns how many were removed.
 */
export const idleConsumersScript = `${library}
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then return 0 end
local removed = 0
for _, list in ipairs(consumers) do
  local consumer = pairsOf(list)
  local meant = (consumer.name == ARGV[3]) == (ARGV[4] == 'only')
  if meant and consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    removed = removed + 1
  end
end
return removed
`;

/**
 * Checks a stream's health. A last id ahead of Redis's own clock was chosen by a sender: until that time comes, every
 * entry would have a forged arrival time, and after the largest id nothing can be added at all. The stream is then
 * moved aside under another name with its entries and groups, to make room for a new one; so is anything at this key
 * that is not a stream. A group moved past the last id would receive nothing more, so it is reset to the beginning.
 *
 * KEYS stream, the name to move it to, the register of moved streams, counter of trimmed entries.
 * ARGV tolerance ms, group, how long something that is not a stream is kept (s), how many fields the counter may have.
 * Returns [state, last id, entries removed by others since the last check, Redis's clock in ms, other irregularities].
 * The state is `healthy`, `absent`, `poisoned` (moved) or `foreign` (not a stream; moved). A negative number of removed
 * entries means that somebody replaced the stream. The irregularities are words: `counter`, `register` (they held
 * foreign data and were recreated), `uncounted` (no count was known for this stream) and `group`.
 */
export const checkStreamScript = `${library}
local now = redisMs()
local found = {}
local counted = redis.call('TYPE', KEYS[4]).ok == 'hash' and redis.call('HLEN', KEYS[4]) or 0
if counted > tonumber(ARGV[4]) then redis.call('UNLINK', KEYS[4]); found[#found + 1] = 'counter' end
if healed(KEYS[4], 'hash') == 1 then found[#found + 1] = 'counter' end
if healed(KEYS[3], 'set') == 1 then found[#found + 1] = 'register' end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return { 'absent', '0-0', 0, now, found } end
if kind ~= 'stream' then
  if redis.call('RENAMENX', KEYS[1], KEYS[2]) == 1 then redis.call('EXPIRE', KEYS[2], ARGV[3]) end
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[2], '0', 'MKSTREAM')
  redis.call('HSET', KEYS[4], KEYS[1], '0')
  return { 'foreign', '0-0', 0, now, found }
end
local info = pairsOf(redis.call('XINFO', 'STREAM', KEYS[1]))
local last = info['last-generated-id']
if less(string.format('%.0f-0', now + ARGV[1]), last) and redis.call('RENAMENX', KEYS[1], KEYS[2]) == 1 then
  redis.call('SADD', KEYS[3], KEYS[2])
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[2], '0', 'MKSTREAM')
  redis.call('HSET', KEYS[4], KEYS[1], '0')
  return { 'poisoned', last, 0, now, found }
end
local group = groupIn(redis.call('XINFO', 'GROUPS', KEYS[1]), ARGV[2])
if group and less(last, group['last-delivered-id']) then
  redis.call('XGROUP', 'SETID', KEYS[1], ARGV[2], '0')
  found[#found + 1] = 'group'
end
local gone = info['entries-added'] - info.length
local known = redis.call('HGET', KEYS[4], KEYS[1])
if known and not isCount(known) then
  known = false
  found[#found + 1] = 'counter'
elseif not known then
  found[#found + 1] = 'uncounted'
end
redis.call('HSET', KEYS[4], KEYS[1], string.format('%.0f', gone))
-- Entries that were gone before the first check do not count.
return { 'healthy', last, gone - tonumber(known or gone), now, found }
`;

/**
 * Lists some of the moved streams that must be emptied. Register entries that are not moved streams are removed:
 * otherwise they would be read and trimmed as if they were.
 *
 * KEYS register. ARGV the prefix of the names, how many. Returns [names, how many entries were not moved streams].
 */
export const movedScript = `${library}
local foreign = healed(KEYS[1], 'set')
local names = {}
for _, name in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[2])) do
  local isNamed = string.sub(name, 1, #ARGV[1]) == ARGV[1] and string.match(string.sub(name, #ARGV[1] + 1), '^%d+$')
  local kind = isNamed and redis.call('TYPE', name).ok
  if kind == 'stream' or kind == 'none' then
    names[#names + 1] = name
  else
    redis.call('SREM', KEYS[1], name)
    if isNamed then redis.call('UNLINK', name) end
    foreign = foreign + 1
  end
end
return { names, foreign }
`;

/**
 * Removes a moved stream once all its entries are acknowledged; the rest is kept as evidence for some days.
 * KEYS moved stream, the register of moved streams. ARGV group, entries kept, seconds kept. Returns 1 when it is
 * removed.
 */
export const retireScript = `${library}
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if not groups.err then
  for _, list in ipairs(groups) do
    local group = pairsOf(list)
    if group.name == ARGV[1] then
      -- An error here means that no id can follow the largest one.
      local unread = redis.pcall('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', 1)
      if group.pending > 0 or (not unread.err and #unread > 0) then return 0 end
    end
  end
  redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
redis.call('SREM', KEYS[2], KEYS[1])
return 1
`;

/**
 * Reads a group's entries up to a number and a total size, but at least one. It reads in portions that fit even if
 * every entry has the maximum size. Of a larger entry, only the beginning of its `data` is returned.
 *
 * KEYS stream. ARGV group, consumer, '>' or the id after which to read pending entries, entries, bytes, the maximum
 * size of an entry, how much of a larger one is returned.
 */
export const readScript = `
local after, wanted, room = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local most, kept = tonumber(ARGV[6]), tonumber(ARGV[7])
local read = {}
while #read < wanted and (#read == 0 or room >= most) do
  local count = math.max(1, math.min(wanted - #read, math.floor(room / most)))
  local reply = redis.pcall(
    'XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', count, 'STREAMS', KEYS[1], after)
  if reply and reply.err then return reply end
  local entries = reply and reply[1] and reply[1][2] or {}
  for _, entry in ipairs(entries) do
    local weight = 0
    if entry[2] then
      for _, text in ipairs(entry[2]) do weight = weight + #text end
      if weight > most then
        local data
        for i = 1, #entry[2], 2 do
          if not data and entry[2][i] == 'data' then data = entry[2][i + 1] end
        end
        -- An entry without data is rejected for that.
        entry[2] = data and { 'data', string.sub(data, 1, kept), 'cut', string.rep('-', kept) } or { 'cut', '' }
        weight = 2 * kept
      end
    end
    room = room - weight
    read[#read + 1] = entry
    if after ~= '>' then after = entry[1] end
  end
  if #entries < count then break end
end
return read
`;
