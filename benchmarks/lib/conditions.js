import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'

const here = new URL('../', import.meta.url)
/** The folders whose dependencies are measured; what else they need is a devDependency. */
const FOLDERS = ['.', './otel-2']

/** What a figure depends on: date, machine and versions. */
export function conditions(rounds) {
  const [cpu] = os.cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    rounds,
    machine: `${cpu?.model ?? os.arch()}, ${os.availableParallelism()} cores, ${os.type()}`,
    node: process.version.slice(1),
    versions: FOLDERS.map(installed).reduce(merge),
  }
}

/** The version of each dependency of a folder. */
function installed(folder) {
  const root = new URL(`${folder}/`, here)
  if (!existsSync(root)) return {}
  const manifest = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'))
  const names = Object.keys(manifest('package.json').dependencies ?? {})
  return Object.fromEntries(
    names.map((name) => [name, manifest(`node_modules/${name}/package.json`).version]),
  )
}

/** Both generations of a package, where there are two. */
function merge(versions, others) {
  const merged = { ...versions }
  for (const [name, version] of Object.entries(others)) {
    merged[name] =
      merged[name] === undefined || merged[name] === version ? version : `${merged[name]} and ${version}`
  }
  return merged
}

/** All but the versions of packages, in a line. */
export function describeConditions({ date, rounds, machine, node }) {
  return `${date}, ${machine}, Node ${node}; medians of ${rounds} interleaved rounds.`
}
