local redis_client = require "nginx.redis"
local to_hex = ngx.md5 -- a digest of the key; LuaJIT's SHA-256 would cost the peer more
local key = ngx.req.get_headers()["x-api-key"]
if not key then return ngx.exit(401) end
local redis = redis_client:new()
redis:set_timeout(1000)
local ok = redis:connect(ngx.var.redis_path)
if not ok then return ngx.exit(503) end
if not script_sha then script_sha = redis:script("load", script_text) end
local answer, err = redis:evalsha(script_sha, 2, "peer:key:" .. to_hex(key), "peer:bucket:" .. to_hex(key))
redis:set_keepalive(60000, 128)
if not answer then return ngx.exit(503) end
ngx.header["X-RateLimit-Remaining"] = answer[2]
if answer[1] < 0 then return ngx.exit(401) end
if answer[1] == 0 then ngx.header["Retry-After"] = answer[2]; return ngx.exit(429) end
ngx.req.set_header("X-Consumer-Id", answer[3])
