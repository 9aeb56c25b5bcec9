import { fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/**
 * Runs a program in a process of its own. What it says on stderr, as of records that are lost on purpose, is shown only when
 * it fails.
 * @param program its URL
 * @returns {Promise<any>} the last message that it has sent
 * @throws when it fails, or ends without a message
 */
export async function inChild(program, args, execArgv = []) {
  const child = fork(program, args.map(String), {
    execArgv,
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  /** @type {any} */
  let result
  child.on('message', (message) => (result = message))
  const [said, [code, signal]] = await Promise.all([
    text(child.stderr),
    once(child, 'exit'),
    once(child, 'disconnect'),
  ])
  if (code !== 0 || result === undefined) {
    throw new Error(`${child.spawnargs.slice(1).join(' ')} ended with ${signal ?? code}\n${said}`)
  }
  return result
}

/** What a forked process says next; rejects where it has ended instead. */
export function nextMessage(child) {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`${child.spawnargs.slice(1).join(' ')} has ended before it was done`))
    child.once('disconnect', fail)
    child.once('message', (message) => {
      child.off('disconnect', fail)
      resolve(message)
    })
  })
}

/**
 * Calls each measure once a round, one after the other: what else the machine does falls on all of them.
 * @returns what each has given, round by round
 */
export async function interleave(rounds, measures) {
  const results = Object.fromEntries(Object.keys(measures).map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(measures)) results[name].push(await measure())
  }
  return results
}
