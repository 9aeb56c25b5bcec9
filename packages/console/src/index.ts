/*
 * console to OpenTelemetry.
 *
 * | console                                          | LogRecord                                              |
 * | ------------------------------------------------ | ------------------------------------------------------ |
 * | time of the call                                 | timestamp                                              |
 * | `trace`; `debug`                                 | severityNumber 1; 5                                    |
 * | `log`, `info`, `dir`, `dirxml`, `table`, `group`, | severityNumber 9                                      |
 * | `groupCollapsed`, `count`, `timeLog`, `timeEnd`  |                                                        |
 * | `warn`; `error`, failed `assert`                 | severityNumber 13; 17                                  |
 * | name of the method                               | severityText                                           |
 * | text, formatted with the arguments it takes      | body                                                   |
 * | a sole argument that is no text                  | body, structured                                       |
 * | data of `table`                                  | body, structured: the columns that it was told to show |
 * | other arguments: objects; an Error; all else     | attributes; `exception.*`; end of the body             |
 * | stdout or stderr, as Node has it                 | attribute `log.iostream`                               |
 * | labels of open groups                            | attribute `console.group`                              |
 * | stack of `trace`                                 | attribute `code.stacktrace`                            |
 */
import {
  type BridgeOptions,
  bridgeOptionRules,
  checkOptions,
  createBridge,
  LogbridgeError,
  type OptionRule,
  rules,
  type SeverityNumber,
  severityTable,
  unknownLevel,
} from '@logbridge/bridge'
import { warnOnce, formatText } from '@logbridge/bridge/internal'
import {
  type ConsoleCall,
  type ConsoleMethod,
  content,
  createAdapter,
  severities,
  stackOf,
} from './convert.ts'
import { isMadeByValue, isOpenTelemetrysOwn } from './callers.ts'

export type { ConsoleMethod } from './convert.ts'

/** Options of `bridgeConsole`: those of every adapter, and which console. A console has no end that could wait for a flush. */
export interface BridgeConsoleOptions extends Omit<BridgeOptions, 'flushTimeoutMillis'> {
  /** The console to bridge. Default: the global one. */
  console?: Console | undefined
  /** Least severe method that is sent: `warn` leaves out what is below severity 13. Default: all. */
  level?: ConsoleMethod | undefined
  /** Severity numbers (1-24) for methods. */
  severity?: Readonly<Partial<Record<ConsoleMethod, SeverityNumber>>> | undefined
}

type Method = (this: unknown, ...args: unknown[]) => unknown
type Methods = Record<string, Method>

/** Open groups whose labels are sent, and UTF-16 units of a label: each record in a group repeats them. */
const MAX_GROUPS = 64
const MAX_LABEL_LENGTH = 256
const NOTHING: readonly unknown[] = []
const METHODS = Object.keys(severities) as ConsoleMethod[]
const { flushTimeoutMillis: _, ...commonRules } = bridgeOptionRules
const optionRules: Readonly<Record<keyof BridgeConsoleOptions, OptionRule>> = {
  ...commonRules,
  console: {
    accepts: 'a console',
    test: (value) => typeof (value as Partial<Console> | null)?.log === 'function',
  },
  severity: {
    accepts: 'an object of console methods and severity numbers from 1 to 24',
    test: (value) =>
      rules.severityTable.test(value) &&
      Object.keys(value as object).every((name) => Object.hasOwn(severities, name)),
  },
}

/** Consoles that are bridged; for the whole process, where an ESM and a CommonJS copy of this package can meet. */
const BRIDGED = Symbol.for('logbridge.console.1')
const bridged: WeakSet<Console> = ((globalThis as { [BRIDGED]?: WeakSet<Console> })[BRIDGED] ??=
  new WeakSet())

/**
 * Sends everything that is written to a console to OpenTelemetry as well; what it prints does not change. A console that
 * is bridged already stays with the bridge it has.
 *
 * @returns puts the console's own methods back; one that has been wrapped by someone else meanwhile then merely
 * passes calls on
 * @throws LogbridgeError `INVALID_OPTION` for an option that does not exist, a value it does not accept, or a console
 * whose methods cannot be replaced
 */
