-- What wrk sends with --keys: each request with the next of so many API keys.
local requests, at = {}, 0

function init(arguments)
    for number = 1, tonumber(arguments[1]) do
        requests[number] = wrk.format("GET", nil, {["X-API-Key"] = arguments[2] .. "-" .. number})
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end
