import { range, runRounds, summarize, titleOf, withReceiver } from './harness.js'

/**
 * Measures the CPU that a bridge adds to its logging library for each delivered record. Subtracts, in each round, the CPU of the
 * library alone with the same output.
 *
 * @param options.library name of the library: compares `LIBRARY/bare` and `LIBRARY/logbridge`
 * @param options.peer program to compare with; its whole cost counts when it runs without the library
 * @param options.others further programs in the table
 * @param options.packages packages whose versions the caption names
 * @param options.goal largest ratio of the added costs, logbridge : peer
 * @returns the result of a scenario's `run`
 */
export async function compareAddedCost({ library, peer, others = [], packages, goal }, { rounds, records }) {
  const bare = `${library}/bare`
  const ours = `${library}/logbridge`
  const names = [bare, ours, peer, ...others]
  const runs = await withReceiver((receiver) => runRounds(names, receiver, { rounds, records }))

  const added = (name) => {
    const differences = runs[name].map(({ cpuMicrosPerDelivered }, round) => ({
      micros:
        cpuMicrosPerDelivered - (name.startsWith(`${library}/`) ? runs[bare][round].cpuMicrosPerRecord : 0),
    }))
    return summarize(differences, 'micros')
  }
  const costs = Object.fromEntries(names.map((name) => [name, name === bare ? undefined : added(name)]))
  const ratio = (name) => costs[ours].median / costs[name].median
  const rows = names.map(async (name) => [
    await titleOf(name),
    range(summarize(runs[name], 'cpuMicrosPerRecord'), 1),
    name === bare ? '' : `${(summarize(runs[name], 'lost').median * 100).toFixed(0)} %`,
    name === bare ? '' : range(costs[name], 1),
    name === bare ? '' : Math.round(summarize(runs[name], 'deliveredPerSecond').median / 1000) * 1000,
    name === bare ? '' : ratio(name).toFixed(2),
  ])
  const bars = names.map(async (name) => [await titleOf(name), costs[name]?.median ?? 0])
  return {
    header: [
      'program',
      'CPU per record, us',
      'lost',
      'added CPU per delivered record, us',
      'delivered/s',
      'added, ours : this',
    ],
    rows: await Promise.all(rows),
    comparisons: [
      {
        scenario: `${library}: CPU added, a delivered record`,
        ours: costs[ours].median,
        peer: costs[peer].median,
        unit: 'us',
        ratio: ratio(peer),
        goal,
        pass: ratio(peer) <= goal,
      },
    ],
    charts: [
      {
        name: `cost-${library}`,
        title: `CPU added to ${library} per delivered record`,
        packages,
        kind: 'bars',
        xLabel: '',
        yLabel: 'us',
        xScale: 'category',
        series: [{ name: 'added', points: (await Promise.all(bars)).slice(1) }],
      },
    ],
  }
}
