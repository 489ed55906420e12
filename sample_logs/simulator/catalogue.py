"""The sample incidents by name."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator import bad_node, credential_attack, pool_exhaustion, rolling_upgrade
from simulator.journal import Journal


@dataclass(frozen=True)
class Incident:
    """One sample incident: the system that is simulated and the seed of the shipped files."""

    name: str
    """Stem of its files: `NAME.log.gz`, `NAME.labels.csv`, `NAME.md`."""
    simulate: Callable[[int], Journal]
    """From a seed to everything that the system wrote."""
    seed: int


INCIDENTS = {
    incident.name: incident
    for incident in (
        Incident("pool-exhaustion", pool_exhaustion.simulate, 1),
        Incident("bad-node", bad_node.simulate, 1),
        Incident("credential-attack", credential_attack.simulate, 1),
        Incident("rolling-upgrade", rolling_upgrade.simulate, 1),
    )
}