export function bridgeConsole(options: BridgeConsoleOptions = {}): () => void {
  checkOptions('@logbridge/console', options, optionRules)
  const { console: target = globalThis.console, level, ...bridgeOptions } = options
  const table = severityTable(severities, options.severity)
  const minimum = level === undefined ? 0 : severityOf(level, table)
  const bridge = createBridge(createAdapter(table), bridgeOptions, minimum)
  if (bridged.has(target)) {
    warnOnce('console-twice', 'this console is already bridged: the second bridgeConsole() adds nothing')
    return () => {}
  }

  let active = true
  let groups: readonly string[] = []
  /** Open groups within those that are sent. */
  let deeperGroups = 0
  /** The call at work. */
  let current: ConsoleCall | undefined

  function wrap(method: ConsoleMethod, original: Method): Method {
    const opensGroup = method === 'group' || method === 'groupCollapsed'
    // Below the level a call is followed, because of what it may print by others, and no more: one object stands for all of
    // them, where one for each and a bridge that refuses it took 20 ns longer.
    const unsent = table.get(method)! < minimum ? newCall(method, [], [], wrapper, NOTHING) : undefined
    return wrapper

    function wrapper(this: unknown, ...args: unknown[]): unknown {
      // `table` prints by calling `log`, and so may a patch print: one call of the application's.
      if (current && !isMadeByValue(wrapper)) {
        current.printed ??= args
        return Reflect.apply(
          original,
          this,
          current.method === 'trace' ? withoutOwnFrame(args, current) : args,
        )
      }
      if (!active) return Reflect.apply(original, this, args)
      let result: unknown
      const outer = current
      const call = (current = unsent ?? newCall(method, args, groups, wrapper))
      try {
        result = Reflect.apply(original, this, args)
      } finally {
        current = outer
      }
      if (call !== unsent) send(call)
      if (opensGroup) {
        if (groups.length < MAX_GROUPS) groups = [...groups, labelOf(args)]
        else deeperGroups += 1
      }
      return result
    }
  }

  function send(call: ConsoleCall): void {
    call.said = content(call)
    if (call.said !== undefined && !isOpenTelemetrysOwn(call)) bridge.emit(call)
  }

  function wrapGroupEnd(original: Method): Method {
    return function wrapper(...args) {
      if (deeperGroups > 0) deeperGroups -= 1
      else groups = groups.slice(0, -1)
      return Reflect.apply(original, this, args)
    }
  }

  const undo: (() => void)[] = []
  function restore(): void {
    active = false
    bridged.delete(target)
    for (const step of undo.splice(0)) step()
  }
  try {
    for (const method of METHODS) undo.push(replace(target, method, (original) => wrap(method, original)))
    undo.push(replace(target, 'groupEnd', wrapGroupEnd))
  } catch (error) {
    restore()
    throw new LogbridgeError(
      'INVALID_OPTION',
      '@logbridge/console: option console has methods that cannot be replaced; give it a new Console({ stdout, stderr })',
      { cause: error },
    )
  }
  bridged.add(target)
  return restore
}

/** @throws LogbridgeError for a level that is no method */
function severityOf(level: ConsoleMethod, table: ReadonlyMap<string, SeverityNumber>): SeverityNumber {
  const severity = table.get(level)
  if (severity === undefined) throw unknownLevel('console', level, METHODS)
  return severity
}

function newCall(
  method: ConsoleMethod,
  args: readonly unknown[],
  groups: readonly string[],
  calledAs: ConsoleCall['calledAs'],
  printed?: readonly unknown[],
): ConsoleCall {
  return { method, args, printed, said: undefined, groups, calledAs }
}

/** @returns puts the method back, unless another has taken its place meanwhile */
function replace(target: Console, name: string, wrap: (original: Method) => Method): () => void {
  const methods = target as unknown as Methods
  const original = methods[name]
  if (typeof original !== 'function') return () => {}
  const own = Object.getOwnPropertyDescriptor(target, name)
  const wrapper = Object.defineProperty(wrap(original), 'name', { value: name, configurable: true })
  Object.defineProperty(target, name, {
    value: wrapper,
    writable: true,
    enumerable: own?.enumerable ?? true,
    configurable: own?.configurable ?? true,
  })
  return () => {
    if (methods[name] !== wrapper) return
    if (own) Object.defineProperty(target, name, own)
    else delete methods[name]
  }
}

/** What `trace` prints, without the frame of the bridge: the application's frames begin behind it. */
function withoutOwnFrame(args: readonly unknown[], call: ConsoleCall): readonly unknown[] {
  const [text, ...others] = args
  const frames = stackOf(call)
  if (typeof text !== 'string' || !frames) return args
  const at = text.indexOf(`\n${frames.split('\n', 1)[0]}`)
  return at < 0 ? args : [text.slice(0, text.lastIndexOf('\n', at - 1) + 1) + frames, ...others]
}

function labelOf(args: readonly unknown[]): string {
  const [first, ...others] = args
  const text =
    typeof first !== 'string'
      ? formatText('', args).slice(1)
      : others.length === 0
        ? first
        : formatText(first, others)
  return text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH)}…` : text
}
