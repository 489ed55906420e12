"""The rules read messages of systems they were not made for."""

import time

import pytest

from krone_tui.abstraction.lexicon import look_up, past_of, singular
from krone_tui.abstraction.rules import Leaf, TemplateText, component_name, extract_hierarchy


def leaves(*texts: str, component: str | None = None) -> list[Leaf]:
    return extract_hierarchy([TemplateText(text, component) for text in texts])


def leaf(text: str, component: str | None = None) -> Leaf:
    return leaves(text, component=component)[0]


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("receives", "receive"),
        ("receiving", "receive"),
        ("received", "receive"),
        ("committed", "commit"),
        ("stopping", "stop"),
        ("denied", "deny"),
        ("initialised", "initialize"),
        ("sent", "send"),
        ("froze", "freeze"),
        ("zapping", "zap"),
        ("re-queued", "re-queue"),
    ],
)
def test_forms_lead_to_their_verb(form: str, base: str) -> None:
    assert look_up(form).verb == base


@pytest.mark.parametrize("word", ["string", "warning", "embed", "speed", "king", "ring"])
def test_words_that_only_end_like_verbs_are_none(word: str) -> None:
    assert look_up(word).verb == ""


def test_plurals_and_abbreviations_meet_their_singular() -> None:
    assert [
        singular(w)
        for w in ("blocks", "statuses", "entries", "caches", "status", "redis", "process", "processes")
    ] == [
        "block",
        "status",
        "entry",
        "cache",
        "status",
        "redis",
        "process",
        "process",
    ]
    assert look_up("blk").noun == "block"
    assert [past_of(v) for v in ("stop", "open", "hold", "receive")] == [
        "stopped",
        "opened",
        "held",
        "received",
    ]


def test_forms_of_one_verb_meet_in_entity_and_action_with_their_own_status() -> None:
    found = leaves("Receiving block <*>", "Received blocks <*> from <*>", "reception of blk_<*> completed")
    assert {(x.entity, x.action) for x in found} == {("Block", "receive")}
    assert [x.status for x in found] == ["receiving", "received", "completed"]
    assert [x.outcome for x in found] == ["progress", "success", "success"]


def test_spellings_of_one_name_are_one_entity() -> None:
    found = leaves(
        "NodeCard is not accessible",
        "Node card powered off",
        "Node cards <*> discovered",
        "node-card <*> replaced",
    )
    assert len({x.entity for x in found}) == 1


FAILURES = [
    "Failed to open file <*>",
    "open of file <*> failed",
    "Connection refused",
    "connection to <*> timed out",
    "Request timeout",
    "unable to resolve host <*>",
    "Cannot allocate buffer",
    "could not bind port <*>",
    "Invalid token for user <*>",
    "Permission denied for user <*>",
    "Process <*> killed",
    "Lost connection to broker <*>",
    "panic: out of range",
    "java.lang.NullPointerException: null",
    "user <*> not found",
    "Config file is missing",
    "peer <*> is not responding",
    "did not receive heartbeat from node <*>",
    "disk <*> does not exist",
    "checksum mismatch in segment <*>",
    "ERROR: relation <*> is unavailable",
    "Unhandled exception in worker <*>",
    "fan <*> has failed",
    "Service is down",
]
NOT_FAILURES = [
    "No errors found in segment <*>",
    "0 errors in batch",
    "scrub finished without failure",
    "error correction enabled on <*>",
    "Error handler registered",
    "failed over successfully to <*>",
    "no failures detected",
    "Checking error log <*>",
    "parity error corrected",
    "session opened",
    "Registered failure detector",
]


@pytest.mark.parametrize("text", FAILURES)
def test_failures_read_as_failures(text: str) -> None:
    assert leaf(text).outcome == "failure", leaf(text)


