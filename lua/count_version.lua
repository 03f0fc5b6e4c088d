#!lua flags=allow-oom
-- count_version: who called one version of a route, told by one worker about once a second.
--
--   KEYS   sluice:version:{route/version}          hash: requests, last_s
--          sluice:version_seen:{route/version}     sorted set: digest, second of the last call
--          sluice:version_calls:{route/version}    hash: digest, calls
--          sluice:version_keys:{route/version}     HyperLogLog: how many different keys there ever were
--   ARGV   requests in all, keys that are named (the longest unseen goes first), seconds until an unused version is forgotten,
--          then digest, calls and so on
--   reply  requests so far
--
-- Fixed cost in memory: what names keys is cut to the stated number, and how many there were is estimated (0.8 %).

local now_s = tonumber(redis.call('TIME')[1])
local named_max, forget_s = tonumber(ARGV[2]), ARGV[3]

local total = redis.call('HINCRBY', KEYS[1], 'requests', ARGV[1])
redis.call('HSET', KEYS[1], 'last_s', now_s)
for i = 4, #ARGV, 2 do
    redis.call('ZADD', KEYS[2], now_s, ARGV[i])
    redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1])
    redis.call('PFADD', KEYS[4], ARGV[i])
end
local excess = redis.call('ZCARD', KEYS[2]) - named_max
if excess > 0 then
    local forgotten = redis.call('ZPOPMIN', KEYS[2], excess)
    for i = 1, #forgotten, 2 do
        redis.call('HDEL', KEYS[3], forgotten[i])
    end
end
for _, key in ipairs(KEYS) do
    redis.call('EXPIRE', key, forget_s)
end
return total
