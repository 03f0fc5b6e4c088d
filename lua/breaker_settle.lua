#!lua flags=allow-oom
-- breaker_settle: how a probe ended.
--
--   KEYS   sluice:breaker:{service}
--   ARGV   generation, probe id, success|failure|unknown, probes at once, successes that close it, recovery (ms), its cap (ms)
--   reply  {1 counted | 0 ignored,  state,  generation,  us until a probe may be asked for}
--
-- Ignored is what comes too late: the breaker has moved on, or the lease ended and was given to another. `unknown` (the client left before the service
-- answered) proves nothing, so its lease becomes free for the next request.

--@include lib/breaker.lua

-- The leases without this one; nil when it is not among them.
local function without_probe(probes, probe_id)
    for position = 1, #probes, 16 do
        if struct.unpack('<d', probes, position) == probe_id then
            return probes:sub(1, position - 1) .. probes:sub(position + 16)
        end
    end
    return nil
end

local breaker, problem = read_breaker(KEYS[1], redis_clock_us())
if problem then
    return problem
end
local generation, probe_id, outcome = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local successes_needed, recovery_ms, recovery_max_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local others = breaker.state == 'half_open' and breaker.generation == generation and without_probe(breaker.probes, probe_id)
if not others then
    return {0, breaker.state, breaker.generation, wait_of(breaker)}
end

if outcome == 'failure' then
    return open_breaker(KEYS[1], breaker, recovery_ms, recovery_max_ms)
end
local successes = breaker.successes + (outcome == 'success' and 1 or 0)
if outcome == 'success' and successes >= successes_needed then
    return move_breaker(KEYS[1], breaker, 'closed', 0, 0)
end
redis.call('HSET', KEYS[1], 'successes', successes, 'probes', others)
return {1, 'half_open', generation, 0}
