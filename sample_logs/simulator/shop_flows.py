"""What the shop does for each kind of request, step by step, and how each goes wrong."""

from collections.abc import Callable

from simulator.journal import latency, pick
from simulator.shop import CLIENT_GONE, LeaseTimeoutError, Request

_WAREHOUSES = ("LEJ1", "HAM2", "MUC1")
_WORDS = (
    "kettle",
    "desk+lamp",
    "usb+c+cable",
    "running+socks",
    "rain+jacket",
    "tea",
    "notebook+a5",
    "bike+lock",
)


def _enter(request: Request, call: str, upstream: str) -> None:
    rng = request.rng
    request.say(
        "gateway", f"{call} from {request.peer} accepted, {rng.randint(1, 30)} of 600 calls this minute", 1
    )
    node = f"10.4.{1 if upstream == 'orders' else 2}.{rng.randint(11, 13)}:8080"
    request.say("gateway", f"forwarding to {upstream} at {node}, body {rng.randint(0, 900)} bytes", 1)


def _authorised(request: Request, call: str) -> bool:
    """Check the token; rarely it has run out, or is renewed on the way."""
    luck = request.rng.random()
    if luck < 0.012:
        request.say(
            "auth", f"token of customer {request.customer} ran out {request.rng.randint(2, 900)} s ago", 3
        )
        request.answer(call, 401)
        return False
    request.say(
        "auth", f"token of customer {request.customer} valid for {request.rng.randint(40, 3500)} s", 3
    )
    request.say("auth", f"scopes of customer {request.customer} allow {call.partition('?')[0]}", 1)
    if luck < 0.04:
        request.say("auth", f"token of customer {request.customer} renewed", 9)
    return True


def _guarded(request: Request, call: str, steps: Callable[[], None], tries: int) -> None:
    """Call the order service through the breaker; the gateway tries reads twice."""
    if request.shop.breaker_rejects(request.now):
        request.say("breaker", "call not sent, orders is unavailable", 1, "WARN")
        request.shop.journal.causes[request.id] = "rejected-by-breaker"
        request.answer(call, 503)
        return
    for attempt in range(1, tries + 1):
        try:
            steps()
        except LeaseTimeoutError:
            if attempt == tries:
                request.answer(call, 503)
                return
            request.say("gateway", f"no answer from orders, try {attempt + 1} of {tries}", 40, "WARN")
        else:
            _finish(request, call)
            return


def _finish(request: Request, call: str) -> None:
    if request.rng.random() < 0.004:
        request.say("gateway", CLIENT_GONE, 3, "WARN")
        request.answer(call, 499)
    else:
        request.answer(call, 200)


def _maybe_lost_on_the_way(request: Request) -> None:
    """A dropped packet between gateway and order service: the second try serves the request."""
    if request.rng.random() < 0.006:
        request.say("gateway", "no answer from orders, try 2 of 2", 900, "WARN")


def login(request: Request) -> None:
    """A customer signs in; some mistype first."""
    call = "POST /v1/login"
    _enter(request, call, "auth")
    request.say("login", f"sign-in of customer {request.customer} from {request.peer}", 3)
    if request.rng.random() < 0.06:
        request.say("login", f"password of customer {request.customer} does not match", 80)
        request.answer(call, 401)
        return
    request.say("login", f"password of customer {request.customer} matches, session for 3600 s issued", 85)
    request.answer(call, 200)


def search(request: Request) -> None:
    """Catalogue pages, mostly from a cache; they do not touch the order database."""
    rng = request.rng
    word = rng.choice(_WORDS)
    call = f"GET /v1/products?q={word}"
    _enter(request, call, "catalog")
    key = f"{rng.getrandbits(24):06x}"
    if rng.random() < 0.7:
        request.say("catalog", f"page {key} served from cache, {rng.randint(3, 48)} products", 2)
    else:
        request.say("catalog", f"page {key} not in cache", 2)
        request.say(
            "catalog",
            f"index searched for '{word}', {rng.randint(0, 900)} hits in {rng.randint(5, 70)} ms",
            25,
        )
        request.say("catalog", f"page {key} cached for 120 s", 2)
    request.answer(call, 200)


