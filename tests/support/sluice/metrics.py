"""A strict reader of the Prometheus text format 0.0.4."""

import re

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.eE+-]+|NaN|[+-]Inf)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


class Metrics:
    def __init__(self, text):
        self.types, self.samples = {}, {}
        assert text.endswith("\n")
        for line in text.split("\n")[:-1]:
            self._take(line)
        self._check_histograms()

    def _take(self, line):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in self.types, f"{name} declared twice"
            assert kind in ("counter", "gauge", "histogram"), line
            self.types[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.match(line)
            assert match, f"not a sample: {line!r}"
            labels = match[2] or ""
            pairs = LABEL.findall(labels)
            assert "".join(f'{name}="{value}",' for name, value in pairs).rstrip(",") == labels.rstrip(","), line
            assert self._family(match[1]) in self.types, f"{match[1]} has no TYPE before it"
            identity = (match[1], frozenset(pairs))
            assert identity not in self.samples, f"{line} came twice"
            self.samples[identity] = float(match[3])

    def _family(self, name):
        for suffix in ("_bucket", "_sum", "_count"):
            if name.endswith(suffix) and self.types.get(name[:-len(suffix)]) == "histogram":
                return name[:-len(suffix)]
        return name

    def _check_histograms(self):
        for family in (name for name, kind in self.types.items() if kind == "histogram"):
            rows = {}
            for (name, labels), value in self.samples.items():
                if name == family + "_bucket":
                    bound = float(dict(labels)["le"])
                    rows.setdefault(frozenset(pair for pair in labels if pair[0] != "le"), []).append((bound, value))
            for labels, buckets in rows.items():
                buckets.sort()
                values = [value for _, value in buckets]
                assert values == sorted(values), f"{family} {labels} is not cumulative"
                assert buckets[-1] == (float("inf"), self.samples[(family + "_count", labels)]), (family, labels)
                assert (family + "_sum", labels) in self.samples

    def get(self, metric, **labels):
        """One sample; 0 when it is not there."""
        return self.samples.get((metric, frozenset(labels.items())), 0.0)

    def total(self, metric, **labels):
        """Sum over all samples that carry these labels."""
        wanted = set(labels.items())
        return sum(value for (name, have), value in self.samples.items() if name == metric and wanted <= have)
