import { range, runRounds, summarize, titleOf, withReceiver } from './harness.js'

/**
 * What a bridge costs an application on top of its logging library: CPU per delivered record, less that of the library
 * alone with the same output of its own, round by round.
 * @param options.library the programs compared are `LIBRARY/bare` and `LIBRARY/logbridge`
 * @param options.peer program that ours is held against; where it needs no library its whole cost counts
 * @param options.others programs that are shown too
 * @param options.packages those whose versions matter
 * @param options.goal what ours may cost, as a part of what the peer costs
 * @returns what a scenario's `run` returns
 */
export async function compareAddedCost({ library, peer, others = [], packages, goal }, { rounds, records }) {
  const bare = `${library}/bare`
  const ours = `${library}/logbridge`
  const names = [bare, ours, peer, ...others]
  const runs = await withReceiver((receiver) => runRounds(names, receiver, { rounds, records }))

  const added = (name) => {
    const own = runs[name].map(({ cpuMicrosPerDelivered }, round) => ({
      micros:
        cpuMicrosPerDelivered - (name.startsWith(`${library}/`) ? runs[bare][round].cpuMicrosPerRecord : 0),
    }))
    return summarize(own, 'micros')
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
        title: `What is added to ${library}, CPU per delivered record`,
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
