import { fileURLToPath } from 'node:url'

/** Frames looked at on the way from the bridge up to the application, through the library's own calls. */
const MAX_FRAMES = 50

/** Files of adapters that consist of several, beside the file that calls `createBridge`. */
const adapterFiles = new Set<string | undefined>()

/** Leaves out the calling file when the call site of a log call is looked for. */
export function excludeCallingFile(): void {
  const [site] = callSites(excludeCallingFile, 1)
  if (site) adapterFiles.add(fileOf(site))
}

/**
 * Finds where in the application a log call stands, as `code.*` attributes of the semantic conventions.
 * https://opentelemetry.io/docs/specs/semconv/code/
 *
 * The application is the first frame that is neither Node's, nor in `node_modules`, nor in the bridge or the
 * adapter that was calling when this locator was made.
 */
export function createCallSiteLocator(): () => Record<string, unknown> {
  // This function, createFinisher, createBridge, and the adapter.
  const own = new Set(callSites().slice(0, 4).map(fileOf))
  return () => {
    for (const site of callSites()) {
      const file = fileOf(site)
      if (file === undefined || file.startsWith('node:') || own.has(file) || adapterFiles.has(file)) continue
      if (/[\\/]node_modules[\\/]/.test(file)) continue
      return {
        'code.file.path': file,
        'code.line.number': site.getLineNumber() ?? undefined,
        'code.column.number': site.getColumnNumber() ?? undefined,
        'code.function.name': site.getFunctionName() ?? undefined,
      }
    }
    return {}
  }
}

/**
 * The calls that led to `calledAs`, the innermost first; none where `Error` is frozen.
 * https://v8.dev/docs/stack-trace-api#customizing-stack-traces
 *
 * @param calledAs a function that is running; default: this one
 * @param maxFrames default 50
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

/** The path, for `code.file.path`, of a file as stack traces name it: an ES module by its URL. Total. */
export function filePath(file: string): string {
  try {
    return file.startsWith('file:') ? fileURLToPath(file) : file
  } catch {
    // A URL that is no file of this machine's.
    return file
  }
}
