/*
 * log4js to OpenTelemetry.
 *
 * | log4js                                   | LogRecord                                                      |
 * | ---------------------------------------- | -------------------------------------------------------------- |
 * | `startTime`                              | timestamp                                                      |
 * | TRACE, DEBUG, INFO, WARN, ERROR, FATAL   | severityNumber 1, 5, 9, 13, 17, 21                             |
 * | MARK                                     | severityNumber 9                                               |
 * | a custom level                           | severityNumber in proportion to its value                      |
 * | the level's name                         | severityText                                                   |
 * | `categoryName`                           | instrumentation scope                                          |
 * | a leading text, and the arguments that   | body, by `util.format`                                         |
 * | its specifiers (`%s`, `%d`, …) take      |                                                                |
 * | other arguments without fields           | appended to the body, as log4js does                           |
 * | objects with fields among the arguments  | attributes                                                     |
 * | a sole argument that is no text          | body, structured                                               |
 * | the first Error among the arguments      | `exception.type`, `.message`, `.stacktrace`; its own fields    |
 * |                                          | and causes under `error`; body when it is the only argument    |
 * | `addContext()`                           | attributes                                                     |
 * | `enableCallStack`                        | `code.file.path`, `.line.number`, `.column.number`,            |
 * |                                          | `.function.name`, `.stacktrace`                                |
 * | `pid`, `cluster`, `remoteAddress`,       | attributes, where the event comes from another process         |
 * | `remotePort`                             |                                                                |
 * | active span of the log call              | trace context (`context.ts`); also of a cluster's workers      |
 * | `layout` of the appender                 | body: the layout's text; when a layout can hide something,     |
 * |                                          | arguments and context are no attributes                        |
 *
 * Objects with fields are plain objects, and class instances without `toString` and `toJSON`. `splitArguments` of
 * `@logbridge/bridge` has the rules.
 */
import {
  bridgeOptionRules,
  type BridgeOptions,
  checkOptions,
  createBridge,
  LogbridgeError,
  severityTable,
  unknownLevel,
} from '@logbridge/bridge'
import { nextTurn, OWN_DESTINATION, timers } from '@logbridge/bridge/internal'
import type { AppenderModule, Layout, LayoutsParam, Levels, LoggingEvent } from 'log4js'
import { type BodyLayout, createAdapter } from './convert.ts'
import { rememberCalls } from './context.ts'
import { configRules, type OtelAppenderOptions } from './options.ts'
import { SEVERITIES, severityOf } from './severity.ts'

export { traceContext } from './traceContext.ts'
export type { TraceFieldNames } from '@logbridge/bridge/internal'
export type { OtelAppenderConfig, OtelAppenderOptions } from './options.ts'

/** Appender as log4js calls it. */
export interface OtelAppender {
  (event: LoggingEvent): void
  /** Flushes the LoggerProvider, for at most `flushTimeoutMillis`. The appender accepts events afterwards as well. */
  shutdown(callback?: (error?: Error) => void): void
}

/**
 * Creates the `type` of an appender, with its options. log4js copies its configuration deeply. Options that are given here
 * are not copied, and TypeScript checks them.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an unknown option, and for a value that an option does not accept
 * @example
 * log4js.configure({ appenders: { otel: { type: otelAppender({ loggerProvider }) } }, categories })
 */
export function otelAppender(options: OtelAppenderOptions = {}): AppenderModule {
  checkOptions('@logbridge/log4js', options, bridgeOptionRules)
  const create: AppenderModule['configure'] = (config: object, layouts, _findAppender, levels) =>
    createAppender({ ...options, ...checked(config) }, layouts, levels)
  // log4js copies the module, but not its function.
  return { configure: Object.assign(create, { [OWN_DESTINATION]: true }) }
}

/**
 * Creates the appender. log4js calls this for `{ type: '@logbridge/log4js', ...options }` in its configuration; see
 * `OtelAppenderConfig`.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an unknown option, and for a value that an option does not accept
 */
export function configure(
  config?: object,
  layouts?: LayoutsParam,
  _findAppender?: unknown,
  levels?: Levels,
): OtelAppender {
  return createAppender(checked(config), layouts, levels)
}

type CheckedConfig = OtelAppenderOptions & { layout?: Layout | undefined }

function checked(config: object | undefined): CheckedConfig {
  checkOptions('@logbridge/log4js', config, configRules)
  return config ?? {}
}

function createAppender(
  config: CheckedConfig,
  layouts: LayoutsParam | undefined,
  levels: Levels | undefined,
): OtelAppender {
  const severities = severityTable(SEVERITIES, byLevelName(config.severity, levels))
  const adapter = createAdapter(severities, findLayout(config.layout, layouts))
  const level = findLevel(config.level, levels)
  const bridge = createBridge(adapter, config, severityOf(level, severities))
  rememberCalls(config.loggerProvider !== undefined)
  const isOff = level?.levelStr === 'OFF'
  const appender = (event: LoggingEvent): void => {
    if (!isOff) bridge.emit(event)
  }
  const shutdown = (callback: (error?: Error) => void = () => {}): void => {
    // log4js shuts down all appenders at once, and an appender in front of this one may pass on its last events now. A timer
    // calls the callback, so that a callback that throws is no unhandled rejection.
    void nextTurn()
      .then(() => bridge.flush())
      .then((error) => timers.setImmediate(callback, error as Error))
  }
  return Object.assign(appender, { shutdown })
}

/** @throws LogbridgeError `INVALID_OPTION` when log4js has no level of this name */
function findLevel(name: string | undefined, levels: Levels | undefined): Levels['OFF'] | undefined {
  if (name === undefined) return undefined
  const level = levels?.getLevel(name)
  if (level === undefined) throw unknownLevel('log4js', name, levels?.levels.map(String) ?? [])
  return level
}

/** Spells the levels of the `severity` option as log4js does. */
function byLevelName(
  severity: BridgeOptions['severity'],
  levels: Levels | undefined,
): BridgeOptions['severity'] {
  return (
    severity &&
    Object.fromEntries(Object.entries(severity).map(([name, n]) => [findLevel(name, levels)!.levelStr, n]))
  )
}

function findLayout(layout: Layout | undefined, layouts: LayoutsParam | undefined): BodyLayout | undefined {
  if (layout === undefined) return undefined
  // log4js's types have the pattern layout alone here.
  const format = layouts?.layout(layout.type, layout as never)
  if (format) return { format, hidesNothing: hidesNothing(layout) }
  throw new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/log4js: option layout has the type '${layout.type}', which log4js does not know; see log4js.addLayout`,
  )
}

/** Tests if a layout writes all arguments. log4js's layouts do; a pattern does when it has the whole message (`%m`, not `%.20m`). */
function hidesNothing({ type, pattern = '%m' }: { type: string; pattern?: unknown }): boolean {
  if (type === 'pattern') return /%-?\d*m(?:[^{]|$)/.test(String(pattern).replaceAll('%%', ''))
  return ['basic', 'colored', 'coloured', 'messagePassThrough'].includes(type)
}
