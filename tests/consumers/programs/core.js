// Adapters and @logbridge/core, over gRPC: where to is said by OTEL_EXPORTER_OTLP_ENDPOINT.
import { startTelemetry } from '@logbridge/core'
import { logByEach } from './logByEach.js'

startTelemetry()
logByEach()