def show_cart(request: Request) -> None:
    """The customer looks into the cart."""
    call = "GET /v1/cart"
    _enter(request, call, "orders")
    if not _authorised(request, call):
        return

    def steps() -> None:
        _maybe_lost_on_the_way(request)
        lease = request.lease("CartStore")
        request.query(f"select sku, pieces from cart_line where customer_id = {request.customer}", 5)
        request.say("cart", f"cart of customer {request.customer} read, {request.rng.randint(0, 6)} lines", 2)
        request.give_back(lease)

    _guarded(request, call, steps, 2)


def add_to_cart(request: Request) -> None:
    """One more product in the cart, once stock is known to exist."""
    rng = request.rng
    call = "POST /v1/cart/items"
    _enter(request, call, "orders")
    if not _authorised(request, call):
        return

    def steps() -> None:
        sku = _sku(request)
        request.say("stock", f"sku {sku}: {rng.randint(1, 400)} pieces at {rng.choice(_WAREHOUSES)}", 6)
        lease = request.lease("CartStore")
        request.query(f"insert into cart_line (customer_id, sku) values ({request.customer}, '{sku}')", 6)
        request.say("cart", f"sku {sku} put into cart of customer {request.customer}", 2)
        request.give_back(lease)

    _guarded(request, call, steps, 1)


def show_order(request: Request) -> None:
    """One order of the customer."""
    order = request.shop.number("order") - request.rng.randint(5, 4000)
    call = f"GET /v1/orders/{order}"
    _enter(request, call, "orders")
    if not _authorised(request, call):
        return

    def steps() -> None:
        _maybe_lost_on_the_way(request)
        lease = request.lease("OrderRepository")
        request.query(f"select * from orders where id = {order} and customer_id = {request.customer}", 5)
        request.say("repository", f"order {order} read with {request.rng.randint(1, 7)} lines", 2)
        request.give_back(lease)
        if request.rng.random() < 0.5:
            request.say("orders", f"parcel status of order {order} added", 18)

    _guarded(request, call, steps, 2)


def history(request: Request, days: int | None = None) -> None:
    """The orders of a period. A long period ends at the statement limit, with what was read until then."""
    rng = request.rng
    span = days or rng.choice((7, 30, 30, 90))
    call = f"GET /v1/orders/history?days={span}"
    _enter(request, call, "orders")
    if not _authorised(request, call):
        return

    def steps() -> None:
        lease = request.lease("HistoryService")
        request.say("history", f"orders of customer {request.customer} over {span} days asked for", 2)
        sql = (
            f"select o.id, l.sku from orders o join order_line l on l.order_id = o.id "
            f"where o.customer_id = {request.customer} order by o.created_at"
        )
        # A batch account's history reaches the limit now and then; its connection is returned all the same.
        if days or rng.random() < 0.018:
            request.now += 25 + rng.uniform(0, 0.4)
            request.say("repository", f"slow statement, {25000 + rng.randint(2, 390)} ms: {sql}", 0, "WARN")
            request.say(
                "history", f"statement ended at the limit of 25 s, {rng.randint(40, 900)} orders kept", 3
            )
        else:
            request.query(sql, 22)
        request.say("history", f"page of {rng.randint(1, 50)} orders built", 4)
        if days:
            request.shop.leaks.append(request.now)
            request.shop.journal.causes[request.id] = "connection-leaked"
        else:
            request.give_back(lease)

    _guarded(request, call, steps, 1)


def checkout(request: Request) -> None:
    """An order: cart, stock and money at once, then the order, then the capture."""
    call = "POST /v1/orders"
    _enter(request, call, "orders")
    if _authorised(request, call):
        _guarded(request, call, lambda: _place_order(request, call), 1)


