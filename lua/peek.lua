#!lua flags=no-writes,allow-oom
-- peek: what would admit say of this call now, and what would then be left? Nothing is charged, nothing changes: for `sluice explain`.
--
--   KEYS, ARGV and reply are those of lua/admit.lua without a breaker.
--
-- It is admit itself, whose writes are left out here; one that were forgotten would be refused by Redis (no-writes). So the two cannot come to differ.

local server = redis
local writes = {HSET = true, EXPIREAT = true}
local redis = {
    call = function(command, ...)
        if not writes[command] then
            return server.call(command, ...)
        end
    end,
    pcall = server.pcall,
}

--@include admit.lua
