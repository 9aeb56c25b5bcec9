/** Measures the cost of log calls that send nothing. */
import { inChild, interleave } from '../lib/child.js'
import { range, summarize } from '../lib/harness.js'

export const title = 'A call below the level, and one without a LoggerProvider'

/** Cause of a missed goal. */
export const shortfall =
  'winston passes every record to every transport at any level, so a transport that does nothing costs as much. Without a LoggerProvider, a ' +
  'bridge reads level, scope, and provider for each record, because a provider can be registered at any time. The conversion, 1 to 4 us, is ' +
  'skipped.'

const program = new URL('../lib/disabled.js', import.meta.url)
const LIBRARIES = ['winston', 'pino', 'bunyan', 'log4js', 'console']
/** Largest cost of a call below the level. */
const BELOW_LEVEL_GOAL_NANOS = 30
/** Largest costs of a call without a LoggerProvider, by library. */
const NO_PROVIDER_GOALS_NANOS = { winston: 100, pino: 60, bunyan: 100, log4js: 60, console: 60 }

/** Compared calls. The peer of a call without a LoggerProvider is the library with a second destination that does nothing. */
const SITUATIONS = [
  { text: 'below the level', method: 'debug', peer: 'bare', goalOf: () => BELOW_LEVEL_GOAL_NANOS },
  {
    text: 'no LoggerProvider',
    method: 'log',
    peer: 'idle',
    goalOf: (library) => NO_PROVIDER_GOALS_NANOS[library],
  },
]

export async function run({ rounds }) {
  const compared = LIBRARIES.flatMap((library) =>
    SITUATIONS.map((situation) => ({ library, ...situation, name: `${library}, ${situation.text}` })),
  )
  const runs = await interleave(
    rounds,
    Object.fromEntries(
      compared.map(({ name, library, method }) => [name, () => inChild(program, [library, method])]),
    ),
  )
  const results = compared.map(({ name, peer, library, goalOf }) => {
    const calls = runs[name].flatMap(({ bare, idle, unprovided }) =>
      unprovided.map((ours, i) => {
        const each = { bare: bare[i], idle: idle[i], ours }
        return { ...each, more: ours - each[peer] }
      }),
    )
    const of = (measure) => summarize(calls, measure)
    return {
      name,
      goal: goalOf(library),
      bare: of('bare'),
      idle: of('idle'),
      ours: of('ours'),
      peer: of(peer),
      more: of('more'),
    }
  })
  return {
    header: ['call', 'bare, ns', 'with an idle destination, ns', 'with logbridge, ns', 'added, ns'],
    rows: results.map(({ name, bare, idle, ours, more }) => [
      name,
      ...[bare, idle, ours, more].map((nanos) => range(nanos, 0)),
    ]),
    comparisons: results.map(({ name, goal, ours, peer, more }) => ({
      scenario: `disabled: ${name}`,
      ours: ours.median,
      peer: peer.median,
      unit: 'ns',
      measure: 'ours - peer, ns',
      ratio: more.median,
      goal,
      pass: more.median <= goal,
    })),
  }
}
