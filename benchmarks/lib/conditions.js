import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'

const root = new URL('../', import.meta.url)
/** Folders whose `dependencies` are measured; tools are `devDependencies`. */
const FOLDERS = ['.', './otel-2']

/** Returns the conditions of a figure: date, machine, and versions. */
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

/** Returns the installed version of each dependency of a folder. */
function installed(folder) {
  const directory = new URL(`${folder}/`, root)
  if (!existsSync(directory)) return {}
  const manifest = (path) => JSON.parse(readFileSync(new URL(path, directory), 'utf8'))
  const names = Object.keys(manifest('package.json').dependencies ?? {})
  return Object.fromEntries(
    names.map((name) => [name, manifest(`node_modules/${name}/package.json`).version]),
  )
}

/** Merges versions. Names both when a package is installed in two versions. */
function merge(versions, others) {
  const merged = { ...versions }
  for (const [name, version] of Object.entries(others)) {
    merged[name] =
      merged[name] === undefined || merged[name] === version ? version : `${merged[name]} and ${version}`
  }
  return merged
}

/** Formats the conditions on one line, without the versions of packages. */
export function describeConditions({ date, rounds, machine, node }) {
  return `${date}, ${machine}, Node ${node}; medians of ${rounds} interleaved rounds.`
}
