import sys

from loguru import logger

logger.remove()
logger.add(sys.stdout, serialize=True)


def charge(amount):
    try:
        int("not a number")
    except ValueError as error:
        raise RuntimeError(f"charge of {amount} failed") from error


logger.bind(order_id=42).warning("stock is low for {}", "sofa")
with logger.contextualize(trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7"):
    try:
        charge(1200)
    except RuntimeError:
        logger.exception("could not charge")
