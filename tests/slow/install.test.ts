import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { packPackages } from '../support/packages.ts'
import { run } from '../support/run.ts'

const folder = await mkdtemp(join(tmpdir(), 'logbridge-install-'))
afterAll(() => rm(folder, { recursive: true }))

const packages = await packPackages(folder)

const GENERATIONS = {
  sdk2: ['@opentelemetry/api@1.9', '@opentelemetry/api-logs@0.223', '@opentelemetry/sdk-logs@0.223'],
  sdk3: ['@opentelemetry/api@1.10', '@opentelemetry/sdk-logs@3'],
}

it.each(Object.entries(GENERATIONS))(
  'npm installs the adapter beside %s, and a record reaches its exporter',
  async (generation, openTelemetry) => {
    const project = await createProject(generation)
    await install(project, '@logbridge/winston', ...openTelemetry)
    await run('npm', ['ls', '--all'], project)

    const consumer = `${generation}.mjs`
    await copyFile(
      fileURLToPath(import.meta.resolve(`../fixtures/consumers/${consumer}`)),
      join(project, consumer),
    )
    expect(JSON.parse(await run('node', [consumer], project))).toEqual({
      severityNumber: 9,
      body: 'hello',
      attributes: { user: 7 },
    })
  },
)

it('npm refuses core beside sdk2, which is why adapters do not depend on it', async () => {
  const project = await createProject('core')
  await expect(install(project, '@logbridge/core', ...GENERATIONS.sdk2)).rejects.toThrow('ERESOLVE')
})

async function createProject(name: string): Promise<string> {
  const project = join(folder, name)
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{ "private": true }')
  return project
}

/** Installs one of our packages and the bridge as packed, winston, and `others` from the registry. */
async function install(project: string, name: string, ...others: string[]): Promise<void> {
  const tarballs = packages
    .filter((packed) => packed.name === name || packed.name === '@logbridge/bridge')
    .map(({ tarball }) => tarball)
  const quiet = ['--no-audit', '--no-fund', '--no-progress']
  await run('npm', ['install', '--strict-peer-deps', ...quiet, ...tarballs, 'winston@3', ...others], project)
}
