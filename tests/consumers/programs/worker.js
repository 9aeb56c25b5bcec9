// Logs through pino's worker transport, to OTEL_EXPORTER_OTLP_ENDPOINT.
import { traceContext } from '@logbridge/pino'
import { pino } from 'pino'

const logger = pino({ name: 'worker', ...traceContext(), transport: { target: '@logbridge/pino' } })
logger.error({ item: 7, err: new TypeError('no stock') }, 'worker sold out')
