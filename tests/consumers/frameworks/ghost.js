// Ghost's logger keeps a bunyan logger for each destination. Its serializer of errors has no name of an Error.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { otelStream } from '@logbridge/bunyan'
import { startTelemetry } from '@logbridge/core'
import GhostLogger from '@tryghost/logging/lib/GhostLogger.js'

const telemetry = startTelemetry()
const path = mkdtempSync(join(tmpdir(), 'ghost-'))
const logger = new GhostLogger({ name: 'shop', transports: ['file'], path, filename: 'all' })
logger.streams['file-all'].log.addStream(otelStream())
logger.info('order found')
logger.warn({ order: 7 }, 'order is late')
logger.error(new RangeError('no stock'))
await logger.flush()
process.stdout.write(readFileSync(join(path, 'all.log')))
await telemetry.shutdown()
