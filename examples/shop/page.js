import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { heading } from './report.js'

// An application would run `npx @logbridge/viewer`.
const cli = fileURLToPath(new URL('cli.js', import.meta.resolve('@logbridge/viewer')))

/** Starts a viewer with a page on free ports. */
export async function openPage() {
  const viewer = spawn(process.execPath, [cli, '--port=0', '--grpc-port=0', '--http-port=0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  process.once('SIGTERM', () => viewer.kill())
  let output = ''
  for await (const chunk of viewer.stderr) {
    output += chunk
    const [, url, endpoint] = /Page: (\S+)\n.*gRPC at (\S+),/s.exec(output) ?? []
    if (url === undefined) continue
    return {
      endpoint,
      /** Waits until the viewer ends, which Ctrl-C does. */
      async stay() {
        heading(`The page: ${url} (Ctrl-C ends it)`)
        await once(viewer, 'exit')
      },
    }
  }
  throw new Error(`The viewer did not start: ${output}`)
}
