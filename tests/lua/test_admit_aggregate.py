"""An aggregate asks for all of its services at once: every right, every limit, and nothing charged unless all give."""

import pytest
from redis_scripts import ADMITTED, BROKEN, BUCKET, KEY_LIMIT, LIMITED, SERVICE, SERVICE_LIMIT


def kinds(told):
    return [limit.kind for limit in told.limits]


@pytest.mark.parametrize("services, expected", [
    ("search scrape", ADMITTED), ("*", ADMITTED), ("scrape,search", ADMITTED), ("search", SERVICE), ("scrape", SERVICE), ("", SERVICE),
    ("search:1 scrape:1", SERVICE), ("searchscrape", SERVICE)])
def test_every_service_must_be_allowed(played, services, expected):
    played.provision(services=services)
    assert played.admit(service="search:1 scrape:1").verdict == expected


@pytest.mark.parametrize("service", [":", ":1", "search:", "search:x", " : "])
def test_a_list_without_a_service_gives_no_right(played, service):
    played.provision(services="search scrape")
    assert played.admit(service=service).verdict == SERVICE


def test_one_service_in_a_list_is_like_the_service(played):
    played.provision(limit=10, limit__search=5)
    listed = played.admit(service="search:1")
    assert (listed.verdict, [limit.remaining for limit in listed.limits]) == (ADMITTED, [9, 4])
    assert [limit.remaining for limit in played.admit(service="search").limits] == [8, 3]


def test_each_limit_is_charged_its_own_units(played):
    played.provision(limit=100, limit__search=10, limit__scrape=50)

    assert played.admit(service="search:2 scrape:3", wanted=7, least=7).verdict == ADMITTED

    left = {name: played.admit(service=name).limits for name in ("search", "scrape")}
    assert [limit.remaining for limit in left["search"]] == [100 - 7 - 1, 10 - 2 - 1]
    assert [limit.remaining for limit in left["scrape"]] == [100 - 7 - 2, 50 - 3 - 1]


@pytest.mark.parametrize("order", ["search:1 scrape:2", "scrape:2 search:1"])
def test_one_limit_that_refuses_leaves_all_of_them_alone(played, order):
    played.provision(limit=100, limit__search=10, limit__scrape=3)
    assert played.admit(service=order).verdict == ADMITTED
    before = played.client.hgetall(BUCKET)

    told = played.admit(service=order)

    assert told.verdict == LIMITED
    assert [(limit.kind, limit.is_violated, limit.quota) for limit in told.limits] == [(KEY_LIMIT, False, 100), (SERVICE_LIMIT, True, 3)]
    assert played.client.hgetall(BUCKET) == before


def test_a_refusal_by_the_key_takes_nothing_of_a_service_even_when_the_bucket_is_healed(played):
    played.provision(limit=2, window=60, limit__scrape=100, window__scrape=1_000_000)
    assert played.admit(service="scrape:2", wanted=2, least=2).verdict == ADMITTED
    before = played.client.hgetall(BUCKET)
    played.advance(s=-1000)  # too far for the key's bucket, but not for the service's

    told = played.admit(service="scrape:2", wanted=2, least=2)

    assert (told.verdict, [(limit.is_violated, limit.remaining) for limit in told.limits]) == (LIMITED, [(True, 0), (False, 97)])
    after = played.client.hgetall(BUCKET)
    assert (after[b"limit"] != before[b"limit"], after[b"limit:scrape"]) == (True, before[b"limit:scrape"])


def test_a_services_bucket_from_the_future_is_healed_by_a_refusal(played):
    played.provision(limit=1000, window=1_000_000, limit__scrape=2, window__scrape=60)
    assert played.admit(service="scrape:2").verdict == ADMITTED
    played.advance(s=-1000)
    assert played.admit(service="scrape:1").verdict == LIMITED
    played.advance(s=30)
    assert played.admit(service="scrape:1").verdict == ADMITTED


def test_waiting_as_long_as_told_is_enough(played):
    played.provision(limit=100, window=10, limit__scrape=2, window__scrape=7)
    assert played.admit(service="search:1 scrape:2").verdict == ADMITTED
    wait = played.admit(service="search:1 scrape:2").wait_us
    played.advance(us=wait - 1)
    assert played.admit(service="search:1 scrape:2").verdict == LIMITED
    played.advance(us=1)
    assert played.admit(service="search:1 scrape:2").verdict == ADMITTED


def test_of_the_services_limits_the_scarcest_is_told(played):
    played.provision(services="*", limit__a=100, limit__b=4, limit__c=50)
    told = played.admit(service="a:1 b:1 c:1")
    assert (kinds(told), told.limits[1].quota, told.limits[1].remaining) == ([KEY_LIMIT, SERVICE_LIMIT], 4, 3)


def test_many_services_fit_one_answer(played):
    names = [f"s{n}" for n in range(64)]
    played.provision(services="*", quota_day=100, quota_month=1000, **{f"limit__{name}": 5 for name in names})

    told = played.admit(service=" ".join(f"{name}:1" for name in names))

    assert told.verdict == ADMITTED
    assert len(told.limits) == 4
    assert all(played.admit(service=name).limits[1].remaining == 3 for name in names)


def test_shadow_mode_takes_only_what_is_there(played):
    played.provision(limit=100, limit__scrape=1)
    first, second = (played.admit(service="search:1 scrape:1", mode="shadow") for _ in range(2))
    assert (first.verdict, first.is_shadow) == (ADMITTED, False)
    assert (second.verdict, second.is_shadow, second.granted) == (ADMITTED, True, 1)


@pytest.mark.parametrize("field", ["limit:scrape", "window:scrape", "burst:scrape"])
def test_garbage_in_any_services_limit_is_told(played, field):
    played.provision(**{"limit__scrape": 5, field.replace(":", "__"): "rubbish"})
    told = played.admit(service="search:1 scrape:1")
    assert (told.verdict, told.owner.decode()) == (BROKEN, field)


def test_a_broken_bucket_of_any_service_is_told(played):
    played.provision(limit__scrape=5)
    played.client.hset(BUCKET, "limit:scrape", "rubbish")
    told = played.admit(service="search:1 scrape:1")
    assert (told.verdict, told.owner) == (BROKEN, b"bucket")


@pytest.mark.parametrize("count", [1, 3, 32])
def test_an_aggregate_is_two_reads_more_than_an_ordinary_admission_however_many_services(scripts, count):
    names = [f"s{n}" for n in range(count)]
    scripts.provision(services="*", quota_day=100, **{f"limit__{name}": 50 for name in names})
    service = " ".join(f"{name}:1" for name in names)
    scripts.admit(service=service)
    scripts.client.config_resetstat()

    assert scripts.admit(service=service).verdict == ADMITTED

    stats = scripts.client.info("commandstats")
    counted = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items() if not name.startswith("cmdstat_config")}
    assert counted == {"evalsha": 1, "hmget": 4, "time": 1, "hset": 1}
