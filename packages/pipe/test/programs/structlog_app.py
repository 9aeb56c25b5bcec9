import structlog

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
)


def charge(amount):
    try:
        int("not a number")
    except ValueError as error:
        raise RuntimeError(f"charge of {amount} failed") from error


log = structlog.get_logger()
log.warning("stock is low for sofa", order_id=42)
try:
    charge(1200)
except RuntimeError:
    log.exception(
        "could not charge", trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7"
    )
