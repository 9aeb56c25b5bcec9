import { startTelemetry } from '@logbridge/core'

startTelemetry()
