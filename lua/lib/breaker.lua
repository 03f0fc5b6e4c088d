-- What all breaker scripts share: how the hash sluice:breaker:{service} is read, and how a breaker moves from one state to another.
--
-- Redis needs no timer for it: an open breaker whose time is over stays `open` until somebody asks, and the first one to ask makes it half-open.

local function redis_clock_us()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- Returns a table of the fields with their types, or nil and Redis' error (a key that is no hash). What nobody could have meant counts as absent:
-- a breaker protects a service, so rubbish in it must not be what shuts the service.
local function read_breaker(key, now)
    local fields = redis.pcall('HMGET', key, 'state', 'generation', 'open_until', 'failures', 'window', 'ok', 'failed', 'ok_before',
        'failed_before', 'successes', 'probes', 'probe_id', 'opened', 'forced', 'changed')
    if fields.err then
        return nil, fields
    end

    local function number(index)
        local value = tonumber(fields[index])
        return value and value >= 0 and value < 2 ^ 53 and math.floor(value) or nil
    end

    local breaker = {
        state = fields[1],
        generation = number(2) or 0,
        open_until = number(3) or 0,
        failures = number(4) or 0,
        window = number(5),
        ok = number(6) or 0,
        failed = number(7) or 0,
        ok_before = number(8) or 0,
        failed_before = number(9) or 0,
        successes = number(10) or 0,
        probes = fields[11] or '',
        probe_id = number(12) or 0,
        opened = number(13) or 0,
        forced = fields[14],
        changed = number(15) or 0,
        now = now,
    }
    if breaker.state ~= 'open' and breaker.state ~= 'half_open' then
        breaker.state = 'closed'
    end
    if breaker.forced ~= 'open' and breaker.forced ~= 'closed' then
        breaker.forced = nil
    end
    if #breaker.probes % 16 ~= 0 then
        breaker.probes = ''
    end
    breaker.state = breaker.forced or breaker.state
    return breaker
end

-- Microseconds until asking for a probe makes sense; 0 also when only an operator can change anything.
local function wait_of(breaker)
    if breaker.state ~= 'open' or breaker.forced then
        return 0
    end
    return math.max(breaker.open_until - breaker.now, 0)
end

-- Every move starts a new generation with clean counters, so what is reported of an older one finds no match and does no harm.
-- Returns the reply of the script that caused it.
local function move_breaker(key, breaker, state, opened, wait_us)
    local generation = breaker.generation + 1
    redis.call('HSET', key, 'state', state, 'generation', generation, 'open_until', breaker.now + wait_us, 'failures', 0, 'ok', 0,
        'failed', 0, 'ok_before', 0, 'failed_before', 0, 'successes', 0, 'probes', '', 'opened', opened, 'changed', breaker.now)
    return {1, state, generation, wait_us}
end

-- Opens for the recovery time, doubled for each time in a row that it had to open, up to the cap.
local function open_breaker(key, breaker, recovery_ms, recovery_max_ms)
    local wait_ms = math.min(recovery_ms * 2 ^ breaker.opened, math.max(recovery_ms, recovery_max_ms))
    return move_breaker(key, breaker, 'open', breaker.opened + 1, wait_ms * 1000)
end
