/**
 * Each change to a provider's response stream is one atomic script in Redis. So it is known, not guessed, which groups
 * existed when a copy was published and what each has received since.
 *
 * An entry holds `data`, `timestamp` and `bsig` (see `signReply`) for the agent, and for the broker `origin` (the id of
 * the first copy of this reply) and `groups` (JSON: the groups that existed when this copy was written; each has
 * received it or will). Agents can write to such a stream too, so entries of any other form are removed.
 */
const library = `
local function parts(id)
  local dash = string.find(id, '-', 1, true)
  return tonumber(string.sub(id, 1, dash - 1)), tonumber(string.sub(id, dash + 1))
end
local function atOrPast(a, b)
  local ams, aseq = parts(a)
  local bms, bseq = parts(b)
  return ams > bms or (ams == bms and aseq >= bseq)
end
local function pairsOf(list)
  local map = {}
  for i = 1, #list, 2 do map[list[i]] = list[i + 1] end
  return map
end
local function groupsOf(key)
  local list = redis.pcall('XINFO', 'GROUPS', key)
  local groups = {}
  if list.err then return groups end
  for _, group in ipairs(list) do groups[#groups + 1] = pairsOf(group) end
  return groups
end
local foreign = 0
local function groupsIn(text)
  if not text then return {} end
  local isRead, names = pcall(cjson.decode, text)
  if not isRead or type(names) ~= 'table' then return nil end
  for _, name in ipairs(names) do
    if type(name) ~= 'string' then return nil end
  end
  return names
end
-- The newest of our answers; later entries that are not answers are removed.
local function newestOf(key)
  local list = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 10)
  if list.err then return nil end
  for _, entry in ipairs(list) do
    local fields = pairsOf(entry[2])
    local names = groupsIn(fields.groups)
    local origin = fields.origin or entry[1]
    if fields.data and names and string.match(origin, '^%d+%-%d+$') then
      return { id = entry[1], data = fields.data, bsig = fields.bsig or '', origin = origin, groups = names }
    end
    redis.call('XDEL', key, entry[1])
    foreign = 1
  end
  if #list == 10 then redis.call('XTRIM', key, 'MAXLEN', 0) end
end
local function publish(key, reply, timestamp, origin, ttl)
  local names = {}
  local existing = groupsOf(key)
  if #existing > 64 then
    -- Each check of the answer would go through all of them. No provider has so many programs.
    redis.call('UNLINK', key)
    existing = {}
    foreign = 1
  end
  for _, group in ipairs(existing) do names[#names + 1] = group.name end
  local groups = #names == 0 and '[]' or cjson.encode(names)
  local args = { 'XADD', key, 'MAXLEN', '1', '*', 'data', reply.data, 'timestamp', timestamp, 'groups', groups }
  local function add(name, value)
    if value ~= '' then args[#args + 1] = name; args[#args + 1] = value end
  end
  add('bsig', reply.bsig)
  add('origin', origin)
  local id = redis.pcall(unpack(args))
  if type(id) == 'table' and id.err then
    -- Not a stream, or a stream whose last id leaves no room: its contents are of no use to anybody.
    redis.call('UNLINK', key)
    foreign = 1
    id = redis.call(unpack(args))
  end
  -- Without a new time to live, the key keeps that of the earlier copy.
  if ttl then redis.call('EXPIRE', key, ttl) end
  return id
end
`;

/**
 * KEYS stream. ARGV data, bsig ('' for none), timestamp, origin ('' for a new reply), ttl seconds, 'keep' to keep any
 * waiting reply. With an origin, it never replaces that reply or a newer one. Returns [the copy's id, or nothing; 1 if
 * foreign entries were removed].
 */
export const publishScript = `${library}
local newest = newestOf(KEYS[1])
if newest and (ARGV[6] == 'keep' or (ARGV[4] ~= '' and atOrPast(newest.origin, ARGV[4]))) then return { '', foreign } end
return { publish(KEYS[1], { data = ARGV[1], bsig = ARGV[2] }, ARGV[3], ARGV[4], ARGV[5]), foreign }
`;

/**
 * Checks once whether a reply has arrived. KEYS stream. ARGV origin, timestamp, 1 if it may be published again. Returns
 * [state, newest copy's id, 1 if foreign entries were removed]:
 *  - `acked`: a group that existed before the newest copy was given it and has acknowledged it;
 *  - `read`: was given it, and has not acknowledged it (yet);
 *  - `again`: a group was there that began past the reply; the reply was published once more for it;
 *  - `waiting`: nobody there, or those who are will be given it by their next read;
 *  - `lost`: the reply is not in the stream any more (it expired, or Redis lost it);
 *  - `superseded`: a newer reply has taken its place.
 */
export const checkReplyScript = `${library}
local key, origin = KEYS[1], ARGV[1]
local newest = newestOf(key)
if not newest or not atOrPast(newest.origin, origin) then return { 'lost', '', foreign } end
if newest.origin ~= origin then return { 'superseded', newest.id, foreign } end
local knew = {}
for _, name in ipairs(newest.groups) do knew[name] = true end
local read, missed = false, false
for _, group in ipairs(groupsOf(key)) do
  if atOrPast(group['last-delivered-id'], newest.id) then
    if knew[group.name] then
      read = true
      if #redis.call('XPENDING', key, group.name, newest.id, newest.id, 1) == 0 then
        return { 'acked', newest.id, foreign }
      end
    else
      missed = true
    end
  end
end
if missed and ARGV[3] == '1' then
  return { 'again', publish(key, newest, ARGV[2], origin), foreign }
end
return { read and 'read' or 'waiting', newest.id, foreign }
`;

/**
 * Publishes the same reply again, for an agent that received it and disappeared. KEYS stream. ARGV origin, timestamp.
 */
export const repeatScript = `${library}
local newest = newestOf(KEYS[1])
if not newest or newest.origin ~= ARGV[1] then return false end
return publish(KEYS[1], newest, ARGV[2], ARGV[1])
`;

/** Empties the stream once its reply is no longer needed, unless it holds a newer one. KEYS stream. ARGV origin. */
export const clearScript = `${library}
local newest = newestOf(KEYS[1])
if not newest or newest.origin ~= ARGV[1] then return 0 end
return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
`;
