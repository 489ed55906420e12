"""The Log Abstraction Model of this log, with how often each node occurs and how many flagged executions name it."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets.tree import TreeNode

from krone_tui.abstraction import drop_edits, keep_edits, own_hierarchy, try_edits
from krone_tui.errors import KroneError
from krone_tui.settings import Settings
from krone_tui.store import screen as queries
from krone_tui.store.screen import NodeCount
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.screens.place_form import PlaceForm
from krone_tui.tui.text import count, safe
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.execution_tree import ExecutionTree, Item

_LEVELS = ("entity", "action", "status")
Place = tuple[str, ...]
"""(entity, action, status)."""


class HierarchyScreen(KroneScreen):
    """ROOT → entity → action → status; each status is one template, which can be given another place."""

    PLACE = "hierarchy"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("hierarchy")]

    def __init__(self) -> None:
        super().__init__()
        self._counted: dict[int, NodeCount] = {}
        """By the id of the tree's node."""
        self._edits: dict[str, Place] = {}
        """template → its new place."""
        self._title = ""

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
        number = dict.fromkeys(_LEVELS, 0)
        for node in nodes:
            number[node.level] += 1
            parent = placed.get(node.parent_id or 0, tree.root)
            item = Item(node.level, 0, 0)
            label = _label(node)
            made = parent.add_leaf(label, item) if node.level == "status" else parent.add(label, item)
            placed[node.node_id] = made
            self._counted[made.id] = node
        tree.root.expand()
        tree.action_scroll_home()
        self._title = (
            f"Hierarchy  {count(number['entity'], 'entity').replace('entitys', 'entities')}, {count(number['action'], 'action')}, "
            f"{count(number['status'], 'template')}"
        )
        self.query_one(PaneTitle).title = self._title

    def action_switch(self) -> None:
        """Unfold or fold."""
        node = self.query_one(ExecutionTree).cursor_node
        if node is not None and node.allow_expand:
            node.toggle()

    def action_edit(self) -> None:
        """Give the template under the cursor another place, or all templates under a node another name for it."""
        node = self.query_one(ExecutionTree).cursor_node
        known = self._counted.get(node.id) if node is not None else None
        if node is None or known is None:
            return
        templates = self._under(node)
        depth = _LEVELS.index(known.level) + 1
        names = self._edits.get(templates[0][0], templates[0][1])[:depth]
        what = known.template or f"{known.name}: {count(len(templates), 'template')}"

        def answered(given: tuple[str, ...] | None) -> None:
            if given is not None and given != names:
                self._edit(templates, given)

        self.app.push_screen(PlaceForm(what, _LEVELS[:depth], names), answered)

    def _edit(self, templates: list[tuple[str, Place, TreeNode[Item]]], given: tuple[str, ...]) -> None:
        for template, place, leaf in templates:
            new = (*given, *self._edits.get(template, place)[len(given) :])
            if new == place:
                self._edits.pop(template, None)
                leaf.set_label(_label(self._counted[leaf.id]))
            else:
                self._edits[template] = new
                leaf.set_label(_label(self._counted[leaf.id], new))
        edited = f"; {len(self._edits):,} edited, R reads the log again with them" if self._edits else ""
        self.query_one(PaneTitle).title = self._title + edited

    def _under(self, node: TreeNode[Item]) -> list[tuple[str, Place, TreeNode[Item]]]:
        """(template, its place, its leaf) of every template at or under a node."""
        if node.children:
            return [found for child in node.children for found in self._under(child)]
        known = self._counted[node.id]
        above = [
            self._counted[one.id].name for one in (node.parent and node.parent.parent, node.parent) if one
        ]
        return [(known.template or "", (*above, known.name), node)]

    def action_rerun(self) -> None:
        """Read the log again with the edits, which are kept once that is taken."""
        if not self._edits:
            self.krone.say("Nothing is edited yet: e edits what is under the cursor.")
            return
        self.fill(self._try())

    async def _try(self) -> None:
        krone, settings = self.krone, self.krone.settings
        path = own_hierarchy(settings, krone.paths[0])
        edits = {text: (a, b, c) for text, (a, b, c) in self._edits.items()}
        try:
            tried = await self.desk.ask(try_edits, path, edits)
        except KroneError as error:
            krone.say(str(error))
            return

        def keep() -> Settings:
            keep_edits(tried, path)
            if settings.hierarchy in (None, str(path)):
                krone.say(f"Kept in {path}: in force whenever a log of this name is opened.")
            else:
                krone.say(
                    f"Kept in {path}; next time, --hierarchy {path} is needed in place of the other one."
                )
            return settings.model_copy(update={"hierarchy": str(path)})

        chosen = settings.model_copy(update={"hierarchy": str(tried)})
        what = f"with {count(len(edits), 'edited template')}"
        krone.rerun(chosen, what, keep, lambda: drop_edits(tried))


def _label(node: NodeCount, edited: Place = ()) -> Text:
    label = Text(no_wrap=True).append("!! " if node.flagged else "", "bold")
    label.append(safe(node.name), "bold" if node.flagged else "")
    if edited:
        label.append(f"  → {safe(' › '.join(edited), 120)}", "bold")
    label.append(f"  {count(node.records, 'record')}", "dim")
    if node.flagged:
        label.append(f"  in the findings of {count(node.flagged, 'execution')}")
    if node.template is not None:
        label.append(f"  {safe(node.template, 300)}", "dim")
    return label
