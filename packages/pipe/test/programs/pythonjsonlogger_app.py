import logging
import sys

from pythonjsonlogger import jsonlogger


def charge(amount):
    try:
        int("not a number")
    except ValueError as error:
        raise RuntimeError(f"charge of {amount} failed") from error


handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(jsonlogger.JsonFormatter("%(levelname)s %(name)s %(message)s", timestamp=True))
log = logging.getLogger("shop")
log.addHandler(handler)
log.warning("stock is low for %s", "sofa", extra={"order_id": 42})
try:
    charge(1200)
except RuntimeError:
    span = {"otelTraceID": "4bf92f3577b34da6a3ce929d0e0e4736", "otelSpanID": "00f067aa0ba902b7"}
    log.exception("could not charge", extra=span)
