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
 * | data of `table`                                  | body, structured: the columns that it shows            |
 * | other arguments: objects; an Error; all else     | attributes; `exception.*`; end of the body             |
 * | stdout or stderr, as Node chooses                | attribute `log.iostream`                               |
 * | labels of open groups                            | attribute `console.group`                              |
 * | stack of `trace`                                 | attribute `code.stacktrace`                            |
 */
import {
  checkOptions,
  createBridge,
  LogbridgeError,
  type SeverityNumber,
  severityTable,
  unknownLevel,
} from '@logbridge/bridge'
import { warnOnce, formatText, registeredDiagLogger } from '@logbridge/bridge/internal'
import { type ConsoleCall, contentOf, createAdapter, printsArguments, stackOf } from './convert.ts'
import { type BridgeConsoleOptions, optionRules } from './options.ts'
import { type ConsoleMethod, severities } from './severity.ts'
import { createSpanPrefix } from './traceContext.ts'
import { isMadeByValue, isOpenTelemetrysOwn } from './callers.ts'

export type { BridgeConsoleOptions } from './options.ts'
export type { TraceFieldNames } from '@logbridge/bridge/internal'
export type { ConsoleMethod } from './severity.ts'

type Method = (this: unknown, ...args: unknown[]) => unknown
/** Apply trap of a Proxy. */
type Trap = (target: Method, self: unknown, args: unknown[]) => unknown
type Methods = Record<string, Method>

/** Open groups whose labels are sent. Each record inside a group repeats them. */
const MAX_GROUPS = 64
/** UTF-16 units of a label. */
const MAX_LABEL_LENGTH = 256
const NOTHING: readonly unknown[] = []
const METHODS = Object.keys(severities) as ConsoleMethod[]
/** Bridged consoles of the process. The set is shared because an ESM and a CommonJS copy of this package can be loaded. */
const BRIDGED = Symbol.for('logbridge.console.1')
const bridged: WeakSet<Console> = ((globalThis as { [BRIDGED]?: WeakSet<Console> })[BRIDGED] ??=
  new WeakSet())

/**
 * Sends each call of a console to OpenTelemetry as well. The console prints as before. A second call for a console that is
 * bridged already changes nothing.
 *
 * @returns a function that restores the console's own methods. A method that other code has wrapped meanwhile stays in place
 * and passes calls on.
 * @throws LogbridgeError `INVALID_OPTION` for an unknown option, for a value that an option does not accept, and for a
 * console whose methods cannot be replaced
 * @example
 * const restore = bridgeConsole({ level: 'warn' })
 */
export function bridgeConsole(options: BridgeConsoleOptions = {}): () => void {
  checkOptions('@logbridge/console', options, optionRules)
  const { console: target = globalThis.console, level, traceContext, ...bridgeOptions } = options
  const table = severityTable(severities, options.severity)
  const spanPrefixOf = createSpanPrefix(traceContext)
  const minimum = level === undefined ? 0 : severityOf(level, table)
  // Calls below `minimum` do not reach the bridge.
  const bridge = createBridge(createAdapter(table), bridgeOptions)
  if (bridged.has(target)) {
    warnOnce('console-twice', 'the console is already bridged: the second bridgeConsole() changes nothing')
    return () => {}
  }

  let active = true
  let groups: readonly string[] = []
  /** Open groups beyond `MAX_GROUPS`. */
  let deeperGroups = 0
  /** Call that the console is printing. */
  let current: ConsoleCall | undefined

  function wrap(method: ConsoleMethod, original: Method): Method {
    const withSpan = spanPrefixOf(method)
    const opensGroup = method === 'group' || method === 'groupCollapsed'
    // One object stands for every call that is not sent: `pnpm bench disabled`. Such a call is still the current call while it
    // prints through other methods.
    const placeholder = newCall(method, [], [], onCall, NOTHING)
    const isUnsent = table.get(method)! < minimum
    const isAlwaysPrinted = printsArguments(method)
    return wrapMethod(original, onCall)

    function onCall(_: Method, self: unknown, args: unknown[]): unknown {
      // `table` and patched methods print by calling `log`: the application made one call.
      if (current && !isMadeByValue(onCall)) {
        current.printed ??= args
        return Reflect.apply(
          original,
          self,
          current.method === 'trace' ? withoutOwnFrame(args, current) : args,
        )
      }
      if (!active) return Reflect.apply(original, self, args)
      let result: unknown
      const outer = current
      const isSkipped =
        isUnsent || (isAlwaysPrinted && registeredDiagLogger() === undefined && bridge.skips())
      const call = (current = isSkipped ? placeholder : newCall(method, args, groups, onCall))
      try {
        result = Reflect.apply(original, self, withSpan ? withSpan(args) : args)
      } finally {
        current = outer
      }
      if (!isSkipped) send(call)
      if (opensGroup) {
        if (groups.length < MAX_GROUPS) groups = [...groups, labelOf(args)]
        else deeperGroups += 1
      }
      return result
    }
  }

  function send(call: ConsoleCall): void {
    call.content = contentOf(call)
    if (call.content !== undefined && !isOpenTelemetrysOwn(call)) bridge.emit(call)
  }

  function wrapGroupEnd(original: Method): Method {
    return wrapMethod(original, (_, self, args) => {
      if (deeperGroups > 0) deeperGroups -= 1
      else groups = groups.slice(0, -1)
      return Reflect.apply(original, self, args)
    })
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

/** @throws LogbridgeError `INVALID_OPTION` when the level is no method */
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
  return { method, args, printed, content: undefined, groups, calledAs }
}

/**
 * Wraps a method in a Proxy, which has the name and the properties of the method, and can be constructed only if the method can.
 * Jest prints the caller of a console's method under each line, and skips frames named `<anonymous>`. The trap has
 * that name, and is bound to no object, because V8 puts the class of the object in front of the name.
 */
function wrapMethod(original: Method, onCall: Trap): Method {
  Object.defineProperty(onCall, 'name', { value: '<anonymous>' })
  return new Proxy(original, { apply: onCall.bind(undefined) })
}

/** @returns a function that restores the method, unless other code has replaced the method meanwhile */
function replace(target: Console, name: string, wrap: (original: Method) => Method): () => void {
  const methods = target as unknown as Methods
  const original = methods[name]
  if (typeof original !== 'function') return () => {}
  const own = Object.getOwnPropertyDescriptor(target, name)
  const wrapper = wrap(original)
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

/** Removes the bridge's frame from the text that `trace` prints. The application's frames follow that frame. */
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
