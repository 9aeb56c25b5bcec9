import { beforeEach, onTestFailed } from 'vitest'

// Keeps our own diagnostics off the terminal while tests cause the faults that they are about; a test that fails shows those
// that were written during it. Every vitest configuration has this file among its `setupFiles`. A child's stderr is captured
// where it is piped to `process.stderr`.

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
