#!lua flags=allow-oom
-- breaker_report: what one node saw of a service while its breaker was closed; may open it.
--
--   KEYS   sluice:breaker:{service}
--   ARGV   generation, successes, failures, failures since the last success in this report, 1 if it holds a success else 0,
--          failures in a row that open (0: never), share of failures that opens (permille, 0: never), requests before the share counts,
--          window of the share (ms), recovery (ms), its cap (ms)
--   reply  {1 counted | 0 ignored,  state,  generation,  us until a probe may be asked for}
--
-- A healthy service is never reported: nodes speak up after a failure, and once more when a success follows.

--@include lib/breaker.lua

-- Two fixed windows stand for a sliding one: the part of the previous window that is still in sight counts by its share.
local function slide_window(breaker, window_us)
    local window = math.floor(breaker.now / window_us)
    if window ~= breaker.window then
        local is_next = breaker.window and window == breaker.window + 1
        breaker.ok_before = is_next and breaker.ok or 0
        breaker.failed_before = is_next and breaker.failed or 0
        breaker.ok, breaker.failed, breaker.window = 0, 0, window
    end
    return 1 - breaker.now % window_us / window_us
end

local function share_is_too_high(breaker, ratio_permille, minimum, window_us, ok, failed)
    local before = slide_window(breaker, window_us)
    breaker.ok, breaker.failed = breaker.ok + ok, breaker.failed + failed
    local all_failed = breaker.failed + breaker.failed_before * before
    local all = all_failed + breaker.ok + breaker.ok_before * before
    return all >= minimum and all_failed > 0 and all_failed * 1000 >= ratio_permille * all
end

local breaker, problem = read_breaker(KEYS[1], redis_clock_us())
if problem then
    return problem
end
local generation, ok, failed, streak, had_ok = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local failures_limit, ratio_permille, minimum = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local window_ms, recovery_ms, recovery_max_ms = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])

if breaker.forced or breaker.state ~= 'closed' or breaker.generation ~= generation then
    return {0, breaker.state, breaker.generation, wait_of(breaker)}
end

breaker.failures = had_ok and streak or breaker.failures + streak
local must_open = failures_limit > 0 and breaker.failures >= failures_limit
if ratio_permille > 0 and share_is_too_high(breaker, ratio_permille, minimum, window_ms * 1000, ok, failed) then
    must_open = true
end
if must_open then
    return open_breaker(KEYS[1], breaker, recovery_ms, recovery_max_ms)
end

redis.call('HSET', KEYS[1], 'state', 'closed', 'generation', generation, 'failures', breaker.failures, 'window', breaker.window or 0, 'ok',
    breaker.ok, 'failed', breaker.failed, 'ok_before', breaker.ok_before, 'failed_before', breaker.failed_before)
return {1, 'closed', generation, 0}
