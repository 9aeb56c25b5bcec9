import json
import sys

import logbook


class JsonHandler(logbook.Handler):
    def emit(self, record):
        sys.stdout.write(json.dumps(record.to_dict(json_safe=True)) + "\n")


def charge(amount):
    try:
        int("not a number")
    except ValueError as error:
        raise RuntimeError(f"charge of {amount} failed") from error


span = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"}
log = logbook.Logger("shop")
with JsonHandler().applicationbound():
    log.warn("stock is low for {0}", "sofa", extra={"order_id": 42})
    try:
        charge(1200)
    except RuntimeError:
        log.exception("could not charge", extra=span)
