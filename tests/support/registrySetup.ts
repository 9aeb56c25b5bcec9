import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { packPackages } from './packages.ts'
import { startRegistry } from './registry.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a registry with the packed packages. */
    registry: string
    /** Folder for the projects that install the packages. */
    projects: string
  }
}

/** Packs all packages once for all suites. */
export default async function setup(vitest: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'logbridge-consumers-'))
  const registry = await startRegistry(await packPackages(folder))
  vitest.provide('registry', registry.url)
  vitest.provide('projects', folder)
  return async () => {
    registry.close()
    await rm(folder, { recursive: true })
  }
}
