import { describe, expect, it } from 'vitest'
import { copyProject, NPM_INSTALL, type Project } from '@logbridge/test-support/project'
import { ONE_BY_EACH, startReceiver } from '@logbridge/test-support/receiver'
import { configureYarn4, YARN_4 } from '@logbridge/test-support/yarn'

const YARN_1 = 'npx -y -p yarn@1.22.22 -- yarn'

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

it.each(['@logbridge/core with adapters', '@logbridge/viewer', '@logbridge/mcp'])(
  'pnpm has no install scripts to approve when %s is added',
  async (added) => {
    const isProject = added.includes(' ')
    const project = await copyProject(isProject ? 'node' : 'empty')
    const install = isProject ? 'pnpm install --no-frozen-lockfile' : `pnpm add ${added}`
    const output = await project.run('sh', ['-c', `${install} 2>&1`])
    expect(output).not.toMatch(/ERR_PNPM_IGNORED_BUILDS|protobufjs/)
    expect(output).toMatch(/^Done in/m)
  },
)
