// Logs with the adapters and @logbridge/core over gRPC, to OTEL_EXPORTER_OTLP_ENDPOINT.
import { startTelemetry } from '@logbridge/core'
import { logByEach } from './logByEach.js'

startTelemetry()
logByEach()
