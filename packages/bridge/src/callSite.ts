import { fileURLToPath } from 'node:url'
import { warnOnce } from './warnings.ts'

/** Largest number of frames that are read, from the bridge through the library to the application. */
const MAX_FRAMES = 50

/** Files of `excludeCallingFile`. The file that calls `createBridge` is excluded without it. */
const adapterFiles = new Set<string | undefined>()

/** Excludes the calling file, a further file of an adapter, from the search for the call site of a log call. */
export function excludeCallingFile(): void {
  const [site] = callSites(excludeCallingFile, 1)
  if (site) adapterFiles.add(fileOf(site))
}

/**
 * Makes a function that returns the call site of a log call, as `code.*` attributes of the semantic conventions.
 * https://opentelemetry.io/docs/specs/semconv/code/
 *
 * The call site is the first frame outside of Node.js, `node_modules`, the bridge, and the adapter: the file that called `createBridge`
 * and the files of `excludeCallingFile`. In a bundle of one file the call site is the first of `callers`.
 */
export function createCallSiteLocator<Native>(
  callers: (native: Native) => readonly NodeJS.CallSite[] = () => [],
): (native: Native) => Record<string, unknown> {
  // The frames are this function, createRecordBuilder, createBridge, and the adapter.
  const files = callSites().slice(0, 4).map(fileOf)
  const own = new Set(files)
  const isBundled = files[0] === files[3]
  return (native) => {
    for (const site of isBundled ? callers(native) : callSites()) {
      const file = fileOf(site)
      if (file === undefined || file.startsWith('node:')) continue
      if (!isBundled && (own.has(file) || adapterFiles.has(file))) continue
      if (/[\\/]node_modules[\\/]/.test(file)) continue
      return {
        'code.file.path': file,
        'code.line.number': site.getLineNumber() ?? undefined,
        'code.column.number': site.getColumnNumber() ?? undefined,
        'code.function.name': site.getFunctionName() ?? undefined,
      }
    }
    if (isBundled) {
      warnOnce(
        'capture-code',
        `captureCode finds no call site because ${files[0]} contains the application and logbridge: keep the packages of ` +
          'logbridge external to the bundle, or put node_modules into another file',
      )
    }
    return {}
  }
}

/**
 * Returns the callers of a function, the nearest first. Empty when `Error` is frozen.
 * https://v8.dev/docs/stack-trace-api#customizing-stack-traces
 *
 * @param calledAs function whose callers are returned. Default: `callSites`.
 * @param maxFrames largest number of callers. Default: 50.
 */
export function callSites(
  calledAs: (...args: never) => unknown = callSites,
  maxFrames: number = MAX_FRAMES,
): NodeJS.CallSite[] {
  try {
    const { prepareStackTrace, stackTraceLimit } = Error
    try {
      Error.stackTraceLimit = maxFrames
      Error.prepareStackTrace = (_, sites) => sites
      const holder = {} as { stack: NodeJS.CallSite[] }
      Error.captureStackTrace(holder, calledAs)
      return holder.stack
    } finally {
      Error.prepareStackTrace = prepareStackTrace
      Error.stackTraceLimit = stackTraceLimit
    }
  } catch {
    return []
  }
}

function fileOf(site: NodeJS.CallSite): string | undefined {
  const file = site.getFileName()
  return file ? filePath(file) : undefined
}

/** Converts the file name of a stack frame, which is a URL for an ES module, to a path. Never throws. */
export function filePath(file: string): string {
  try {
    return file.startsWith('file:') ? fileURLToPath(file) : file
  } catch {
    // `fileURLToPath` refuses the URL, e.g. because the URL names another host.
    return file
  }
}
