import { globSync } from 'node:fs'
import { appendFile, cp, mkdtemp } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { afterAll, expect, inject, test } from 'vitest'
import { NPM_INSTALL } from '@logbridge/test-support/project'
import { rootFolder, run } from '@logbridge/test-support/run'

const folders = globSync('examples/*/package.json', { cwd: rootFolder }).map((path) => join(path, '..'))

const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
afterAll(() => viewer.close())
const records: ReceivedLogRecord[] = []
viewer.on('logs', (arrived) => records.push(...arrived))

test.each(folders)('npm start sends records with a trace when %s is copied', async (folder) => {
  records.length = 0
  const copy = await mkdtemp(join(inject('projects'), `${basename(folder)}-`))
  const isInstalled = (path: string): boolean => basename(path) === 'node_modules'
  await cp(join(rootFolder, folder), copy, { recursive: true, filter: (path) => !isInstalled(path) })
  const registry: string = inject('registry')
  await appendFile(join(copy, '.npmrc'), `@logbridge:registry=${registry}\n`)
  const env = { NODE_PATH: undefined, NODE_OPTIONS: undefined, VITEST: undefined }
  await run('npm', NPM_INSTALL, copy, env)
  // The NodeSDK of existing-sdk sends over HTTP.
  const endpoint = folder.endsWith('existing-sdk') ? viewer.httpUrl : viewer.grpcUrl
  await run('npm', ['start'], copy, { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
  expect(records.map(({ traceId }) => traceId)).toContainEqual(expect.stringMatching(/^[\da-f]{32}$/))
})
