"""What the hierarchy stage reads and writes: templates, their leaves, the nodes of the Log Abstraction
Model."""

import pyarrow as pa

from krone_tui.store.connection import Store

LEAF_COLUMNS = pa.schema(
    [
        ("template_id", pa.int32()),
        ("entity", pa.string()),
        ("action", pa.string()),
        ("status", pa.string()),
        ("outcome", pa.string()),
    ]
)
"""One row: one template's place."""

# One row: one template, in the order of its id.
_TEMPLATES = "SELECT template_id, text, component FROM template ORDER BY template_id"

# One row: one template with its place, in the order of its id.
_LEAVES = "SELECT text, entity, action, status, outcome FROM template ORDER BY template_id"

_FILL_TEMPLATES = """
UPDATE template SET entity = l.entity, action = l.action, status = l.status, outcome = l.outcome, leaf = NULL
FROM leaf_rows AS l WHERE template.template_id = l.template_id
"""

# One row: one node below ROOT. Ids follow the order of the templates that a node holds, so the same templates
# give the same ids; a status node belongs to one template, whatever its name.
_FILL_NODES = """
INSERT INTO node
WITH entity AS (
    SELECT entity, row_number() OVER (ORDER BY min(template_id)) AS id
    FROM template WHERE entity IS NOT NULL GROUP BY entity
), action AS (
    SELECT entity, action, (SELECT count(*) FROM entity) + row_number() OVER (ORDER BY min(template_id)) AS id
    FROM template WHERE entity IS NOT NULL GROUP BY entity, action
), status AS (
    SELECT template_id, entity, action, status,
           (SELECT count(*) FROM entity) + (SELECT count(*) FROM action) + row_number() OVER (ORDER BY
           template_id) AS id
    FROM template WHERE entity IS NOT NULL
)
SELECT 0 AS node_id, NULL AS parent_id, 'root' AS level, 'ROOT' AS name, NULL AS template_id
UNION ALL SELECT id, 0, 'entity', entity, NULL FROM entity
UNION ALL SELECT a.id, e.id, 'action', a.action, NULL FROM action AS a JOIN entity AS e USING (entity)
UNION ALL SELECT s.id, a.id, 'status', s.status, s.template_id FROM status AS s JOIN action AS a USING
(entity, action)
ORDER BY 1
"""

_LINK_LEAVES = (
    "UPDATE template SET leaf = n.node_id FROM node AS n WHERE n.template_id = template.template_id"
)

# One row: how many nodes one level has.
_NODES_PER_LEVEL = "SELECT level, count(*) FROM node GROUP BY level"


def template_texts(store: Store) -> pa.Table:
    """The templates in the order of their ids: template_id, text, component."""
    return store.arrow(_TEMPLATES)


def template_leaves(store: Store) -> pa.Table:
    """The templates with their places, in the order of their ids: text, entity, action, status, outcome."""
    return store.arrow(_LEAVES)


def write_leaves(store: Store, leaves: pa.Table) -> dict[str, int]:
    """Set each template's place and make the nodes anew; `leaves` has LEAF_COLUMNS, one row a template.

    Returns the number of nodes by level (`root`, `entity`, `action`, `status`). All or nothing is written.
    """
    connection = store.connection
    connection.register("leaf_rows", leaves)
    connection.begin()
    try:
        connection.execute(_FILL_TEMPLATES)
        connection.execute("DELETE FROM node")
        connection.execute(_FILL_NODES)
        connection.execute(_LINK_LEAVES)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.unregister("leaf_rows")
    return {level: int(count) for level, count in connection.execute(_NODES_PER_LEVEL).fetchall()}
