// Adapters and @logbridge/core, in a process that exits right after its last log call.
import { startTelemetry } from '@logbridge/core'
import { logByEach } from './logByEach.js'

startTelemetry({ flushOnExit: true })
logByEach()
process.exit()
