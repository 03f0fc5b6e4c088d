"""peek: says what admit would say, and changes nothing."""

import redis_scripts
from redis_scripts import BUCKET, RECORD

ARGUMENTS = ["search", "GET", "", 1, 1, 100, 60, 0, "enforce"]


def peek(scripts, *changed, keys=(RECORD, BUCKET)):
    return redis_scripts.read_admission(scripts.run("peek", keys, *(changed or ARGUMENTS)))


def contents(redis):
    return {name: redis.dump(name) for name in redis.keys("*")}


def test_it_tells_what_the_next_admission_will(played, redis):
    played.provision(limit=5, window=10, limit__search=3, quota_day=4, quota_month=100)
    for _ in range(6):
        told = peek(played)
        assert told == peek(played)
        assert told == played.admit()


def test_it_changes_nothing_even_where_admit_would_mend(played, redis):
    played.provision(limit=5, window=10, quota_day=4)
    played.admit()
    redis.hset(RECORD, "limit", 1)
    before = contents(redis)

    for _ in range(3):
        peek(played)

    assert contents(redis) == before


def test_it_refuses_like_admit(played, redis):
    for fields in ({"enabled": 0}, {"services": "other"}, {"methods": "PUT"}, {"expires": 5}, {"limit": "x"}, {"owner": "a\nb"}):
        played.provision(**fields)
        assert peek(played) == played.admit(), fields
    redis.delete(RECORD)
    assert peek(played).verdict == redis_scripts.UNKNOWN


def test_a_replica_may_answer_it(redis, texts):
    assert texts["peek"].startswith("#!lua flags=no-writes,allow-oom\n")
    assert texts["peek"].count("#!lua") == 1
