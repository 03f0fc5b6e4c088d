#!lua flags=allow-oom
-- breaker_try: may one request reach the service now? Asked only while a node's own view of the breaker is not closed.
--
--   KEYS   sluice:breaker:{service}
--   ARGV   probes at once, successes that close it, lease of a probe (ms)
--   reply  {0 refused | 1 closed, go | 2 go as a probe,  generation,  probe id, or when refused the wait in us (0: an operator holds it open)}

--@include lib/breaker.lua
--@include lib/claim_probe.lua

local breaker, problem = read_breaker(KEYS[1], redis_clock_us())
if problem then
    return problem
end
return {claim_probe(KEYS[1], breaker, tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))}
