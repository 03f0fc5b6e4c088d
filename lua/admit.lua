#!lua flags=allow-oom
-- admit: may this API key make this call now? Decides and charges in one step, so that any number of nodes enforce one policy.
--
--   KEYS   sluice:key:{H}      what an operator wrote about the key
--          sluice:bucket:{H}   what has been used of it; only this script writes it
--          sluice:breaker:{S}  optional: claim a pass of the service's breaker in the same step
--   ARGV   1 service, or those of an aggregate with the units of their own limits ("search:2 scrape:1", each once),
--          2 method, 3 scopes needed (one blank between) or '', 4 units wanted, 5 those of one request: the least acceptable,
--          and what is granted is a multiple of it,
--          6 limit, 7 window (s), 8 burst (0: as the limit) of records that name none, 9 enforce|shadow,
--          with a breaker: 10 probes at once, 11 successes that close it, 12 lease of a probe (ms)
--   reply  bytes, laid out in include/sluice/admission.h
--
-- Everything is looked at before anything is charged: a refused request costs nothing anywhere. What cannot be understood refuses and names its field.
--
-- Fields of the bucket, little-endian doubles: `limit` is the key's bucket and the second until which the hash is kept, `limit:<service>` the bucket
-- of that service, `quota` is day used, day end, month used, month start, month end.

local ADMITTED, UNKNOWN, DISABLED, EXPIRED, SERVICE, METHOD, SCOPE, LIMITED, BREAKER, BROKEN = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
local FLAG_SHADOW, FLAG_PROBE = 1, 2
local KEY_LIMIT, SERVICE_LIMIT, DAY_LIMIT, MONTH_LIMIT = 0, 1, 2, 3
local DAY_S, LONGEST_MONTH_S = 86400, 31 * 86400
local SHORTEST_KEEP_S, LONGEST_KEEP_S = 1800, 1e10 -- Redis takes no expiry beyond some bound; three centuries are below it
local LONGEST_US = 9e15 -- told of a longer time: what a double and a reader's integer both hold exactly

-- Redis makes this chunk's functions and tables anew for every request, and a function costs three times as much when it refers to a local of the
-- chunk. So the functions take arguments, what an ordinary record lacks is made where it is found, and an ordinary admission needs no table.
local service, method, scopes_needed = ARGV[1], ARGV[2], ARGV[3]
local wanted = tonumber(ARGV[4])
local least = ARGV[5] == ARGV[4] and wanted or tonumber(ARGV[5])
local is_shadow = ARGV[9] == 'shadow'
local ceil, max, min, huge = math.ceil, math.max, math.min, math.huge

