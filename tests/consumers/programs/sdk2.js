// Logs with the adapters and the official SDK 2.x over HTTP, to OTEL_EXPORTER_OTLP_ENDPOINT.
import { logs } from '@opentelemetry/api-logs'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { logByEach } from './logByEach.js'

const processor = new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })
const provider = new LoggerProvider({ processors: [processor] })
logs.setGlobalLoggerProvider(provider)
logByEach()
void provider.shutdown()
