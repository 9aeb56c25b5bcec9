/** Measures the command `logbridge-pipe` on one core, into the real Collector, which has the other core. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCollector, startNopCollector } from '../lib/collector.js'
import { parseBySyslogNg } from '../lib/syslogNg.js'
import { followFiles, pipeFile, pipeToNobody, writeLines } from '../lib/pipeCommand.js'

export const title = 'logbridge-pipe on one core, into the Collector'

const COUNT = 500_000
const FILES = 1000
const LINES_OF_FILE = 100
const MAX_MB = 120
const NOTE =
  'syslog-ng does less: its `json-parser` reads the same lines, as fields that are all text, and writes these to a file. It finds no severity, ' +
  'time, exception, or span, makes no OTLP, and has no receiver to wait for.'

/** Runs once, because a run takes two minutes, of which one is an outage. */
export async function run() {
  const program = findCollector()
  if (program === undefined) throw new Error('no Collector')
  const directory = mkdtempSync(join(tmpdir(), 'logbridge-bench-'))
  const collector = await startNopCollector(program)
  try {
    const pinoPath = writeLines(directory, 'pino', COUNT)
    const pino = await pipeFile(pinoPath, COUNT, collector)
    const loguruPath = writeLines(directory, 'loguru', COUNT)
    const loguru = await pipeFile(loguruPath, COUNT, collector)
    const pinoBySyslogNg = await parseBySyslogNg(directory, pinoPath, COUNT)
    const loguruBySyslogNg = await parseBySyslogNg(directory, loguruPath, COUNT)
    const outageMb = await pipeToNobody(pinoPath)
    const follow = await followFiles(directory, FILES, LINES_OF_FILE, 'pino', collector)
    const figures = [
      ['lines of pino', pino.perSecond, 'lines/s', 100_000, true, pinoBySyslogNg],
      ['CPU of a line of pino', pino.cpuMicros, 'us', undefined],
      ['lines of loguru', loguru.perSecond, 'lines/s', 60_000, true, loguruBySyslogNg],
      ['CPU of a line of loguru', loguru.cpuMicros, 'us', undefined],
      ['RSS', Math.max(pino.peakMb, loguru.peakMb), 'MB', MAX_MB, false],
      ['RSS without a receiver, for 60 s', outageMb, 'MB', MAX_MB, false],
      [`RSS with ${FILES} followed files`, follow.peakMb, 'MB', MAX_MB, false],
      [`CPU with ${FILES} followed files, without new lines`, follow.idlePercent, '% of a core', undefined],
      [`lines of ${FILES} followed files`, follow.perSecond, 'lines/s', undefined],
    ].map(([name, value, unit, goal, isMinimum, syslogNg]) => ({
      name,
      value,
      unit,
      goal,
      syslogNg,
      ratio: goal === undefined ? undefined : isMinimum ? goal / value : value / goal,
    }))
    return {
      header: ['measure', 'ours', 'goal', '', 'syslog-ng'],
      note: NOTE,
      rows: figures.map(({ name, value, unit, goal, ratio, syslogNg }) => [
        name,
        `${value >= 1000 ? Math.round(value) : value.toFixed(1)} ${unit}`,
        goal === undefined ? '' : `${goal} ${unit}`,
        ratio === undefined ? '' : ratio <= 1 ? 'met' : 'missed',
        syslogNg === undefined ? '' : `${Math.round(syslogNg)} ${unit}`,
      ]),
      comparisons: figures
        .filter(({ goal }) => goal !== undefined)
        .map(({ name, value, unit, goal, ratio }) => ({
          scenario: `pipe command: ${name}`,
          ours: value,
          peer: goal,
          unit,
          ratio,
          goal: 1,
          pass: ratio <= 1,
        })),
    }
  } finally {
    await collector.stop()
    rmSync(directory, { recursive: true })
  }
}
