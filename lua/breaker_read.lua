#!lua flags=no-writes,allow-oom
-- breaker_read: the breaker as a node or an operator needs to know it.
--
--   KEYS   sluice:breaker:{service}
--   reply  {state,  generation,  failures in a row,  us until a probe may be asked for,  open|closed when an operator said so else '',
--           when it last changed (us since 1970, 0: never)}

--@include lib/breaker.lua

local breaker, problem = read_breaker(KEYS[1], redis_clock_us())
if problem then
    return problem
end
return {breaker.state, breaker.generation, breaker.failures, wait_of(breaker), breaker.forced or '', breaker.changed}
