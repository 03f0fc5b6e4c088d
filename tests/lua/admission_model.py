"""What admit.lua should answer about limits, in exact integers: time in quarters of a microsecond, dates from the calendar library."""

import calendar
import dataclasses
import datetime

import redis_scripts
from redis_scripts import DAY_LIMIT, KEY_LIMIT, MONTH_LIMIT, SERVICE_LIMIT

QUARTERS_PER_S = 4_000_000


def whole_us(quarters):
    return -(-quarters // 4)


class BucketModel:
    def __init__(self):
        self.full_at = 0

    def look(self, now, kind, limit, window, burst):
        self.now, self.kind, self.limit, self.window, self.burst = now, kind, limit, window, burst
        self.unit = -(-window * QUARTERS_PER_S // limit)
        self.ahead = min(max(self.full_at - now, 0), self.unit * burst)
        self.is_healed = self.full_at - now > self.unit * burst
        self.available = (self.unit * burst - self.ahead) // self.unit
        return self

    def wait(self, units):
        return None if units > self.burst else self.ahead + units * self.unit - self.unit * self.burst

    def take(self, units):
        self.ahead += units * self.unit
        self.available -= units

    def keep(self):
        self.full_at = self.now + self.ahead

    def told(self, is_violated):
        more = self.ahead - (self.burst - self.available - 1) * self.unit if self.ahead else 0
        return redis_scripts.Limit(
            self.kind, is_violated, self.limit, self.window, self.available, whole_us(more), whole_us(self.ahead))


class PeriodModel:
    def __init__(self, kind):
        self.kind = kind
        self.stored = (0, 0)

    def look(self, now, quota):
        self.now, self.quota = now, quota
        start, end = (day_around if self.kind == DAY_LIMIT else month_around)(now // QUARTERS_PER_S)
        used, stored_end = self.stored
        self.start, self.end = start, end
        self.used = used if stored_end * QUARTERS_PER_S > now else 0
        self.is_healed = stored_end > end
        self.available = max(quota - self.used, 0)
        return self

    def wait(self, units):
        return None if units > self.quota else self.end * QUARTERS_PER_S - self.now

    def take(self, units):
        self.used += units
        self.available -= units

    def keep(self):
        self.stored = (self.used, self.end)

    def told(self, is_violated):
        left = whole_us(self.end * QUARTERS_PER_S - self.now) if self.used else 0
        return redis_scripts.Limit(self.kind, is_violated, self.quota, self.end - self.start, self.available, left, left)


def day_around(second):
    start = second - second % 86400
    return start, start + 86400


def month_around(second):
    date = datetime.datetime.fromtimestamp(second, datetime.timezone.utc)
    start = calendar.timegm((date.year, date.month, 1, 0, 0, 0))
    return start, start + calendar.monthrange(date.year, date.month)[1] * 86400


@dataclasses.dataclass
class Policy:
    """Of one key: what its record says."""
    limit: int
    window: int
    burst: int
    services: dict  # name -> (limit, window, burst)
    quota_day: int = None
    quota_month: int = None


class KeyModel:
    def __init__(self):
        self.bucket = BucketModel()
        self.services = {}
        self.day, self.month = PeriodModel(DAY_LIMIT), PeriodModel(MONTH_LIMIT)

    def admit(self, now_us, policy, service, wanted, least, mode):
        """Returns verdict, granted, shadow flag, wait_us and the limits, as the reply tells them."""
        now = now_us * 4
        limits = [self.bucket.look(now, KEY_LIMIT, policy.limit, policy.window, policy.burst)]
        if service in policy.services:
            limits.append(self.services.setdefault(service, BucketModel()).look(now, SERVICE_LIMIT, *policy.services[service]))
        if policy.quota_day:
            limits.append(self.day.look(now, policy.quota_day))
        if policy.quota_month:
            limits.append(self.month.look(now, policy.quota_month))

        is_shadow = mode == "shadow"
        if is_shadow:
            least = wanted
        violated = [limit for limit in limits if limit.available < least]
        waits = [limit.wait(least) for limit in violated]
        granted = wanted if is_shadow else 0 if violated else min([wanted] + [limit.available for limit in limits])
        for limit in limits:
            limit.take(min(granted, limit.available))
        if granted or any(limit.is_healed for limit in limits):
            for limit in limits:
                limit.keep()
        is_refused = bool(violated) and not is_shadow
        wait_us = whole_us(max(waits)) if is_refused and None not in waits else 0
        verdict = redis_scripts.LIMITED if is_refused else redis_scripts.ADMITTED
        return verdict, granted, is_shadow and bool(violated), wait_us, [limit.told(limit in violated) for limit in limits]

    def is_at_rest(self, now_us):
        """All buckets are full and all periods are over: forgetting the key changes nothing."""
        buckets = [self.bucket, *self.services.values()]
        return all(bucket.full_at <= now_us * 4 for bucket in buckets) and all(
            period.stored[1] * 1_000_000 <= now_us for period in (self.day, self.month))
