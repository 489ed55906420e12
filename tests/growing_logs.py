"""Logs of the same requests in several formats, to be written a part at a time."""

import json
import random
from collections.abc import Callable


def clock(second: float) -> str:
    hours, rest = divmod(int(second), 3600)
    return f"{hours:02}:{rest // 60:02}:{rest % 60:02}"


def steps(rng: random.Random, number: int) -> list[tuple[str, str]]:
    """(level, message) of one request, a few of which fail, some with a message seen nowhere else."""
    request = f"req-{number + 4096:x}"
    lines = [
        ("INFO", f"[{request}] received order"),
        ("INFO", f"[{request}] checking stock of item {rng.randint(1, 50)}"),
    ]
    if rng.random() < 0.05:
        lines.append(
            (
                "ERROR",
                f"[{request}] payment failed: {rng.choice(['refused', 'rejected', 'broken', 'late'])} by 10.0.0.7",
            )
        )
    else:
        lines += [
            ("INFO", f"[{request}] charged card in {rng.randint(2, 90)} ms"),
            ("INFO", f"[{request}] shipped order"),
        ]
    if rng.random() < 0.02:
        lines.append(
            (
                "WARN",
                f"[{request}] {rng.choice(['alpha', 'beta', 'gamma', 'delta'])} gr\u00fc\u00dfe \u2603 odd {rng.randint(1, 9)}",
            )
        )
    return [*lines, ("INFO", f"[{request}] closed request")]


def traces(rng: random.Random, number: int) -> str:
    text = ""
    for level, message in steps(rng, number):
        text += f"2026-03-14 {clock(number * 2)},123 {level:5} [pool-{number % 4}] com.shop.Api - {message}\n"
        if level == "ERROR":
            frames = "".join(f"\tat com.shop.Pay.step{n}(Pay.java:{n})\n" for n in range(rng.randint(1, 9)))
            text += f"java.lang.IllegalStateException: no answer\n{frames}Caused by: java.io.IOException: gone\n\t... 3 more\n"
    return text


def json_lines(rng: random.Random, number: int) -> str:
    return "".join(
        json.dumps(
            {
                "ts": f"2026-03-14T{clock(number * 2)}Z",
                "level": level,
                "logger": "shop",
                "msg": text,
                "n": number,
            }
        )
        + "\n"
        for level, text in steps(rng, number)
    )


def docker(rng: random.Random, number: int) -> str:
    return "".join(
        json.dumps({"log": line + "\n", "stream": "stdout", "time": f"2026-03-14T{clock(number * 2)}.5Z"})
        + "\n"
        for line in traces(rng, number).splitlines()
    )


def containers(rng: random.Random, number: int) -> str:
    return "".join(
        f"2026-03-14T{clock(number * 2)}.123456789Z stdout F {line}\n"
        for line in traces(rng, number).splitlines()
    )


def plain(rng: random.Random, number: int) -> str:
    return "".join(f"{text}\r\n" if number % 3 else f"{text}\n\n" for _, text in steps(rng, number))


def syslog(rng: random.Random, number: int) -> str:
    return "".join(
        f"Mar 14 {clock(number * 2)} web{number % 3} shop[{number % 7}]: {t}\n" for _, t in steps(rng, number)
    )


def mixed(rng: random.Random, number: int) -> str:
    """One format at first, another one later on, and lines of none."""
    if number < 40 or number % 5:
        return traces(rng, number)
    return (
        f"[{number}] loose words here\nE0314 {clock(number)}.123456 77 pay.go:{number}] lost {number}\n" * 20
    )


FORMATS = [traces, json_lines, docker, containers, plain, syslog, mixed]
Writer = Callable[[random.Random, int], str]


def written(write: Writer, seed: int, requests: int = 90) -> bytes:
    rng = random.Random(seed)
    text = "".join(write(rng, number) for number in range(requests)).encode()
    # A few bytes that are no UTF-8.
    return text.replace(b"item 7\n", b"item \xff\xfe\n").replace(b'item 7"', b'item \xff"')
