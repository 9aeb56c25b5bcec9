import type { LoggerProvider } from '@logbridge/bridge'
import type { ApiLogRecord } from '@logbridge/bridge/internal'
import log4js from 'log4js'
import { afterEach } from 'vitest'
import * as otel from '../src/index.ts'

/** A record as a LoggerProvider is given it. */
export type Emitted = ApiLogRecord & { scope: string }

export function memory(): { loggerProvider: LoggerProvider; emitted: Emitted[] } {
  const emitted: Emitted[] = []
  const loggerProvider: LoggerProvider = {
    getLogger: (scope) => ({ emit: (record) => emitted.push({ ...record, scope }) }),
  }
  return { loggerProvider, emitted }
}

/** A logger whose one appender is ours, or another of `more` that is in front of it. */
export function setUp(
  options: otel.OtelAppenderOptions = {},
  rest: { layout?: log4js.Layout; enableCallStack?: boolean } = {},
  more: Record<string, log4js.Appender> = {},
): { logger: log4js.Logger; emitted: Emitted[] } {
  const { loggerProvider, emitted } = memory()
  const { layout, enableCallStack = false } = rest
  const type = otel.otelAppender({ loggerProvider, ...options })
  log4js.configure({
    appenders: { otel: { type, ...(layout && { layout }) }, ...more },
    categories: { default: { appenders: [Object.keys(more)[0] ?? 'otel'], level: 'ALL', enableCallStack } },
  })
  return { logger: log4js.getLogger('shop'), emitted }
}

/** `log4js.shutdown` as a promise of what it calls back with. */
export const shutdown = (): Promise<Error | null | undefined> =>
  new Promise((resolve) => log4js.shutdown((error) => resolve(error)))

afterEach(shutdown)
