import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'

const testsFolder = fileURLToPath(new URL('..', import.meta.url))
const telemetry = fileURLToPath(new URL('telemetry.mjs', import.meta.url))

/** Runs programs of documents. */
export interface ProgramRunner {
  /**
   * Runs a program with the endpoint of a viewer. Calls startTelemetry() first when the program does not.
   *
   * @returns the received log records
   */
  run(code: string): Promise<ReceivedLogRecord[]>
  close(): Promise<void>
}

export async function createProgramRunner(): Promise<ProgramRunner> {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  // Programs inside tests/ resolve the packages by name.
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

/** Returns the fenced blocks of a document in `language`. */
export function codeBlocks(document: string, language: string): string[] {
  return [...document.matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!)
}
