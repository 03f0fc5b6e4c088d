-- May a request reach this service now? Returns verdict, generation, third: 0, generation, microseconds to wait | 1, generation, 0 (closed: go) |
-- 2, generation, probe id (half-open: this request is one of the probes).
--
-- A probe is a lease: 16 bytes in the field `probes` (its id and its end in microseconds, two doubles). A node that dies with a probe in hand gives
-- it back by dying.

-- The leases that still run, how many they are, and when the first of them ends.
local function running_probes(probes, now)
    local running, count, first_end = '', 0, math.huge
    for position = 1, #probes, 16 do
        local _, lease_end = struct.unpack('<dd', probes, position)
        if lease_end > now then
            running = running .. probes:sub(position, position + 15)
            count = count + 1
            first_end = math.min(first_end, lease_end)
        end
    end
    return running, count, first_end
end

local function claim_probe(key, breaker, probes, successes_needed, lease_ms)
    local now, generation, successes = breaker.now, breaker.generation, breaker.successes
    if breaker.state == 'closed' then
        return 1, generation, 0
    end
    if breaker.forced or (breaker.state == 'open' and now < breaker.open_until) then
        return 0, generation, wait_of(breaker)
    end

    local running, count, first_end = running_probes(breaker.probes, now)
    local changed = breaker.changed
    if breaker.state == 'open' then
        generation, successes, running, count, changed = generation + 1, 0, '', 0, now
    end

    -- No more at once than allowed, and no more than could still be needed to close it. With none under way there is always one to give:
    -- otherwise a lowered `successes` setting would leave the breaker half-open for ever.
    if count > 0 and (count >= probes or count + successes >= successes_needed) then
        return 0, generation, first_end - now
    end

    local id = breaker.probe_id + 1
    redis.call('HSET', key, 'state', 'half_open', 'generation', generation, 'successes', successes, 'probes',
        running .. struct.pack('<dd', id, now + lease_ms * 1000), 'probe_id', id, 'changed', changed)
    return 2, generation, id
end
