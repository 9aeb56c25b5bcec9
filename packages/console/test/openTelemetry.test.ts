import { context, diag, DiagLogLevel, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  InMemoryLogRecordExporter,
  type LogRecordExporter,
  LoggerProvider,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import { DiagConsoleLogger } from 'api1.9'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { bridgeConsole } from '../src/index.ts'

afterEach(() => {
  context.disable()
  diag.disable()
})

/** The global console, bridged to the official SDK: OpenTelemetry's own output goes to that one. */
function bridgeGlobal(loggerProvider: LoggerProvider): void {
  // Keeps the output of these tests off the terminal.
  const methods = { ...globalThis.console }
  for (const method of ['log', 'error', 'warn', 'info', 'debug', 'dir'] as const)
    globalThis.console[method] = () => {}
  const restore = bridgeConsole({ loggerProvider })
  onTestFinished(() => {
    restore()
    Object.assign(globalThis.console, methods)
  })
}

test('bridgeConsole sends the trace when a call is made in a span, also after an await', async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  const exporter = new InMemoryLogRecordExporter()
  bridgeGlobal(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }))
  const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
  await context.with(trace.setSpanContext(context.active(), spanContext), async () => {
    await Promise.resolve()
    console.log('in a span', { id: 1 })
  })
  expect(exporter.getFinishedLogRecords()).toEqual([
    expect.objectContaining({
      body: 'in a span',
      spanContext,
      severityNumber: 9,
      severityText: 'log',
      attributes: { id: 1, 'log.iostream': 'stdout' },
      instrumentationScope: expect.objectContaining({ name: 'console' }),
    }),
  ])
})

const CONTEXT_MANAGERS: [string, boolean][] = [
  ['with a ContextManager', true],
  ['without one', false],
]

describe('bridgeConsole sends no record when OpenTelemetry prints because of a record:', () => {
  test.for(CONTEXT_MANAGERS)('a console exporter, %s', async ([, hasContextManager]) => {
    if (hasContextManager) context.setGlobalContextManager(new AsyncLocalStorageContextManager())
    const exporter = new CountingConsoleExporter()
    const loggerProvider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] })
    bridgeGlobal(loggerProvider)
    console.log('once')
    await loggerProvider.forceFlush()
    await loggerProvider.forceFlush()
    expect(exporter.bodies).toEqual(['once'])
  })

  test.for(CONTEXT_MANAGERS)(
    'a diag logger on the console when the export fails, %s',
    async ([, hasContextManager]) => {
      if (hasContextManager) context.setGlobalContextManager(new AsyncLocalStorageContextManager())
      // The diag logger of 1.10 writes to the console of its load time, that of 1.9 to the bridged console.
      diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR)
      const exporter = new FailingExporter()
      const loggerProvider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] })
      bridgeGlobal(loggerProvider)
      console.log('once')
      for (let round = 0; round < 3; round += 1) await loggerProvider.forceFlush().catch(() => {})
      expect(exporter.bodies).toEqual(['once'])
    },
  )

  test.for(CONTEXT_MANAGERS)(
    'a diag logger on the console during an export, %s',
    async ([, hasContextManager]) => {
      if (hasContextManager) context.setGlobalContextManager(new AsyncLocalStorageContextManager())
      diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN)
      const exporter = new WarningExporter()
      const loggerProvider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] })
      bridgeGlobal(loggerProvider)
      console.warn('once')
      for (let round = 0; round < 3; round += 1) await loggerProvider.forceFlush()
      expect(exporter.getFinishedLogRecords().map(({ body }) => body)).toEqual(['once'])
    },
  )

  test('a diag logger of the application that writes to the console', async () => {
    const print = (...args: unknown[]) => console.error('[otel]', ...args)
    const logger = { error: (message: string) => print(message), warn: print, info: print, debug: print }
    diag.setLogger({ ...logger, verbose: print }, DiagLogLevel.ERROR)
    const exporter = new FailingExporter()
    const loggerProvider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] })
    bridgeGlobal(loggerProvider)
    console.log('once')
    for (let round = 0; round < 3; round += 1) await loggerProvider.forceFlush().catch(() => {})
    expect(exporter.bodies).toEqual(['once'])
  })

  test('but sends calls of dir and error that the application makes', async () => {
    const exporter = new InMemoryLogRecordExporter()
    bridgeGlobal(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }))
    diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR)
    console.dir({ a: 1 })
    console.error('b')
    expect(exporter.getFinishedLogRecords().map(({ body }) => body)).toEqual([{ a: 1 }, 'b'])
  })
})

class CountingConsoleExporter extends ConsoleLogRecordExporter {
  bodies: unknown[] = []
  override export(...[logs, done]: Parameters<LogRecordExporter['export']>): void {
    this.bodies.push(...logs.map(({ body }) => body))
    super.export(logs, done)
  }
}

class WarningExporter extends InMemoryLogRecordExporter {
  override export(...[logs, done]: Parameters<LogRecordExporter['export']>): void {
    diag.warn('about to export')
    super.export(logs, done)
  }
}

class FailingExporter implements LogRecordExporter {
  bodies: unknown[] = []
  export(logs: ReadableLogRecord[], done: Parameters<LogRecordExporter['export']>[1]): void {
    this.bodies.push(...logs.map(({ body }) => body))
    done({ code: 1, error: new Error('unreachable') })
  }
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}
