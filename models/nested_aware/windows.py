"""Systems read in windows of each host's records: background jobs, boots, chatter, daemons that always complain."""

import numpy as np
from simulated import (
    SELDOM,
    Alphabet,
    Execution,
    Rng,
    Sequence,
    System,
    When,
    discipline,
    failure_modes,
    jitter,
    log_size,
    log_uniform,
    merge,
    season,
    storm,
    storm_steps,
    stretch,
    struck,
)


def _random_job(alphabet: Alphabet, entity: int) -> Sequence:
    rng = alphabet.rng
    length = int(rng.choice([1, 2, 3, 5, 8], p=[0.45, 0.25, 0.15, 0.1, 0.05]))
    action = alphabet.new_action(entity)
    job = []
    for _ in range(length):
        if rng.random() < 0.4:
            action = alphabet.new_action(entity)
        job.append(
            alphabet.template(
                action,
                alphabet.calm()
                if rng.random() < (0.995 if alphabet.plain else 0.93)
                else alphabet.alarming(),
            )
        )
    return job


def _add_complaints(rng: Rng, alphabet: Alphabet, role_jobs: list[list[Sequence]]) -> None:
    """Daemons that complain all day, and nobody minds: the whole window of a host that has such a role."""
    for _ in range(0 if alphabet.plain else int(rng.choice([0, 1, 2, 3], p=[0.3, 0.3, 0.25, 0.15]))):
        daemon = alphabet.new_entity()
        actions = [alphabet.new_action(daemon) for _ in range(int(rng.integers(1, 4)))]
        words = [
            alphabet.template(
                int(rng.choice(actions)), alphabet.complaining() if rng.random() < 0.75 else alphabet.calm()
            )
            for _ in range(int(rng.integers(1, 9)))
        ]
        usual = 1.0 / np.arange(1, len(words) + 1) ** rng.uniform(0.2, 2.5)
        at_length = int(log_uniform(rng, 1, 200))
        jobs = role_jobs[int(rng.integers(len(role_jobs)))]
        for _ in range(int(rng.integers(1, 5))):
            count = max(1, int(at_length * rng.uniform(0.5, 1.0)))
            jobs.append([int(word) for word in rng.choice(words, size=count, p=usual / usual.sum())])


def _random_tail(rng: Rng, alphabet: Alphabet, daemons: list[int]) -> list[Sequence]:
    """Jobs that run now and then, some of them complaining."""
    tail = [
        _random_job(alphabet, int(rng.choice(daemons)) if rng.random() < 0.6 else alphabet.new_entity())
        for _ in range(int(log_uniform(rng, 3, 40) if alphabet.plain else log_uniform(rng, 10, 400)))
    ]
    for job in tail:
        if rng.random() < (0.01 if alphabet.plain else 0.12 if alphabet.leveled else 0.25):
            worry = alphabet.alarming if rng.random() < 0.5 else alphabet.complaining
            alphabet.severity[job[0]] = worry(SELDOM)
    return tail


