"""Random histories against a model in exact integers: every field of every reply must be equal."""

import os
import random

import pytest
from admission_model import KeyModel, Policy

STEPS = 4000
SEEDS = [1, 2, 3] + ([random.SystemRandom().getrandbits(32)] if os.environ.get("SLUICE_LONG") else [])


def some_policy(dice):
    burst = dice.choice([1, 3, 10, 200])
    services = {"search": (dice.choice([2, 7, 50]), dice.choice([1, 10, 3600]), dice.choice([1, 4, 60]))} if dice.random() < 0.6 else {}
    return Policy(limit=dice.choice([1, 3, 7, 100, 999_983]), window=dice.choice([1, 60, 86400]), burst=burst, services=services,
                  quota_day=dice.choice([None, 5, 300]), quota_month=dice.choice([None, 40, 2000]))


def write_record(scripts, record, policy):
    fields = {"limit": policy.limit, "window": policy.window, "burst": policy.burst,
              "quota_day": policy.quota_day, "quota_month": policy.quota_month}
    for service, (limit, window, burst) in policy.services.items():
        fields.update({f"limit:{service}": limit, f"window:{service}": window, f"burst:{service}": burst})
    scripts.provision(record, **fields)


def move_clock(dice, scripts):
    kind = dice.random()
    if kind < 0.3:
        return
    if kind < 0.6:
        scripts.advance(us=dice.randrange(1, 2_000_000))
    elif kind < 0.9:
        scripts.advance(s=dice.randrange(1, 120))
    elif kind < 0.985:
        scripts.advance(s=dice.randrange(1, 40_000), us=dice.randrange(1_000_000))
    elif kind < 0.99:
        scripts.advance(s=dice.randrange(86400, 40 * 86400))
    else:
        scripts.set_clock(max(scripts.now_us - dice.randrange(1, 5 * 86400 * 1_000_000), 1_900_000_000_000_000))


def end_what_expired(scripts, bucket, model):
    """The played clock runs ahead of the server's: what it would have expired by now goes by hand. Nothing may be lost with it."""
    expires_at = scripts.client.execute_command("EXPIRETIME", bucket)
    if not 0 <= expires_at <= scripts.now_us // 1_000_000:
        return model
    assert model.is_at_rest(scripts.now_us)
    scripts.client.delete(bucket)
    return KeyModel()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_reply_of_a_random_history_equals_the_model(played, seed):
    dice = random.Random(seed)
    keys = [f"{{{number}}}" for number in range(3)]
    models = {key: KeyModel() for key in keys}
    policies = {}

    for step in range(STEPS):
        key = dice.choice(keys)
        record, bucket = f"sluice:key:{key}", f"sluice:bucket:{key}"
        if key not in policies or dice.random() < 0.01:
            policies[key] = some_policy(dice)
            write_record(played, record, policies[key])
        move_clock(dice, played)
        models[key] = end_what_expired(played, bucket, models[key])
        wanted = dice.choice([1, 1, 1, 2, 5, 30])
        least = dice.choice([1, wanted])
        mode = dice.choice(["enforce", "enforce", "enforce", "shadow"])
        service = dice.choice(["search", "scrape"])

        before = played.client.hgetall(bucket)
        told = played.admit(service=service, wanted=wanted, least=least, mode=mode, keys=(record, bucket))
        expected = models[key].admit(played.now_us, policies[key], service, wanted, least, mode)

        where = f"seed {seed}, step {step}, {policies[key]}, {service} {wanted}/{least} {mode}"
        assert (told.verdict, told.granted, told.is_shadow, told.wait_us, told.limits) == expected, where
        if told.granted == 0 and not any(limit.is_healed for limit in looked_at(models[key], policies[key], service)):
            assert played.client.hgetall(bucket) == before, where


def looked_at(model, policy, service):
    yield model.bucket
    if service in policy.services:
        yield model.services[service]
    if policy.quota_day:
        yield model.day
    if policy.quota_month:
        yield model.month
