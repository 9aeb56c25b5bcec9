import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { copyProject, NPM_INSTALL, type Project } from '@logbridge/test-support/project'
import { ONE_BY_EACH, startReceiver } from '@logbridge/test-support/receiver'
import { run } from '@logbridge/test-support/run'

const YARN_1 = 'npx -y -p yarn@1.22.22 -- yarn'
const YARN_4 = 'npx -y -p @yarnpkg/cli-dist@4.18.1 -- yarn'

interface PackageManager {
  name: string
  install: string
  /** Command that runs a program with the installed packages. */
  node: string
  configure?(project: Project): Promise<void>
}

const PACKAGE_MANAGERS: PackageManager[] = [
  { name: 'npm', install: `npm ${NPM_INSTALL.join(' ')} && npm ls --all`, node: 'node' },
  { name: 'pnpm', install: 'pnpm install --ignore-scripts --no-frozen-lockfile', node: 'node' },
  { name: 'yarn 1', install: `${YARN_1} install --ignore-scripts --non-interactive`, node: 'node' },
  {
    name: 'yarn 4 with node_modules',
    install: `${YARN_4} install`,
    node: 'node',
    configure: (project) => configureYarn4(project, 'node-modules'),
  },
  {
    name: "yarn 4 with Plug'n'Play",
    install: `${YARN_4} install`,
    node: `${YARN_4} node`,
    configure: (project) => configureYarn4(project, 'pnp'),
  },
]

/** Configures yarn 4, which reads no .npmrc. */
async function configureYarn4(project: Project, nodeLinker: string): Promise<void> {
  const settings = {
    nodeLinker,
    npmRegistryServer: (await run('npm', ['config', 'get', 'registry'])).trim(),
    npmScopes: { logbridge: { npmRegistryServer: inject('registry') } },
    unsafeHttpWhitelist: ['127.0.0.1'],
    enableImmutableInstalls: false,
    // Yarn's metadata cache in the home directory ignores the port of a registry.
    globalFolder: join(project.folder, '.yarn-global'),
    enableGlobalCache: false,
    enableScripts: false,
    enableTelemetry: false,
  }
  await writeFile(join(project.folder, '.yarnrc.yml'), JSON.stringify(settings))
  // A lock file marks the folder as a separate project.
  await writeFile(join(project.folder, 'yarn.lock'), '')
}

const receiver = await startReceiver()

describe.each(PACKAGE_MANAGERS)('$name', ({ install, node, configure }) => {
  it.each([
    { generation: 'sdk2', programs: { 'sdk2.js': receiver.http } },
    { generation: 'sdk3', programs: { 'sdk3.js': receiver.http, 'core.js': receiver.grpc } },
  ])(
    'installs the packages with $generation without a conflict, and each record arrives',
    async ({ generation, programs }) => {
      const project = await copyProject(generation)
      await configure?.(project)
      expect(await project.run('sh', ['-c', `(${install}) 2>&1`])).not.toMatch(/peer|invalid/i)
      for (const [program, env] of Object.entries(programs)) {
        await project.run('sh', ['-c', `${node} ${program}`], env)
        expect(receiver.take(), program).toEqual(ONE_BY_EACH)
      }
    },
  )
})

it('npm refuses core with SDK 2.x, so adapters do not depend on core', async () => {
  const project = await copyProject('sdk2')
  await expect(project.run('npm', [...NPM_INSTALL, '@logbridge/core'])).rejects.toThrow('ERESOLVE')
})
