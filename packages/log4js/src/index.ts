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
 * | a leading text, and what its specifiers  | body, by `util.format`                                         |
 * | (`%s`, `%d`, …) take                     |                                                                |
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
 * | what is active at the log call           | trace context (`trace.ts`); also of a cluster's workers        |
 * | `layout` of the appender                 | body: what the layout makes; where that may hide something,    |
 * |                                          | arguments and context are no attributes                        |
 *
 * Objects with fields are plain ones and class instances that have no text or JSON of their own; `splitArguments` of
 * `@logbridge/bridge` has the rules.
 */
import {
  bridgeOptionRules,
  type BridgeOptions,
  checkOptions,
  createBridge,
  LogbridgeError,
  type OptionRule,
  rules,
  severityTable,
  unknownLevel,
} from '@logbridge/bridge'
import { nextTurn, timers } from '@logbridge/bridge/internal'
import type { AppenderModule, Layout, LayoutsParam, Levels, LoggingEvent } from 'log4js'
import { type BodyLayout, createAdapter, SEVERITIES, severityOf } from './convert.ts'
import { rememberCalls } from './trace.ts'

/** Options of the appender: those of every adapter. */
export interface OtelAppenderOptions extends BridgeOptions {
  /** Least severe level that is sent, by its name in log4js. Default: what the categories let through. */
  level?: string | undefined
}

/** The appender in log4js's configuration, for `satisfies`: log4js's own types let any option pass. */
export interface OtelAppenderConfig extends Omit<OtelAppenderOptions, 'loggerProvider'> {
  type: '@logbridge/log4js' | AppenderModule
  /**
   * Makes the body, as in log4js's other appenders. Default: the message alone. What a layout does not write is not sent:
   * with one of your own, or a pattern without the whole message (`%m`), arguments and context are no attributes.
   */
  layout?: Layout | undefined
}

/** An appender as log4js calls it. */
export interface OtelAppender {
  (event: LoggingEvent): void
  /** Flushes the LoggerProvider, for `flushTimeoutMillis` at most. The appender still takes events afterwards. */
  shutdown(callback?: (error?: Error) => void): void
}

const configRules: Readonly<Record<string, OptionRule>> = {
  ...bridgeOptionRules,
  loggerProvider: {
    accepts:
      'a LoggerProvider, but log4js copies its configuration and a copied one does not work: ' +
      'write { type: otelAppender({ loggerProvider }) }',
    test: bridgeOptionRules.loggerProvider.test,
  },
  type: { accepts: 'a module name or an appender module', test: () => true },
  layout: {
    accepts: "an object with log4js's name of the layout as type",
    test: (value) => rules.object.test(value) && rules.string.test((value as { type?: unknown }).type),
  },
}

/**
 * An appender `type` that has its options already: `{ type: otelAppender({ loggerProvider }) }`. TypeScript checks them, and
 * log4js, which copies its configuration deeply, leaves them as they are.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an option that does not exist, or a value it does not accept
 */
export function otelAppender(options: OtelAppenderOptions = {}): AppenderModule {
  checkOptions('@logbridge/log4js', options, bridgeOptionRules)
  return {
    configure(config: object, layouts, _findAppender, levels) {
      return createAppender({ ...options, ...checked(config) }, layouts, levels)
    },
  }
}

/**
 * What log4js calls for `{ type: '@logbridge/log4js', ...options }` (see `OtelAppenderConfig`) in its configuration.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an option that does not exist, or a value it does not accept
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
  rememberCalls()
  const isOff = level?.levelStr === 'OFF'
  const appender = (event: LoggingEvent): void => {
    if (!isOff) bridge.emit(event)
  }
  const shutdown = (callback: (error?: Error) => void = () => {}): void => {
    // log4js shuts all appenders down at once: one before this may now hand over what it holds. The callback is called out of
    // the promise, so that one that throws is no unhandled rejection.
    void nextTurn()
      .then(() => bridge.flush())
      .then((error) => timers.setImmediate(callback, error as Error))
  }
  return Object.assign(appender, { shutdown })
}

/** @throws LogbridgeError when log4js has no level of this name */
function findLevel(name: string | undefined, levels: Levels | undefined): Levels['OFF'] | undefined {
  if (name === undefined) return undefined
  const level = levels?.getLevel(name)
  if (level === undefined) throw unknownLevel('log4js', name, levels?.levels.map(String) ?? [])
  return level
}

/** The `severity` option by log4js's spelling of its levels. */
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
  // Its types know only the pattern layout here.
  const format = layouts?.layout(layout.type, layout as never)
  if (format) return { format, hidesNothing: hidesNothing(layout) }
  throw new LogbridgeError(
    'INVALID_OPTION',
    `@logbridge/log4js: option layout has the type '${layout.type}', which log4js does not know; see log4js.addLayout`,
  )
}

/** Whether a layout writes all arguments: those of log4js do, a pattern where it has the whole message, not cut off (`%.20m`). */
function hidesNothing({ type, pattern = '%m' }: { type: string; pattern?: unknown }): boolean {
  if (type === 'pattern') return /%-?\d*m(?:[^{]|$)/.test(String(pattern).replaceAll('%%', ''))
  return ['basic', 'colored', 'coloured', 'messagePassThrough'].includes(type)
}