-- An aggregate names several services, and each one's own limit is charged in units of its own. These limits, even a single one, are looked at and
-- charged beside the service limit of an ordinary request, which is then left out: so an ordinary request pays for none of it but this question.
local several
if service:find(':', 1, true) then
    several = {}
    for item, units in service:gmatch('([^%s:]+):(%d+)') do
        several[#several + 1] = {name = item, units = tonumber(units)}
    end
    service = several[1] and several[1].name or ''
end

-- An answer without limits. With BROKEN the field stands in the owner's place.
local function refuse(verdict, owner, name)
    return struct.pack('<BBBBI4dddHHc0c0', 1, verdict, 0, 0, 0, 0, 0, 0, #owner, #name, owner, name)
end

-- 1. Who is it?

local record = redis.pcall('HMGET', KEYS[1], 'enabled', 'expires', 'owner', 'name', 'services', 'methods', 'scopes', 'limit', 'window', 'burst',
    'limit:' .. service, 'window:' .. service, 'burst:' .. service, 'quota_day', 'quota_month')
if record.err then
    return refuse(BROKEN, 'record', '')
end

local enabled, expires = record[1], record[2]
if not enabled and redis.call('EXISTS', KEYS[1]) == 0 then
    return refuse(UNKNOWN, '', '')
end

-- Both names travel on in header fields of the request to the service: no control characters, no unbounded length. They are told with a refusal
-- too, so a bad one is blanked at once; but an operator's `enabled 0` comes before all complaints.
local owner, name, broken_name = record[3] or '', record[4] or '', nil
if #owner > 256 or owner:find('%c') then
    owner, broken_name = '', 'owner'
end
if name ~= '' and (#name > 256 or name:find('%c')) then
    name, broken_name = '', broken_name or 'name'
end

if not enabled or enabled == '0' then
    return refuse(DISABLED, owner, name)
elseif enabled ~= '1' then
    return refuse(BROKEN, 'enabled', '')
end

-- Digits only: tonumber alone takes "0x10", "1e9", "nan" and " 5 ", and gives nil for rubbish, which then looks like "no limit".
local function whole_number(text)
    local number = #text <= 32 and text:find('^%d+$') and tonumber(text)
    return number and number >= 1 and number <= 1e12 and number or nil
end

-- Once: Redis does not freeze its clock while a script runs.
local time = redis.call('TIME')
local second = tonumber(time[1])
local now = second * 1000000 + time[2]

if expires then
    local expires_at = whole_number(expires)
    if not expires_at then
        return refuse(BROKEN, 'expires', '')
    elseif expires_at <= second then
        return refuse(EXPIRED, owner, name)
    end
end
if broken_name then
    return refuse(BROKEN, broken_name, '')
end

-- 2. May it do this at all?

-- Item by item, since 'order' must not be found in 'orders'.
local function lists(list, word)
    for item in list:gmatch('[^%s,]+') do
        if item == word or item == '*' then
            return true
        end
    end
    return false
end

local services, methods, scopes = record[5] or '', record[6] or '*', record[7] or ''
if #services > 4096 then
    return refuse(BROKEN, 'services', '')
elseif #methods > 4096 then
    return refuse(BROKEN, 'methods', '')
elseif #scopes > 4096 then
    return refuse(BROKEN, 'scopes', '')
end
if services ~= '*' and not lists(services, service) then
    return refuse(SERVICE, owner, name)
elseif methods ~= '*' and not lists(methods, method) and not (method == 'HEAD' and lists(methods, 'GET')) then
    return refuse(METHOD, owner, name)
end
if several and services ~= '*' then
    for _, each in ipairs(several) do
        if not lists(services, each.name) then
            return refuse(SERVICE, owner, name)
        end
    end
end
if scopes_needed ~= '' then
    for scope in scopes_needed:gmatch('%S+') do
        if not lists(scopes, scope) then
            return refuse(SCOPE, owner, name)
        end
    end
end

-- 3. What is left of each limit?

local has_service_limit, has_quota_day, has_quota_month = not several and record[11], record[14], record[15]
local has_more = has_service_limit or has_quota_day or has_quota_month or several
local state
if has_more then
    state = redis.pcall('HMGET', KEYS[2], 'limit', 'limit:' .. service, 'quota')
else
    state = redis.pcall('HMGET', KEYS[2], 'limit')
end
if state.err then
    return refuse(BROKEN, 'bucket', '')
end

-- A bucket is one number, the instant at which it will be full again (GCRA's theoretical arrival time): a unit taken moves it on by `unit_us`, and it
-- may lie at most `depth_us` ahead. The time per unit is rounded up to a quarter of a microsecond, the grain of a double near now, so that all sums
-- and quotients are exact and no number of requests gains a unit; what that costs is below 0.1 % up to 4000 units a second.
--
-- An instant too far ahead (the clock was set back, the limit was lowered) is brought back to an empty bucket, or the key would stay shut until then.
-- Returns the units left, `unit_us`, `depth_us`, how far ahead the instant lies, and whether it had to be brought back.
local function look_at_bucket(full_at, now, limit, window, burst)
    local unit_us = math.ceil(window * 4000000 / limit) / 4
    local depth_us = unit_us * burst
    local ahead_us = math.max(full_at - now, 0)
    if ahead_us > depth_us then
        return 0, unit_us, depth_us, depth_us, true
    end
    return math.floor((depth_us - ahead_us) / unit_us), unit_us, depth_us, ahead_us, false
end

local limit = whole_number(record[8] or ARGV[6])
local window = whole_number(record[9] or ARGV[7])
local burst_text = record[10] or (ARGV[8] ~= '0' and ARGV[8])
local burst = limit
if burst_text then
    burst = whole_number(burst_text)
end
if not limit then
    return refuse(BROKEN, 'limit', '')
elseif not window then
    return refuse(BROKEN, 'window', '')
elseif not burst then
    return refuse(BROKEN, 'burst', '')
end
-- What is saved are instants and counts: finite and not negative. NaN fails every comparison.
local full_at, keep_until = 0, 0
if state[1] then
    if #state[1] ~= 16 then
        return refuse(BROKEN, 'bucket', '')
    end
    full_at, keep_until = struct.unpack('<dd', state[1])
    if not (full_at >= 0 and full_at < huge and keep_until >= 0 and keep_until < huge) then
        return refuse(BROKEN, 'bucket', '')
    end
end
-- must_heal: the state holds an instant further ahead than any request could have put it
local left, unit_us, depth_us, ahead_us, must_heal = look_at_bucket(full_at, now, limit, window, burst)

local service_limit, service_window, service_burst
local service_left, service_unit_us, service_depth_us, service_ahead_us, service_must_heal = huge
if has_service_limit then
    service_limit = whole_number(has_service_limit)
    service_window = whole_number(record[12] or record[9] or ARGV[7])
    service_burst = whole_number(record[13] or has_service_limit)
    local bad = not service_limit and 'limit:' or not service_window and 'window:' or not service_burst and 'burst:'
    if bad then
        return refuse(BROKEN, bad .. service, '')
    end
    full_at = 0
    if state[2] then
        full_at = #state[2] == 8 and struct.unpack('<d', state[2]) or -1
        if not (full_at >= 0 and full_at < huge) then
            return refuse(BROKEN, 'bucket', '')
        end
    end
    service_left, service_unit_us, service_depth_us, service_ahead_us, service_must_heal =
        look_at_bucket(full_at, now, service_limit, service_window, service_burst)
    must_heal = must_heal or service_must_heal
end

-- Of an aggregate's services those that have a limit, with what a bucket of that limit holds.
local limited
if several then
    limited = {}
    local rate_fields, bucket_fields = {'enabled'}, {'limit'} -- HMGET takes no empty list, which "*" lets come this far
    for index, each in ipairs(several) do
        rate_fields[3 * index - 1] = 'limit:' .. each.name
        rate_fields[3 * index] = 'window:' .. each.name
        rate_fields[3 * index + 1] = 'burst:' .. each.name
        bucket_fields[index + 1] = 'limit:' .. each.name
    end
    local rates = redis.call('HMGET', KEYS[1], unpack(rate_fields))
    local buckets = redis.call('HMGET', KEYS[2], unpack(bucket_fields))

    for index, each in ipairs(several) do
        local limit_text = rates[3 * index - 1]
        if limit_text then
            each.limit = whole_number(limit_text)
            each.window = whole_number(rates[3 * index] or record[9] or ARGV[7])
            each.burst = whole_number(rates[3 * index + 1] or limit_text)
            local bad = not each.limit and 'limit:' or not each.window and 'window:' or not each.burst and 'burst:'
            if bad then
                return refuse(BROKEN, bad .. each.name, '')
            end
            full_at = 0
            if buckets[index + 1] then
                full_at = #buckets[index + 1] == 8 and struct.unpack('<d', buckets[index + 1]) or -1
                if not (full_at >= 0 and full_at < huge) then
                    return refuse(BROKEN, 'bucket', '')
                end
            end
            local heals
            each.left, each.unit_us, each.depth_us, each.ahead_us, heals = look_at_bucket(full_at, now, each.limit, each.window, each.burst)
            must_heal = must_heal or heals
            limited[#limited + 1] = each
        end
    end
end

local day_quota, day_used, day_end
local month_quota, month_used, month_start, month_end
local day_left, month_left = huge, huge
if has_quota_day or has_quota_month then
    day_used, day_end, month_used, month_start, month_end = 0, 0, 0, 0, 0
    if state[3] then
        if #state[3] ~= 40 then
            return refuse(BROKEN, 'bucket', '')
        end
        day_used, day_end, month_used, month_start, month_end = struct.unpack('<ddddd', state[3])
        local sum = day_used + day_end + month_used + month_start + month_end
        if not (sum < huge and min(day_used, day_end, month_used, month_start, month_end) >= 0) then
            return refuse(BROKEN, 'bucket', '')
        end
    end
end
if has_quota_day then
    day_quota = whole_number(has_quota_day)
    if not day_quota then
        return refuse(BROKEN, 'quota_day', '')
    end
    -- An end too far ahead (the clock was set back) keeps what was used, but not its date.
    local today = second - second % DAY_S
    if day_end <= second then
        day_used = 0
    elseif day_end > today + DAY_S then
        must_heal = true
    end
    day_end = today + DAY_S
    day_left = max(day_quota - day_used, 0)
end
if has_quota_month then
    month_quota = whole_number(has_quota_month)
    if not month_quota then
        return refuse(BROKEN, 'quota_month', '')
    end

    -- First seconds of the UTC calendar month around now and of the next one. Years are counted from March, so that the leap day is a year's last
    -- (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
    local function month_around(second)
        local floor = math.floor
        local today = floor(second / DAY_S)
        local era = floor((today + 719468) / 146097)
        local day_of_era = (today + 719468) % 146097
        local year_of_era = floor((day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524) - floor(day_of_era / 146096)) / 365)
        local day_of_year = day_of_era - (365 * year_of_era + floor(year_of_era / 4) - floor(year_of_era / 100))
        local from_march = floor((5 * day_of_year + 2) / 153)
        local first_day = floor((153 * from_march + 2) / 5)

        local length = floor((153 * (from_march + 1) + 2) / 5) - first_day
        if from_march == 11 then
            local year = year_of_era + era * 400 + 1
            length = (year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)) and 29 or 28
        end
        local start_s = (today - (day_of_year - first_day)) * DAY_S
        return start_s, start_s + length * DAY_S
    end

    if month_end <= second then
        month_used = 0
        month_start, month_end = month_around(second)
    elseif month_start > second or month_end - second > LONGEST_MONTH_S then
        must_heal = true
        month_start, month_end = month_around(second)
    end
    month_left = max(month_quota - month_used, 0)
end

-- 4. Do all of them give?

if is_shadow then
    least = wanted
end
local least_left = min(left, service_left, day_left, month_left)
local granted = min(wanted, least_left)
if wanted ~= least then
    granted = granted - granted % least -- of several requests, so many whole ones
end
local is_exceeded = least_left < least
local wait_us = 0 -- until all of them give
if is_exceeded then
    if left < least then
        wait_us = least > burst and huge or ahead_us + least * unit_us - depth_us
    end
    if service_left < least then
        wait_us = max(wait_us, least > service_burst and huge or service_ahead_us + least * service_unit_us - service_depth_us)
    end
    if day_left < least then
        wait_us = max(wait_us, least > day_quota and huge or day_end * 1000000 - now)
    end
    if month_left < least then
        wait_us = max(wait_us, least > month_quota and huge or month_end * 1000000 - now)
    end
end
if several then
    -- Each gives all of its own units or refuses; what is granted of the other limits is not their matter.
    for _, each in ipairs(limited) do
        each.is_violated = each.left < each.units
        if each.is_violated then
            is_exceeded = true
            wait_us = max(wait_us, each.units > each.burst and huge or each.ahead_us + each.units * each.unit_us - each.depth_us)
        end
    end
end

local verdict, flags, generation, probe_id = ADMITTED, 0, 0, 0
if is_shadow then
    granted, wait_us = wanted, 0
    flags = is_exceeded and FLAG_SHADOW or 0
elseif is_exceeded then
    verdict = LIMITED
end

if KEYS[3] and verdict == ADMITTED then
    --@include lib/breaker.lua
    --@include lib/claim_probe.lua
    local breaker, problem = read_breaker(KEYS[3], now)
    if problem then
        return refuse(BROKEN, 'breaker', '')
    end
    local pass, third
    pass, generation, third = claim_probe(KEYS[3], breaker, tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]))
    if pass == 0 then
        verdict, wait_us = BREAKER, third
    elseif pass == 2 then
        flags, probe_id = flags + FLAG_PROBE, third
    end
end
if verdict ~= ADMITTED then
    granted = 0
end

-- 5. Charge, tell, keep. In shadow mode a limit gives what it has, which may be less than granted, and goes on measuring.

local available = left - min(granted, left)
ahead_us = ahead_us + (left - available) * unit_us
local more_us = ahead_us > 0 and ahead_us - (burst - available - 1) * unit_us or 0 -- until one more unit is there; after `ahead_us` all are
local keep_s = max(SHORTEST_KEEP_S, ceil(depth_us / 1000000))

local limit_count, more_limits = 1, ''
if has_more then
    local function tell(kind, is_violated, quota, units_window, units_left, one_more_us, full_us)
        limit_count = limit_count + 1
        more_limits = more_limits .. struct.pack('<BBddddd', kind, is_violated and 1 or 0, quota, units_window, units_left,
            ceil(min(one_more_us, LONGEST_US)), ceil(min(full_us, LONGEST_US)))
    end

    if has_service_limit then
        local service_available = service_left - min(granted, service_left)
        service_ahead_us = service_ahead_us + (service_left - service_available) * service_unit_us
        tell(SERVICE_LIMIT, service_left < least, service_limit, service_window, service_available,
            service_ahead_us > 0 and service_ahead_us - (service_burst - service_available - 1) * service_unit_us or 0, service_ahead_us)
        keep_s = max(keep_s, ceil(service_depth_us / 1000000))
    elseif several then
        local told -- one alone, or many would not fit the answer: one that refused, else the one with the smallest share left
        for _, each in ipairs(limited) do
            local charged = granted > 0 and min(each.units, each.left) or 0
            each.available = each.left - charged
            each.ahead_us = each.ahead_us + charged * each.unit_us
            each.share = each.is_violated and -1 or (each.left - each.units) / each.burst
            if not told or each.share < told.share then
                told = each
            end
            keep_s = max(keep_s, ceil(each.depth_us / 1000000))
        end
        if told then
            tell(SERVICE_LIMIT, told.is_violated, told.limit, told.window, told.available,
                told.ahead_us > 0 and told.ahead_us - (told.burst - told.available - 1) * told.unit_us or 0, told.ahead_us)
        end
    end
    if has_quota_day then
        local charged = min(granted, day_left)
        day_used = day_used + charged
        local wait = day_used > 0 and day_end * 1000000 - now or 0
        tell(DAY_LIMIT, day_left < least, day_quota, DAY_S, day_left - charged, wait, wait)
        keep_s = max(keep_s, day_end - second)
    end
    if has_quota_month then
        local charged = min(granted, month_left)
        month_used = month_used + charged
        local wait = month_used > 0 and month_end * 1000000 - now or 0
        tell(MONTH_LIMIT, month_left < least, month_quota, month_end - month_start, month_left - charged, wait, wait)
        keep_s = max(keep_s, month_end - second)
    end
end

if granted > 0 or must_heal then
    -- The hash must outlive every instant in it, since its end means full buckets. Its expiry is renewed when less than needed is left, and then for
    -- twice as long, so that an ordinary admission costs one write.
    keep_s = min(keep_s, LONGEST_KEEP_S)
    local must_renew = keep_until < second + keep_s
    if must_renew then
        keep_until = second + 2 * keep_s
    end
    local limit_field = struct.pack('<dd', now + ahead_us, keep_until)
    if not has_more then
        redis.call('HSET', KEYS[2], 'limit', limit_field)
    else
        local fields = {'limit', limit_field}
        if has_service_limit then
            fields[3], fields[4] = 'limit:' .. service, struct.pack('<d', now + service_ahead_us)
        elseif several then
            for _, each in ipairs(limited) do
                fields[#fields + 1] = 'limit:' .. each.name
                fields[#fields + 1] = struct.pack('<d', now + each.ahead_us)
            end
        end
        if has_quota_day or has_quota_month then
            fields[#fields + 1] = 'quota'
            fields[#fields + 1] = struct.pack('<ddddd', day_used, day_end, month_used, month_start, month_end)
        end
        redis.call('HSET', KEYS[2], unpack(fields))
    end
    if must_renew then
        redis.call('EXPIREAT', KEYS[2], keep_until)
    end
end

return struct.pack('<BBBBI4ddd BBddddd c0HHc0c0',
    1, verdict, flags, limit_count, granted, wait_us < huge and ceil(min(wait_us, LONGEST_US)) or 0, generation, probe_id,
    KEY_LIMIT, left < least and 1 or 0, limit, window, available, ceil(min(more_us, LONGEST_US)), ceil(min(ahead_us, LONGEST_US)),
    more_limits, #owner, #name, owner, name)
