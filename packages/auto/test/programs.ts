import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ReceivedLogRecord, type ReceivedSpan, startViewer } from '@logbridge/viewer'
import { afterAll, beforeAll } from 'vitest'

const testFolder = fileURLToPath(new URL('.', import.meta.url))

/** Result of a program that ran with `@logbridge/auto`. */
export interface Run {
  /** Records in the order of the log calls. */
  readonly records: readonly ReceivedLogRecord[]
  readonly spans: readonly ReceivedSpan[]
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramOptions {
  /** @default 'esm' */
  module?: 'esm' | 'cjs'
  /** Folder of the program inside the application. @default '.' */
  within?: string
  /** Arguments of Node.js before the program. */
  args?: readonly string[]
  env?: NodeJS.ProcessEnv
}

const IMPORT: readonly string[] = ['--import', '@logbridge/auto']

/**
 * Creates an application whose files resolve the packages of this workspace by name.
 *
 * @param dependencies names that its `package.json` has
 * @returns its folder
 */
export async function createApplication(
  dependencies: readonly string[] = [],
  fields: object = {},
): Promise<string> {
  const folder = await mkdtemp(join(testFolder, '.programs-'))
  await mkdir(join(folder, 'node_modules/@logbridge'), { recursive: true })
  await symlink(join(testFolder, '..'), join(folder, 'node_modules/@logbridge/auto'))
  const versions = Object.fromEntries(dependencies.map((name) => [name, '*']))
  const manifest = { name: 'application', dependencies: versions, ...fields }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  return folder
}

/** Runs programs that send to a viewer. */
export function useViewer(
  dependencies: readonly string[] = [],
): (code: string, options?: ProgramOptions) => Promise<Run> {
  let viewer: Awaited<ReturnType<typeof startViewer>>
  let folder: string
  let records: ReceivedLogRecord[] = []
  let spans: ReceivedSpan[] = []
  let count = 0
  beforeAll(async () => {
    viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
    folder = await createApplication(dependencies)
    viewer.on('logs', (arrived) => records.push(...arrived))
    viewer.on('spans', (arrived) => spans.push(...arrived))
  })
  afterAll(async () => {
    await viewer.close()
    await rm(folder, { recursive: true })
  })

  return async (code, { module = 'esm', within = '.', args = IMPORT, env = {} } = {}) => {
    records = []
    spans = []
    await mkdir(join(folder, within), { recursive: true })
    const file = join(folder, within, `program${count++}.${module === 'esm' ? 'mjs' : 'cjs'}`)
    await writeFile(file, code)
    const variables = {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl,
      OTEL_METRICS_EXPORTER: 'none',
      ...env,
    }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [...args, file], {
      env: variables,
      cwd: folder,
    })
    records.sort((a, b) => Number(a.observedTimeUnixNano - b.observedTimeUnixNano))
    return { records, spans, stdout, stderr }
  }
}

/** Returns scope, severity text, and body of each record, in the order of the log calls. */
export function essence({ records }: Run): unknown[] {
  return records.map(({ scope, severityText, body }) => [scope.name, severityText, body])
}
