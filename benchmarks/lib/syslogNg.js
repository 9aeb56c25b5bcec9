/** Runs syslog-ng on one core, where the Debian package syslog-ng-core is installed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PROGRAM = '/usr/sbin/syslog-ng'

/** @param output file to which syslog-ng writes the fields of each line */
const configuration = (output) => `
@version: 3.38
options { stats-freq(0); };
source lines { stdin(flags(no-parse)); };
parser json { json-parser(prefix(".json.")); };
destination fields { file("${output}" template("$(format-json .json.* --rekey .json.* --shift 6)\\n")); };
log { source(lines); parser(json); destination(fields); flags(flow-control); };
`

/**
 * Parses the JSON lines of a file, and writes their fields to another file.
 *
 * @returns lines in a second; `undefined` where syslog-ng is not installed
 */
export async function parseBySyslogNg(directory, path, count) {
  if (!existsSync(PROGRAM)) return undefined
  const at = (name) => join(directory, `syslog-ng.${name}`)
  writeFileSync(at('conf'), configuration(at('out')))
  writeFileSync(at('out'), '')
  const files = ['-f', at('conf'), '-p', at('pid'), '-c', at('ctl'), '-R', at('persist')]
  const begin = performance.now()
  // syslog-ng polls its stdin, which a file does not allow.
  const input = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const child = spawn('taskset', ['-c', '0', PROGRAM, '-F', '--no-caps', ...files], {
    stdio: [input.stdout, 'inherit', 'inherit'],
  })
  await once(child, 'exit')
  const seconds = (performance.now() - begin) / 1000
  const written = readFileSync(at('out')).reduce((lines, byte) => lines + (byte === 10 ? 1 : 0), 0)
  if (written !== count) throw new Error(`syslog-ng wrote ${written} of ${count} lines`)
  return count / seconds
}
