import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { Project } from './project.ts'
import { run } from './run.ts'

/** Command of yarn 4. */
export const YARN_4 = 'npx -y -p @yarnpkg/cli-dist@4.18.1 -- yarn'

/** Configures yarn 4 for a project, because yarn 4 reads no .npmrc. */
export async function configureYarn4(project: Project, nodeLinker: 'node-modules' | 'pnp'): Promise<void> {
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