def _place_order(request: Request, call: str) -> None:
    rng, shop = request.rng, request.shop
    lease = request.lease("OrderRepository")
    cart, cents = shop.number("cart"), rng.randint(490, 32000)
    skus = [_sku(request) for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 5)))]
    request.query(f"select sku, pieces, price_cents from cart_line where cart_id = {cart}", 5)
    request.say(
        "cart",
        f"cart {cart} of customer {request.customer} read, {len(skus)} lines, {cents / 100:.2f} EUR",
        2,
    )
    if rng.random() < 0.09:
        request.say("orders", f"voucher SPRING{rng.choice((5, 10, 15))} taken off cart {cart}", 3)
    hold = _stock_and_hold(request, skus, cents)
    if hold is None:
        request.give_back(lease)
        request.say("stock", f"{len(skus)} reservations of cart {cart} undone", 5)
        return
    order = shop.number("order")
    request.query(
        f"insert into orders (id, customer_id, cents) values ({order}, {request.customer}, {cents})", 7
    )
    request.say("orders", f"order {order} created for customer {request.customer}", 2)
    _capture(request, order, hold, cents)
    request.say("cart", f"cart {cart} emptied", 4)
    request.give_back(lease)
    request.say("receipts", f"receipt for order {order} queued to {rng.choice(('mail', 'mail', 'app'))}", 3)


def _stock_and_hold(request: Request, skus: list[str], cents: int) -> int | None:
    """Reserve stock and hold the money side by side; None when the bank declines."""
    rng = request.rng
    stock_at = hold_at = request.now
    thread = f"stock-{rng.randint(1, 4)}"
    for sku in skus:
        stock_at += latency(rng, 9)
        request.say_at(
            stock_at,
            "stock",
            f"sku {sku} reserved, {rng.randint(1, 3)} pieces at {rng.choice(_WAREHOUSES)}",
            thread=thread,
        )
    hold = request.shop.number("hold")
    hold_at += latency(rng, 28)
    pay = f"pay-io-{rng.randint(1, 6)}"
    declined = rng.random() < 0.025
    if declined:
        request.say_at(
            hold_at,
            "holds",
            f"hold {hold} of {cents / 100:.2f} EUR declined by the bank, code {rng.choice((51, 61))}",
            thread=pay,
        )
    else:
        request.say_at(
            hold_at, "holds", f"hold {hold} of {cents / 100:.2f} EUR placed with nordpay", thread=pay
        )
    request.now = max(stock_at, hold_at)
    return None if declined else hold


def _capture(request: Request, order: int, hold: int, cents: int) -> None:
    """Ask for the money. Short of connections, the hand-over to the capture worker can get lost."""
    rng, shop = request.rng, request.shop
    strained = shop.leaked(request.now) >= 10
    luck = rng.random()
    if strained and luck < 0.36:
        shop.journal.causes[request.id] = "capture-missing"
        return
    pay = f"pay-io-{rng.randint(1, 6)}"
    request.say("captures", f"capture of hold {hold} for order {order} sent", 5, thread=pay)
    late = strained and luck < 0.54
    if late or rng.random() < 0.012:
        request.say("captures", f"nothing from nordpay on hold {hold} yet, sending again", 3000, "WARN", pay)
    for _ in range(2 if late else 1):
        number = shop.number("capture")
        request.say(
            "captures", f"capture {number} of {cents / 100:.2f} EUR confirmed by nordpay", 160, thread=pay
        )
    if late:
        shop.journal.causes[request.id] = "captured-twice"


def _sku(request: Request) -> str:
    return f"{request.rng.randint(10, 99)}-{request.rng.randint(1000, 9999)}"


_MIX: dict[str, tuple[float, Callable[[Request], None]]] = {
    "search": (0.30, search),
    "show_cart": (0.17, show_cart),
    "add_to_cart": (0.16, add_to_cart),
    "show_order": (0.12, show_order),
    "checkout": (0.14, checkout),
    "history": (0.05, history),
    "login": (0.06, login),
}


def any_request(request: Request) -> None:
    """One request of the usual mix."""
    kind = pick(request.rng, {name: share for name, (share, _) in _MIX.items()})
    _MIX[kind][1](request)
