/**
 * How requests are counted within a window, by the library of the limits (`customIncrTtlLuaScript`). What stands at the
 * key and is no count of ours is made anew: a value that is none, one without an end, or one that would last for longer
 * than any window does. So nobody is shut out for longer than a window by what somebody writes here.
 *
 * KEYS counter. ARGV points, seconds. Answers the count, and how many ms are left.
 */
export const countScript = `
local most = math.max(tonumber(ARGV[2]) * 1000, 300000)
local known = redis.pcall('GET', KEYS[1])
local ttl = redis.call('PTTL', KEYS[1])
local isOurs = type(known) == 'string' and string.match(known, '^%d+$') and #known <= 15 and ttl >= 0 and ttl <= most
if known ~= false and not isOurs then redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[1], 0, 'EX', ARGV[2], 'NX')
return { redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('PTTL', KEYS[1]) }
`;
