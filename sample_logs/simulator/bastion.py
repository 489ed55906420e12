"""The host behind `credential-attack`: its accounts, its process ids, and one session's way of logging."""

from dataclasses import dataclass
from random import Random

from simulator.journal import Journal, latency

HOST = "bastion1"


@dataclass(frozen=True)
class Account:
    """Someone, or something, that signs in."""

    name: str
    key: str
    """Fingerprint of the key on file; empty where there is none."""
    home: str
    """Address that the account usually comes from."""
    client: str


class Bastion:
    """What sessions share, in the order in which they start."""

    def __init__(self, journal: Journal, rng: Random) -> None:
        self.journal = journal
        self.rng = rng
        self.pid = 204113
        self.people = [_person(rng, name) for name in _PEOPLE]
        self.robots = [_robot(rng, name) for name in ("deploy", "backup", "metrics", "gitmirror", "reports")]

    def next_pid(self) -> int:
        """A process id not given before, with gaps for processes that log nothing."""
        self.pid += self.rng.choice((1, 1, 2, 3, 5, 8))
        return self.pid

    def log(self, at: float, program: str, pid: int | None, message: str) -> None:
        """One syslog line as of RFC 3164: no year, whole seconds; without a pid the line is the kernel's."""
        moment = self.journal.time(at)
        tag = program if pid is None else f"{program}[{pid}]"
        line = f"{moment:%b} {moment.day:>2} {moment:%H:%M:%S} {HOST} {tag}: {message}"
        self.journal.add(at, line, None if pid is None else str(pid))


class Session:
    """One connection to the login service, served by a process of its own."""

    def __init__(self, bastion: Bastion, at: float, account: Account, peer: str) -> None:
        self.bastion, self.rng = bastion, bastion.rng
        self.account, self.peer = account, peer
        self.pid = bastion.next_pid()
        self.now = at
        self.began = at
        self.tries = 0
        self.number = f"s-{self.rng.getrandbits(20):05x}"

    def say(self, message: str, median_ms: float = 30) -> None:
        """Let time pass, then log."""
        self.now += latency(self.rng, median_ms)
        self.bastion.log(self.now, "gatewarden", self.pid, message)

    def connect(self, client: str) -> None:
        """What happens before anybody is asked who they are."""
        self.say(
            f"peer {self.peer} port {self.rng.randint(32768, 60999)} connected, "
            f"lane {self.rng.randint(1, 8)}",
            2,
        )
        self.say(f"peer speaks 2.0, client {client}", 40)
        cipher = self.rng.choice(("chacha20-poly1305", "aes256-gcm", "aes256-gcm"))
        self.say(f"keys exchanged in {self.rng.randint(18, 90)} ms, cipher {cipher}", 60)

    def offer_key(self, known: bool) -> None:
        """The client shows a key before anything else."""
        key = self.account.key if known else _fingerprint(self.rng)
        self.say(f"key {key} shown for {self.account.name}", 40)
        if known:
            self.say(f"key of {self.account.name} on file, signature good", 25)
        else:
            self.say(f"key not on file for {self.account.name}, asking for the password", 25)

    def password(self, right: bool, pause_ms: float = 6000) -> None:
        """One password."""
        self.tries += 1
        word = "matches" if right else "does not match"
        self.say(f"password of {self.account.name} {word}, try {self.tries} of 3", pause_ms)

    def second_factor(self) -> None:
        """A push to the phone, or none where the account has not set one up."""
        if self.account.name in _NO_SECOND_FACTOR:
            self.say(f"second factor of {self.account.name} not set up yet, 14 days left", 10)
        else:
            self.say(f"second factor of {self.account.name} confirmed by push", 5000)

    def open(self, terminal: bool) -> None:
        """The session proper."""
        where = f"terminal pts/{self.rng.randint(0, 40)}" if terminal else "no terminal"
        self.say(f"{self.number} opened for {self.account.name}, {where}", 80)

    def run(self, command: str, median_s: float) -> None:
        """A command, as the session's audit trail has it."""
        self.say(f'{self.number} ran "{command}"', median_s * 1000)

    def close(self, idle_s: float = 4.0) -> None:
        """The session ends in good order."""
        self.now += latency(self.rng, idle_s * 1000)
        seconds = self.now - self.began
        self.say(
            f"{self.number} closed after {seconds:.0f} s, "
            f"{self.rng.randint(2, 900)} KiB in, {self.rng.randint(4, 4000)} KiB out",
            10,
        )
        self.gone()

    def gone(self, median_ms: float = 15) -> None:
        """The connection ends."""
        self.say(f"peer {self.peer} gone", median_ms)


_NO_SECOND_FACTOR = ("b.santos", "t.okafor")
_PEOPLE = (
    "a.lindqvist",
    "b.moreau",
    "c.petrov",
    "d.ferrari",
    "e.novak",
    "f.haddad",
    "g.ivers",
    "h.tanaka",
    "i.costa",
    "j.brandt",
    "k.osei",
    "l.varga",
    "m.huber",
    "n.silva",
    "o.kaya",
    "p.dubois",
    "q.larsen",
    "r.cohen",
    "s.weber",
    "t.okafor",
    "u.maier",
    "v.rossi",
    "w.jansen",
    "y.sato",
    "z.horvat",
    "a.keller",
    "b.santos",
    "c.nowak",
    "d.eriksen",
    "e.fischer",
    "f.romano",
    "g.papas",
    "h.visser",
    "i.molnar",
    "j.dvorak",
    "k.bauer",
    "l.mendes",
)


def _person(rng: Random, name: str) -> Account:
    client = rng.choice(("OpenSSH_9.6", "OpenSSH_9.6", "OpenSSH_8.9p1", "PuTTY_0.80", "Termius_8.4"))
    return Account(name, _fingerprint(rng), f"10.20.{rng.randint(1, 9)}.{rng.randint(10, 240)}", client)


def _robot(rng: Random, name: str) -> Account:
    return Account(name, _fingerprint(rng), f"10.30.0.{rng.randint(10, 99)}", "OpenSSH_9.2p1")


def _fingerprint(rng: Random) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return "SHA256:" + "".join(rng.choices(letters, k=24))