@pytest.mark.parametrize("text", NOT_FAILURES)
def test_negated_and_healed_failures_do_not_read_as_failures(text: str) -> None:
    assert leaf(text).outcome != "failure", leaf(text)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Server startup completed", "success"),
        ("replica <*> is ready", "success"),
        ("Job <*> succeeded", "success"),
        ("Retrying request <*>", "progress"),
        ("Starting container <*>", "progress"),
        ("Connection closed by <*>", "none"),
        ("queue depth: <*>", "none"),
    ],
)
def test_success_progress_and_neither(text: str, outcome: str) -> None:
    assert leaf(text).outcome == outcome


def test_reasons_of_failures_are_short() -> None:
    assert (
        leaf("writeBlock <*> received exception java.net.SocketTimeoutException: <*> millis").status
        == "failed: timeout"
    )
    assert (
        leaf("Error reading header from <*>: Connection reset by peer").status == "failed: connection reset"
    )
    assert leaf("Cannot open file <*> (No such file or directory)").status == "failed: no such file"


@pytest.mark.parametrize(
    ("text", "entity", "action", "status"),
    [
        # HTTP, RFC 9112
        ('<*> - - [<*>] "GET /cart/<*> HTTP/1.1" 500 <*>', "Cart", "get", "5xx server error"),
        ('"POST /api/v1/orders HTTP/1.1" 201 <*>', "Order", "post", "2xx success"),
        ("GET /<*> HTTP/<*> 404", "HTTP request", "get", "4xx client error"),
        ("method=DELETE path=/users/<*> status=204 duration=<*>", "User", "delete", "2xx success"),
        # SQL
        (
            "statement: INSERT INTO public.invoices (id, total) VALUES (<*>, <*>)",
            "Invoice",
            "insert",
            "issued",
        ),
        ("SELECT * FROM accounts WHERE id = <*>", "Account", "select", "issued"),
        # function names
        ("flush_buffer(): wrote <*> bytes", "Buffer", "flush", "wrote"),
        ("ChunkStore.readChunk: done", "Chunk", "read", "done"),
        ("closeSocket called", "Socket", "close", "called"),
        # syslog daemons
        ("session opened for user <*> by (uid=<*>)", "Session", "open", "opened"),
        ("Accepted publickey for <*> from <*> port <*>", "Publickey", "accept", "accepted"),
    ],
)
def test_forms_of_messages(text: str, entity: str, action: str, status: str) -> None:
    found = leaf(text)
    assert (found.entity, found.action, found.status) == (entity, action, status)


PAYMENT = [
    ("Payment <*> authorized for order <*>", "payments.Gateway", "Payment", "authorize", "success"),
    ("Payment <*> declined: insufficient funds", "payments.Gateway", "Payment", "decline", "failure"),
    ("Capturing payment <*>", "payments.Gateway", "Payment", "capture", "progress"),
    ("Refund <*> issued for payment <*>", "payments.Gateway", "Refund", "issue", "success"),
    ("Refund <*> rejected by acquirer", "payments.Gateway", "Refund", "reject", "failure"),
]
KUBERNETES = [
    ("Pulling image <*>", "kubelet", "Image", "pull", "progress"),
    ("Successfully pulled image <*> in <*>", "kubelet", "Image", "pull", "success"),
    ("Failed to pull image <*>: rpc error: code = NotFound", "kubelet", "Image", "pull", "failure"),
    ("Created container <*>", "kubelet", "Container", "create", "success"),
    ("Started container <*>", "kubelet", "Container", "start", "success"),
    ("Back-off restarting failed container <*>", "kubelet", "Container", "restart", "failure"),
    ("Readiness probe failed: HTTP probe failed with statuscode: 503", "kubelet", None, "probe", "failure"),
]
BROKER = [
    (
        "[Partition <*> broker=<*>] Log loaded for partition <*>",
        "kafka.cluster.Partition",
        None,
        "load",
        "success",
    ),
    (
        "Shrinking ISR from <*> to <*> for partition <*>",
        "kafka.cluster.Partition",
        None,
        "shrink",
        "progress",
    ),
    (
        "Group coordinator <*> is unavailable or invalid",
        "kafka.clients.Coordinator",
        None,
        "report",
        "failure",
    ),
    (
        "Connection to node <*> could not be established",
        "kafka.clients.NetworkClient",
        "Connection",
        "establish",
        "failure",
    ),
]
DATABASE = [
    ("checkpoint starting: time", "postgres", "Checkpoint", "start", "progress"),
    ("checkpoint complete: wrote <*> buffers", "postgres", "Checkpoint", None, "success"),
    ("deadlock detected", "postgres", None, "detect", "failure"),
    ("canceling statement due to lock timeout", "postgres", "Statement", "cancel", "failure"),
    ("canceling statement due to user request", "postgres", "Statement", "cancel", "progress"),
    ("database system is ready to accept connections", "postgres", None, None, "success"),
]


