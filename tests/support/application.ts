/*
 * An application with all five adapters, as a program of its own. Prints as JSON what its SDKs exported.
 *   node application.ts <steps as JSON>
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { SubjectLogger } from '@logbridge/bridge/conformance'
import type * as openTelemetry from '@opentelemetry/api'
import type { LoggerProvider, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { load as otel2 } from '../otel-2/packages.ts'
import { load as otel3 } from '../otel-3/packages.ts'
import { type Adapters, createSubjects } from './subjects.ts'

/** The packages of `tests/otel-2` or `tests/otel-3`, imported or required. */
export type Source = `${'otel-2' | 'otel-3'} by ${'import' | 'require'}`

export type Step =
  /** Makes a logger with each adapter. */
  | ['create loggers', Source]
  /** Each logger logs `<library> <text>`, in a span where a ContextManager is registered. */
  | ['log', string]
  /** Registers an SDK, whose records are printed under this name. */
  | ['register', Source, string]
  /** Shuts the registered SDK down and unregisters it. */
  | ['disable', Source]
  /** Loads one package more. */
  | ['load', Source, string]

export interface Outcome {
  /** `<library> <text>` of each record, and whether it is in the span, by the SDK that exported it. */
  exported: Record<string, string[]>
  /** Versions of `@opentelemetry/api` of which a module was loaded. */
  apiVersions: string[]
}

const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
const exported: Record<string, string[]> = {}
const providers: Record<string, LoggerProvider> = {}
const loggers: { library: string; info: string; logger: SubjectLogger }[] = []
let api: typeof openTelemetry | undefined

const apiVersions = new Set<string>()
registerHooks({
  load(url, context, next) {
    const [folder] = /^.*\/node_modules\/@opentelemetry\/api\//.exec(url) ?? []
    if (folder) apiVersions.add(JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')).version)
    return next(url, context)
  },
})

for (const step of JSON.parse(process.argv[2]!) as Step[]) await perform(step)
await Promise.all(Object.values(providers).map((provider) => provider.forceFlush()))
const outcome: Outcome = { exported, apiVersions: [...apiVersions] }
process.stdout.write(JSON.stringify(outcome))

async function perform(step: Step): Promise<void> {
  if (step[0] === 'log') return log(step[1])
  const [verb, source, name = ''] = step
  const load = (source.startsWith('otel-2') ? otel2 : otel3)[source.endsWith('import') ? 'import' : 'require']
  if (verb === 'create loggers') return createLoggers(load)
  if (verb === 'load') return void (await load(name))
  // Logs have an API of their own in 2.x.
  const { logs } = await load(source.startsWith('otel-2') ? '@opentelemetry/api-logs' : '@opentelemetry/api')
  if (verb === 'disable') {
    await providers[source]?.shutdown()
    return logs.disable()
  }
  api ??= (await load('@opentelemetry/api')) as typeof openTelemetry
  const { AsyncLocalStorageContextManager } = await load('@opentelemetry/context-async-hooks')
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  logs.setGlobalLoggerProvider((providers[source] = createSdk(await load('@opentelemetry/sdk-logs'), name)))
}

async function createLoggers(load: (name: string) => Promise<any>): Promise<void> {
  const adapters: Record<string, unknown> = {}
  for (const library of ['winston', 'pino', 'bunyan', 'log4js', 'console']) {
    adapters[library] = await load(`@logbridge/${library}`)
  }
  for (const { library, levels, create } of createSubjects(adapters as unknown as Adapters)) {
    const info = Object.keys(levels).find((level) => levels[level] === 9)!
    loggers.push({ library, info, logger: await create({}) })
  }
}

function createSdk(sdk: typeof import('@opentelemetry/sdk-logs'), name: string): LoggerProvider {
  const records: string[] = (exported[name] = [])
  class Exporter extends sdk.InMemoryLogRecordExporter {
    override export(
      ...[batch, done]: Parameters<InstanceType<typeof sdk.InMemoryLogRecordExporter>['export']>
    ): void {
      records.push(...batch.map(describe))
      super.export(batch, done)
    }
  }
  return new sdk.LoggerProvider({
    processors: [new sdk.SimpleLogRecordProcessor({ exporter: new Exporter() })],
  })
}

function describe({ body, spanContext: found }: ReadableLogRecord): string {
  return `${String(body)}${found?.traceId === spanContext.traceId ? ' in the span' : ''}`
}

function log(text: string): void {
  const run = (): void => {
    for (const { library, info, logger } of loggers) logger.log(info, `${library} ${text}`)
  }
  if (api) api.context.with(api.trace.setSpanContext(api.ROOT_CONTEXT, spanContext), run)
  else run()
}
