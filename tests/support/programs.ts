import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'

const testsFolder = fileURLToPath(new URL('..', import.meta.url))
const telemetry = join(testsFolder, 'fixtures/telemetry.mjs')

/** Runs the programs that documents show. */
export interface ProgramRunner {
  /**
   * Runs a program as it stands, but for the endpoint. One that does not call startTelemetry() itself is run in an application
   * that has.
   *
   * @returns the log records that it sent
   */
  run(code: string): Promise<ReceivedLogRecord[]>
  close(): Promise<void>
}

export async function createProgramRunner(): Promise<ProgramRunner> {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  // Inside tests/, so that the programs find the packages by name.
  const folder = await mkdtemp(join(testsFolder, '.programs-'))
  let received: ReceivedLogRecord[] = []
  viewer.on('logs', (records) => received.push(...records))

  return {
    async run(code) {
      received = []
      const file = join(folder, 'program.mjs')
      await writeFile(file, code.replaceAll(/'https:\/\/collector[^']*'/g, `'${viewer.grpcUrl}'`))
      const before = code.includes('startTelemetry') ? [] : ['--import', telemetry]
      const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl }
      await promisify(execFile)(process.execPath, [...before, file], { env, cwd: folder })
      return received
    },
    async close() {
      await viewer.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** The fenced blocks of a document that are written in `language`. */
export function codeBlocks(document: string, language: string): string[] {
  return [...document.matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!)
}