@pytest.mark.parametrize(
    "system", [PAYMENT, KUBERNETES, BROKER, DATABASE], ids=["payment", "kubernetes", "broker", "database"]
)
def test_unseen_systems_read_as_their_operators_would_say(
    system: list[tuple[str, str, str | None, str | None, str]],
) -> None:
    found = extract_hierarchy([TemplateText(text, component) for text, component, *_ in system])
    for (text, _, entity, action, outcome), got in zip(system, found, strict=True):
        assert entity in (None, got.entity), (text, got)
        assert action in (None, got.action), (text, got)
        assert got.outcome == outcome, (text, got)


def test_how_it_ended_joins_the_action_complete_where_the_entity_has_it() -> None:
    found = leaves("Job <*> completed", "Job <*> failed", "Fan <*> failed", "Fan <*> speed <*>")
    assert [x.action for x in found] == ["complete", "complete", "report", "report"]


def test_a_name_that_occurs_once_goes_to_the_component() -> None:
    found = extract_hierarchy(
        [
            TemplateText("xqz=<*> fpr29=<*>", "app.core.Dumper"),
            TemplateText("minus normalized fraction: <*>", "app.core.Dumper"),
            TemplateText("Dumper started", "app.core.Dumper"),
        ]
    )
    assert {x.entity for x in found} == {"Dumper"}


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ("org.apache.kafka.clients.NetworkClient", ("network", "client")),
        ("crond(pam_unix)", ("crond",)),
        ("nova.compute.manager", ("compute", "manager")),
        ("a.Store$BlockReceiver", ("block", "receiver")),
        ("/usr/sbin/gmetad", ("gmetad",)),
        ("INFO", ()),
        ("", ()),
        (None, ()),
        ("kube-proxy", ("kube-proxy",)),
        ("sshd[<*>]", ("sshd",)),
    ],
)
def test_components_become_names(component: str | None, name: tuple[str, ...]) -> None:
    assert component_name(component) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<*>",
        "<*> <*> <*>",
        "\x1b[31m",
        "=cmd|' /C calc'!A0",
        "((((",
        "[[<*>",
        "日本語 ログ",
        "a" * 5000,
        "=" * 300,
    ],
)
def test_any_text_gets_a_whole_leaf(text: str) -> None:
    found = leaf(text)
    assert found.entity and found.action and found.status
    assert found.outcome in ("failure", "success", "progress", "none")
    assert "<*>" not in found.entity


def test_the_same_templates_give_the_same_leaves() -> None:
    texts = [
        TemplateText(text, component) for text, component, *_ in PAYMENT + KUBERNETES + BROKER + DATABASE
    ]
    assert extract_hierarchy(texts) == extract_hierarchy(texts)


def test_many_templates_take_time_in_proportion_to_their_number() -> None:
    seeds = [text for text, *_ in PAYMENT + KUBERNETES + BROKER + DATABASE] + FAILURES + NOT_FAILURES
    # Different words in each, so that nothing is remembered from the one before.
    texts = [
        TemplateText(
            f"{seeds[i % len(seeds)]} zone{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}x thing <*>", None
        )
        for i in range(10_000)
    ]

    def seconds(texts: list[TemplateText]) -> float:
        start = time.process_time()
        extract_hierarchy(texts)
        return time.process_time() - start

    # A millisecond each, on any machine there is; an idle one takes a tenth of that.
    few, many = seconds(texts[:2_000]), seconds(texts[2_000:])
    assert few < 2.0
    assert many < 8.0 * few
