"""Whether an investigation's file is all there."""

from krone_tui.store.connection import Store
from krone_tui.store.overlay import LOG


def is_whole(store: Store) -> bool:
    """Whether the file is as long as its own account of its blocks.

    DuckDB opens a file that was cut short, and fails only when a query comes to a block that is not there. The
    check costs no reading: it leaves it to DuckDB's checksums to find a block that is there but wrong.
    """
    if store.path is None:
        return True
    # One row: the investigation's file.
    block_size, blocks = store.row(
        "SELECT block_size, total_blocks FROM pragma_database_size() WHERE database_name = $log", {"log": LOG}
    )
    return store.path.stat().st_size >= int(block_size) * int(blocks)
