// pnpm newcomer
//
// Follows the Start of README.md and of each package as printed, each in an empty folder, with the packed packages from a
// registry. Prints how long the commands take from the empty folder to the first record with a trace. Exits with 1 when
// another record arrives than the document promises, when the commands take 60 seconds, or when a reader writes more than
// two files.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packPackages } from '@logbridge/test-support/packages'
import { startRegistry } from '@logbridge/test-support/registry'
import { follow, isAsPromised, readStarts } from '@logbridge/test-support/walkthrough'

const MAX_SECONDS = 60
const MAX_FILES = 2

const folder = await mkdtemp(join(tmpdir(), 'logbridge-newcomer-'))
const packed = join(folder, 'packed')
await mkdir(packed)
const registry = await startRegistry(await packPackages(packed))
try {
  printRow(['install s', 'run s', 'files', 'as promised', 'document'])
  for (const [index, start] of (await readStarts()).entries()) {
    const followed = await follow(start, join(folder, String(index)), registry.url)
    const { installMillis, runMillis, files } = followed
    const seconds = (installMillis + runMillis) / 1000
    const isGood = isAsPromised(followed) && seconds < MAX_SECONDS && files <= MAX_FILES
    if (!isGood) process.exitCode = 1
    printRow([
      (installMillis / 1000).toFixed(1),
      (runMillis / 1000).toFixed(1),
      String(files),
      isAsPromised(followed) ? 'yes' : 'no',
      start.title,
    ])
  }
} finally {
  registry.close()
  await rm(folder, { recursive: true })
}

function printRow(cells: readonly string[]): void {
  const padded = cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(13)))
  process.stdout.write(`${padded.join('')}\n`)
}
