import { beforeEach, onTestFailed } from 'vitest'

// Captures logbridge's diagnostics, because tests cause faults on purpose. A failing test prints the diagnostics that were written
// during the test. Every vitest configuration lists this file in `setupFiles`. The stderr of a child process is captured when the
// test pipes it to `process.stderr`.

const DIAGNOSTIC = /^logbridge: .*\n?/gm
const write = process.stderr.write.bind(process.stderr) as (...args: unknown[]) => boolean
const captured: string[] = []

process.stderr.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
  const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
  const others = text.replace(DIAGNOSTIC, (line) => {
    captured.push(line)
    return ''
  })
  return write(others, ...rest)
}

beforeEach(() => {
  captured.length = 0
  onTestFailed(() => void write(captured.join('')))
})
