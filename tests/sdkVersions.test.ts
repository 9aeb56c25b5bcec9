/* Applications with OpenTelemetry 2.x and 3.x, in child processes with the built packages, in each order of setup. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Outcome, Source, Step } from './fixtures/application.ts'

const LIBRARIES = ['winston', 'pino', 'bunyan', 'log4js', 'console']
// Node.js 22.15 needs flags to run TypeScript.
const flags = process.features.typescript ? [] : ['--experimental-strip-types', '--no-warnings']

async function runProgram(name: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const program = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
  return promisify(execFile)(process.execPath, [...flags, program, ...args])
}

async function run(...steps: Step[]): Promise<Outcome & { stderr: string }> {
  const { stdout, stderr } = await runProgram('application.ts', JSON.stringify(steps))
  return { ...(JSON.parse(stdout) as Outcome), stderr }
}

/** Returns the texts that arrive when each library logs `texts`. */
function all(...texts: string[]): string[] {
  return texts.flatMap((text) => LIBRARIES.map((library) => `${library} ${text}`))
}

const NOWHERE =
  /^logbridge: no OpenTelemetry LoggerProvider is registered, 5 log records not sent so far\. Call startTelemetry\(\) from @logbridge\/core, start your own OpenTelemetry SDK with a log record processor, or give the adapter a loggerProvider\n$/

describe.each([
  { folder: 'otel-2', version: '1.9.1' },
  { folder: 'otel-3', version: '1.10.0' },
] as const)('$folder', ({ folder, version }) => {
  const formats = (['import', 'require'] as const).map((how): Source => `${folder} by ${how}`)
  const [imported] = formats as [Source, Source]
  const pairs = formats.flatMap((adapters) => formats.map((sdk): [Source, Source] => [adapters, sdk]))

  test.concurrent.for(pairs)(
    'adapters of %s send to the SDK of %s and then to another SDK when adapters are created first',
    async ([adapters, sdk]) => {
      const { exported, apiVersions, stderr } = await run(
        ['create loggers', adapters],
        ['log', 'early'],
        ['register', sdk, 'first'],
        ['log', 'late'],
        ['disable', sdk],
        ['register', sdk, 'second'],
        ['log', 'later'],
      )
      expect(exported).toEqual({
        first: [...all('early'), ...all('late in the span')],
        second: all('later in the span'),
      })
      expect(apiVersions).toEqual([version])
      expect(stderr).toBe('')
    },
  )

  test.concurrent.for(pairs)(
    'adapters of %s send to the SDK of %s when the SDK is registered first',
    async ([adapters, sdk]) => {
      const { exported, apiVersions, stderr } = await run(
        ['register', sdk, 'SDK'],
        ['create loggers', adapters],
        ['log', 'late'],
      )
      expect(exported).toEqual({ SDK: all('late in the span') })
      expect(apiVersions).toEqual([version])
      expect(stderr).toBe('')
    },
  )

  test.concurrent.for(formats)(
    'adapters of %s print one warning when no SDK is registered',
    async (adapters) => {
      const { stderr } = await run(['create loggers', adapters], ['log', 'a'])
      expect(stderr).toMatch(NOWHERE)
    },
  )

  test.concurrent('adapters print one warning when the Logs API is loaded without an SDK', async () => {
    const { stderr } = await run(
      ['load', imported, '@opentelemetry/api-logs'],
      ['create loggers', imported],
      ['log', 'a'],
    )
    expect(stderr).toMatch(NOWHERE)
  })

  test.concurrent('adapters send to SDK 3.x when both are registered, and to 2.x when 3.x is disabled', async () => {
    const { exported } = await run(
      ['create loggers', imported],
      ['register', 'otel-3 by import', '3.x'],
      ['register', 'otel-2 by import', '2.x'],
      ['log', 'a'],
      ['disable', 'otel-3 by import'],
      ['log', 'b'],
    )
    expect(exported).toEqual({ '3.x': all('a in the span'), '2.x': all('b in the span') })
  })

  // @opentelemetry/api 1.10 registers nothing when another minor version registered something first.
  test.concurrent('adapters send to SDK 2.x when it is registered before 3.x', async () => {
    const { exported } = await run(
      ['create loggers', imported],
      ['register', 'otel-2 by import', '2.x'],
      ['register', 'otel-3 by import', '3.x'],
      ['log', 'a'],
    )
    expect(exported).toEqual({ '2.x': all('a in the span'), '3.x': [] })
  })

  test.concurrent.for([[], ['ContextManager']])(
    'bridgeConsole sends one record when ConsoleLogRecordExporter prints to the bridged console %s',
    async (contextManager) => {
      const { stdout } = await runProgram('consoleExporter.ts', folder, ...contextManager)
      expect(stdout).toContain("body: 'once'")
      expect(stdout).toContain('exported 1\n')
    },
  )
})
