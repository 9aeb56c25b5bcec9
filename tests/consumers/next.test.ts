import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, inject, it } from 'vitest'
import { freePort } from '@logbridge/test-support/ports'
import { installProject } from '@logbridge/test-support/project'
import { ONE_BY_EACH, soldOut, startReceiver } from '@logbridge/test-support/receiver'

const receiver = await startReceiver()
const project = await installProject('next')

it.each(['turbopack', 'webpack'])(
  'standalone server of next build sends the records of each adapter and of pino’s worker when it is built by %s',
  async (bundler) => {
    await rm(join(project.folder, '.next'), { recursive: true, force: true })
    await project.run('npx', ['next', 'build', `--${bundler}`], { NEXT_TELEMETRY_DISABLED: '1' })
    // The copy has only the modules that the build traced.
    const standalone = await mkdtemp(join(inject('projects'), 'standalone-'))
    await cp(join(project.folder, '.next/standalone'), standalone, {
      recursive: true,
      verbatimSymlinks: true,
    })

    const expected = [...ONE_BY_EACH, soldOut('worker')]
    await whileServing(standalone, async (url) => {
      const response = await fetch(`${url}/api/order`)
      expect(await response.json()).toEqual({ ok: true })
      await receiver.waitFor(expected.length)
    })
    expect(receiver.take()).toEqual(expected)
  },
)

/** Runs the server of a standalone build while `use` runs. */
async function whileServing(folder: string, use: (url: string) => Promise<void>): Promise<void> {
  // Next.js ignores port 0.
  const port = await freePort()
  const env = {
    ...process.env,
    ...receiver.grpc,
    NODE_ENV: 'production',
    PORT: `${port}`,
    HOSTNAME: '127.0.0.1',
  }
  const server = spawn('node', ['server.js'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    for await (const line of createInterface(server.stdout)) if (line.includes('Ready')) break
    await use(`http://127.0.0.1:${port}`)
  } finally {
    if (server.exitCode === null) {
      server.kill()
      await once(server, 'exit')
    }
  }
}
