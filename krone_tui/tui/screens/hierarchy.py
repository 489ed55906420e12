"""The Log Abstraction Model of this log, with how often each node occurs and how many flagged executions name it."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets.tree import TreeNode

from krone_tui.store import screen as queries
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.text import count, safe
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.execution_tree import ExecutionTree, Item


class HierarchyScreen(KroneScreen):
    """ROOT → entity → action → status; each status is one template."""

    PLACE = "hierarchy"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("hierarchy")]

    def compose(self) -> ComposeResult:
        """Title, tree, keys."""
        yield PaneTitle("Hierarchy")
        yield ExecutionTree(id="nodes")
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Fill the tree."""
        self.fill(self._fill())

    async def _fill(self) -> None:
        tree = self.query_one(ExecutionTree)
        nodes = await self.desk.ask(queries.hierarchy)
        placed: dict[int, TreeNode[Item]] = {}
        number = {"entity": 0, "action": 0, "status": 0}
        for node in nodes:
            number[node.level] = number.get(node.level, 0) + 1
            parent = placed.get(node.parent_id or 0, tree.root)
            label = Text(no_wrap=True).append("!! " if node.flagged else "", "bold")
            label.append(safe(node.name), "bold" if node.flagged else "")
            label.append(f"  {count(node.records, 'record')}", "dim")
            if node.flagged:
                label.append(f"  in the findings of {count(node.flagged, 'execution')}")
            if node.template is not None:
                label.append(f"  {safe(node.template, 300)}", "dim")
            item = Item(node.level, 0, 0)
            placed[node.node_id] = (
                parent.add_leaf(label, item) if node.level == "status" else parent.add(label, item)
            )
        tree.root.expand()
        tree.action_scroll_home()
        self.query_one(PaneTitle).title = (
            f"Hierarchy  {count(number['entity'], 'entity').replace('entitys', 'entities')}, {count(number['action'], 'action')}, "
            f"{count(number['status'], 'template')}"
        )

    def action_switch(self) -> None:
        """Unfold or fold."""
        node = self.query_one(ExecutionTree).cursor_node
        if node is not None and node.allow_expand:
            node.toggle()
