"""count_version: calls of one version, by key, in memory of a fixed size."""

NAMES = [f"sluice:{kind}:{{api/1}}" for kind in ("version", "version_seen", "version_calls", "version_keys")]
TOTAL, SEEN, CALLS, KEYS = NAMES


def digest(number):
    return f"{number:064x}".encode()


def tell(scripts, requests, named_max, *callers, forget_s=1000):
    words = [word for number, calls in callers for word in (digest(number), calls)]
    return scripts.run("count_version", NAMES, requests, named_max, forget_s, *words)


def test_calls_add_up_by_key(scripts, redis):
    assert tell(scripts, 3, 10, (1, 2), (2, 1)) == 3
    assert tell(scripts, 5, 10, (1, 4)) == 8  # one of them by nobody known
    assert redis.hgetall(CALLS) == {digest(1): b"6", digest(2): b"1"}
    assert redis.pfcount(KEYS) == 2
    now_s = redis.time()[0]
    assert abs(int(redis.hget(TOTAL, "last_s")) - now_s) <= 2
    assert all(abs(score - now_s) <= 2 for _, score in redis.zrange(SEEN, 0, -1, withscores=True))


def test_what_names_keys_is_cut_and_how_many_there_were_is_not(scripts, redis):
    redis.zadd(SEEN, {digest(0): 1})  # the longest unseen
    redis.hset(CALLS, digest(0), 7)
    for start in range(0, 300, 50):
        tell(scripts, 50, 20, *[(number, 1) for number in range(start + 1, start + 51)])
        assert redis.zcard(SEEN) == redis.hlen(CALLS) == 20
    assert redis.zscore(SEEN, digest(0)) is None
    assert set(redis.hkeys(CALLS)) == set(redis.zrange(SEEN, 0, -1))
    assert abs(redis.pfcount(KEYS) - 300) < 15
    assert sum(redis.memory_usage(name) for name in NAMES) < 40000


def test_a_version_that_nobody_calls_is_forgotten(scripts, redis):
    tell(scripts, 1, 10, (1, 1), forget_s=77)
    assert all(0 < redis.ttl(name) <= 77 for name in NAMES)
