-- The peer's decision: key record and token bucket in one script, as a careful user of nginx and Lua would write it.
script_text = [[
local record = redis.call('HMGET', KEYS[1], 'enabled', 'services', 'limit', 'window', 'owner')
if record[1] ~= '1' then return {-1, 0, ''} end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window = tonumber(record[3]), tonumber(record[4])
local state = redis.call('HMGET', KEYS[2], 'tokens', 'at')
local tokens, at = tonumber(state[1]) or limit, tonumber(state[2]) or now
tokens = math.min(limit, tokens + (now - at) * limit / (window * 1000000))
if tokens < 1 then return {0, math.ceil((1 - tokens) * window / limit), record[5]} end
redis.call('HSET', KEYS[2], 'tokens', tokens - 1, 'at', string.format('%.0f', now))
redis.call('EXPIRE', KEYS[2], window * 2)
return {1, math.floor(tokens - 1), record[5]}
]]
script_sha = nil
