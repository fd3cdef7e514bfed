/**
 * Counts requests within a window, for the rate limiter library (`customIncrTtlLuaScript`). A foreign value at the key
 * is recreated: one that is no number, has no expiry, or would outlast any window. So nobody is locked out for longer
 * than one window by what others write here.
 *
 * KEYS counter. ARGV points, seconds. Returns the count and the remaining ms.
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
