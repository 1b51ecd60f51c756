"""The rules of docs/study/full/registration.md as a plain loop, with SciPy's and statsmodels' tests."""

import numpy as np
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

LOOKS = {4: 0.00005, 6: 0.0009, 8: 0.0040, 10: 0.0100}  # as registered for four claims


def registered(gains, margins):
    """Verdict on a claim and the look that gave it, by the registration's own words; gains are (parts, seeds)."""
    reached = [look for look in LOOKS if look <= gains.shape[1]]
    for look in reached:
        tests = [(stats.ttest_rel(part[:look], np.zeros(look)), part[:look].mean()) for part in gains]
        if all(test.pvalue <= LOOKS[look] and mean > 0 for test, mean in tests):
            intervals = [test.confidence_interval(0.95) for test, _ in tests]
            small = all(-margin < each.low and each.high < margin for each, margin in zip(intervals, margins, strict=True))
            return ("smaller than the margin" if small else "supported"), look
        if any(len(gains) * test.pvalue <= LOOKS[look] and mean < 0 for test, mean in tests):
            return "refuted", look
        if look == 10:
            p = [ttost_paired(part[:look], np.zeros(look), -margin, margin)[0] for part, margin in zip(gains, margins, strict=True)]
            if max(p) <= 0.0125:
                return "equivalent", look
    return "not settled", reached[-1]
