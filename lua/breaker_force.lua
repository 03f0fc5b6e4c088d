#!lua flags=allow-oom
-- breaker_force: an operator opens or closes a breaker until further notice, or hands it back to the automatic rules.
--
--   KEYS   sluice:breaker:{service}
--   ARGV   open|closed|auto
--   reply  {state,  generation}
--
-- Handed back, it begins closed with clean counters: what it counted before the override says nothing about now.

--@include lib/breaker.lua

local wish = ARGV[1]
if wish ~= 'open' and wish ~= 'closed' and wish ~= 'auto' then
    return redis.error_reply('ERR expected open, closed or auto')
end
local breaker, problem = read_breaker(KEYS[1], redis_clock_us())
if problem then
    return problem
end

if wish == 'auto' then
    redis.call('HDEL', KEYS[1], 'forced')
else
    redis.call('HSET', KEYS[1], 'forced', wish)
end
local moved = move_breaker(KEYS[1], breaker, wish == 'open' and 'open' or 'closed', 0, 0)
return {moved[2], moved[3]}
