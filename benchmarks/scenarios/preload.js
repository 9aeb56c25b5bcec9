/** Measures what `--import @logbridge/auto` adds to a program without loggers, and to `npm start`, where no receiver listens. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { interleave } from '../lib/child.js'
import { range, summarize } from '../lib/harness.js'

export const title = 'A whole run with and without --import @logbridge/auto, no receiver'

const execute = promisify(execFile)
const PRELOAD = `--import ${import.meta.resolve('@logbridge/auto')}`
/** Runs for each requested round, so that five rounds have twenty. */
const RUNS = 4
const WITH_CORE = dirname(fileURLToPath(import.meta.url))

/** Compared programs: where they run, and the goal in milliseconds. */
const programs = (folder) => ({
  'an empty program, without core': { cwd: folder, command: ['node', join(folder, 'empty.cjs')], goal: 15 },
  'an empty program, beside core': { cwd: WITH_CORE, command: ['node', join(folder, 'empty.cjs')] },
  'npm start of an empty program': { cwd: folder, command: ['npm', 'start'], goal: 100 },
})

export async function run({ rounds }) {
  const folder = await mkdtemp(join(tmpdir(), 'logbridge-preload-'))
  try {
    await writeFile(join(folder, 'empty.cjs'), '')
    await writeFile(join(folder, 'package.json'), JSON.stringify({ scripts: { start: 'node empty.cjs' } }))
    const compared = programs(folder)
    const measures = Object.entries(compared).flatMap(([name, program]) => [
      [`${name}, bare`, () => measure(program, '')],
      [`${name}, preloaded`, () => measure(program, PRELOAD)],
    ])
    const runs = await interleave(rounds * RUNS, Object.fromEntries(measures))
    const results = Object.entries(compared).map(([name, { goal }]) => {
      const [bare, preloaded] = ['bare', 'preloaded'].map((kind) =>
        summarize(runs[`${name}, ${kind}`], 'millis'),
      )
      return { name, goal, bare, preloaded, added: preloaded.median - bare.median }
    })
    return report(results)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function measure({ cwd, command: [file, ...args] }, options) {
  const start = performance.now()
  await execute(file, args, { cwd, env: { ...process.env, NODE_OPTIONS: options } })
  return { millis: performance.now() - start }
}

function report(results) {
  return {
    header: ['program', 'bare, ms', 'preloaded, ms', 'added, ms'],
    rows: results.map(({ name, bare, preloaded, added }) => [
      name,
      range(bare, 1),
      range(preloaded, 1),
      added.toFixed(1),
    ]),
    comparisons: results.map(({ name, goal, bare, preloaded, added }) => ({
      scenario: `preload: ${name}`,
      ours: preloaded.median,
      peer: bare.median,
      unit: 'ms',
      measure: 'ours - peer, ms',
      ratio: added,
      ...(goal !== undefined && { goal, pass: added <= goal }),
    })),
  }
}
