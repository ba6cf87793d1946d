"""What each sampler should do to a distribution, written out plainly over a dictionary of probabilities.

Sources: top-p, Holtzman et al. 2019 (arXiv:1904.09751); typical, Meister et al. 2022 (arXiv:2202.00666);
min-p, Nguyen et al. 2024 (arXiv:2407.01082). XTC drops, with its probability, all choices above the
threshold but the least likely of them.
"""

import math

Distribution = dict[int, float]


def softmax(logits: dict[int, float]) -> Distribution:
    highest = max(logits.values())
    weights = {token: math.exp(logit - highest) for token, logit in logits.items()}
    total = sum(weights.values())
    return {token: weight / total for token, weight in weights.items()}


def renormalized(kept: Distribution) -> Distribution:
    total = sum(kept.values())
    return {token: share / total for token, share in kept.items()}


def by_share(distribution: Distribution) -> list[tuple[int, float]]:
    return sorted(distribution.items(), key=lambda item: -item[1])


def up_to(ordered: list[tuple[int, float]], share: float) -> Distribution:
    """The first choices whose shares add up to at least `share`."""
    kept: Distribution = {}
    for token, probability in ordered:
        kept[token] = probability
        if sum(kept.values()) >= share:
            break
    return renormalized(kept)


def top_k(distribution: Distribution, k: int) -> Distribution:
    return renormalized(dict(by_share(distribution)[:k]))


def top_p(distribution: Distribution, p: float) -> Distribution:
    return up_to(by_share(distribution), p)


def min_p(distribution: Distribution, p: float) -> Distribution:
    least = p * max(distribution.values())
    return renormalized({token: share for token, share in distribution.items() if share >= least})


def typical(distribution: Distribution, p: float) -> Distribution:
    entropy = -sum(share * math.log(share) for share in distribution.values() if share > 0)
    surprising = sorted(distribution.items(), key=lambda item: abs(-math.log(item[1]) - entropy))
    return up_to(surprising, p)


def xtc(distribution: Distribution, probability: float, threshold: float) -> Distribution:
    above = [token for token, share in by_share(distribution) if share >= threshold]
    if len(above) < 2:
        return distribution
    dropped = renormalized({t: share for t, share in distribution.items() if t not in above[:-1]})
    return {
        token: (1 - probability) * share + probability * dropped.get(token, 0.0)
        for token, share in distribution.items()
    }


def with_temperature(distribution: Distribution, temperature: float) -> Distribution:
    return softmax({token: math.log(share) / temperature for token, share in distribution.items() if share})
