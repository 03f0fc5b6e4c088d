-- What wrk sends: the worked example's aggregate.
wrk.method = "POST"
wrk.body = '{"query":"x"}'
wrk.headers["Content-Type"] = "application/json"