def _complain_now_and_then(rng: Rng, alphabet: Alphabet, common: list[Sequence], daemons: list[int]) -> None:
    """What every host does complains, too."""
    if alphabet.plain and rng.random() < 0.3:
        # Here what is minded is seldom, and what is often is not minded.
        complaint = alphabet.template(alphabet.new_action(int(rng.choice(daemons))), alphabet.complaining())
        common.insert(int(rng.integers(max(len(common) // 2, 1))), [complaint])
    # And common jobs that end in a complaint.
    for job in common:
        if rng.random() < (0.0 if alphabet.plain else 0.08):
            job.append(alphabet.template(alphabet.action[job[-1]], alphabet.complaining()))


def _random_storms(
    rng: Rng, alphabet: Alphabet, daemons: list[int], boots: list[Sequence]
) -> list[tuple[When, Sequence]]:
    """What most hosts write at the same time, each with the chances of it."""
    storms = [
        (storm(rng), storm_steps(rng, alphabet, daemons))
        for _ in range(int(rng.choice([0, 1, 2, 4], p=[0.45, 0.2, 0.18, 0.17])))
    ]
    if boots and rng.random() < 0.3:
        storms.append((storm(rng), boots[0]))
    return storms


def window_system(rng: Rng) -> System:
    """A system read in windows of each host's records."""
    alphabet = Alphabet(rng, bool(rng.random() < 0.5), float(rng.choice([0.0, 0.3, 0.6, 0.85])))
    alphabet.plain = bool(rng.random() < 0.35)
    discipline(rng, alphabet)
    daemons = [alphabet.new_entity() for _ in range(int(rng.integers(3, 25)))]
    common = [_random_job(alphabet, int(rng.choice(daemons))) for _ in range(int(rng.integers(3, 15)))]
    roles = int(rng.integers(1, 6))
    role_jobs = [
        [_random_job(alphabet, alphabet.new_entity()) for _ in range(int(rng.integers(0, 6)))]
        for _ in range(roles)
    ]
    _add_complaints(rng, alphabet, role_jobs)
    _complain_now_and_then(rng, alphabet, common, daemons)
    tail = _random_tail(rng, alphabet, daemons)
    tail_times = [season(rng, 0.4) for _ in tail]
    boots = [_random_boot(alphabet, daemons) for _ in range(int(rng.integers(0, 2 if alphabet.plain else 6)))]
    boot_chance = log_uniform(rng, 0.0005, 0.04)
    # Hosts are often started together.
    boot_time = season(rng, 0.5)
    storms = [] if alphabet.plain else _random_storms(rng, alphabet, daemons, boots)

    role_share = 1.0 / np.arange(1, roles + 1) ** rng.uniform(0.3, 2.5)
    role_share /= role_share.sum()
    common_share = 1.0 / np.arange(1, len(common) + 1) ** rng.uniform(0.5, 2.0)
    common_share /= common_share.sum()
    tail_share = 1.0 / np.arange(1, len(tail) + 1) ** rng.uniform(0.3, 1.5)
    tail_share /= tail_share.sum()
    tail_chance = log_uniform(rng, 0.001, 0.05)
    mean_jobs = float(log_uniform(rng, 1.0, 12.0))
    mixing = float(rng.choice([0.0, 0.3, 1.0]))
    limit = int(rng.choice([60, 120, 256]))
    executions = []
    size = log_size(rng)
    for number in range(size):
        at = number / size
        tail_now = tail_share * np.array([season(at) for season in tail_times])
        role = int(rng.choice(roles, p=role_share))
        parts: list[Sequence] = []
        for _ in range(1 + int(rng.poisson(mean_jobs * rng.gamma(2.0, 0.5)))):
            roll = rng.random()
            if roll < tail_chance and tail_now.sum() > 0:
                parts.append(tail[int(rng.choice(len(tail), p=tail_now / tail_now.sum()))])
            elif role_jobs[role] and roll < 0.5:
                parts.append(role_jobs[role][int(rng.integers(len(role_jobs[role])))])
            else:
                job = common[int(rng.choice(len(common), p=common_share))]
                parts.append(job * int(rng.integers(1, 4)) if rng.random() < 0.1 else job)
        if boots and rng.random() < min(boot_chance * boot_time(at), 0.5):
            boot = boots[int(rng.integers(len(boots)))]
            begin = int(rng.integers(len(boot))) if rng.random() < 0.3 else 0
            parts.append(jitter(rng, boot[begin:], 0.05))
        for chance, words in storms:
            if rng.random() < chance(at):
                parts.append(words * int(rng.choice([1, 1, 2, 8])))
        steps = merge(rng, parts, mixing)[:limit]
        executions.append(Execution(steps))
    _break_windows(rng, executions, alphabet, daemons, limit)
    return System(executions, alphabet, windows=True)


def _random_boot(alphabet: Alphabet, daemons: list[int]) -> Sequence:
    """A long list of templates that only a start writes, alarming words among them."""
    rng = alphabet.rng
    boot = []
    trouble = float(rng.uniform(0.0, 0.05 if alphabet.plain else 0.25))
    for _ in range(int(log_uniform(rng, 4, 120))):
        action = alphabet.new_action(int(rng.choice(daemons)))
        worry = alphabet.complaining if rng.random() < 0.5 else alphabet.alarming
        boot.append(alphabet.template(action, worry(SELDOM) if rng.random() < trouble else alphabet.calm()))
    return boot


def _break_windows(
    rng: Rng, executions: list[Execution], alphabet: Alphabet, daemons: list[int], limit: int
) -> None:
    incident = stretch(rng)
    for _ in range(failure_modes(rng, alphabet, 4)):
        entity = int(rng.choice(daemons)) if rng.random() < 0.75 else alphabet.new_entity()
        errors = [
            alphabet.template(alphabet.new_action(entity), alphabet.failing())
            for _ in range(int(rng.choice([1, 2, 3, 5], p=[0.4, 0.25, 0.25, 0.1])))
        ]
        # One of the lines of a failure often says nothing by itself.
        if len(errors) > 1 and rng.random() < 0.5:
            alphabet.severity[errors[0]] = alphabet.calm()
        kind = rng.choice(
            ["flood", "single", "alone"],
            p=[0.45, 0.35, 0.2] if alphabet.leveled or alphabet.plain else [0.72, 0.1, 0.18],
        )
        size = int(rng.integers(5, limit)) if kind == "flood" else 1
        places, wanted = struck(rng, len(executions), incident, plain=alphabet.plain)
        for at in places[:wanted]:
            if executions[at].faulty:
                continue
            burst = errors * max(1, round(size * float(rng.uniform(0.5, 1.0)) / len(errors)))
            if rng.random() < 0.5:
                burst = jitter(rng, burst, 0.3)
            before = [] if kind == "alone" else executions[at].steps[: max(limit - len(burst), 0)]
            place = int(rng.integers(len(before) + 1))
            steps = [*before[:place], *burst, *before[place:]][:limit]
            executions[at] = Execution(steps, True, set(range(place, min(place + len(burst), limit))))
