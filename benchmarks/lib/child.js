import { fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/**
 * Runs a program in a child process. Hides its stderr, such as diagnostics of records that are lost on purpose, unless the program
 * fails.
 *
 * @param program URL of the program
 * @returns {Promise<any>} the last message of the child
 * @throws Error with stderr, when the child fails or sends no message
 */
export async function inChild(program, args, execArgv = []) {
  const child = fork(program, args.map(String), {
    execArgv,
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  /** @type {any} */
  let result
  child.on('message', (message) => (result = message))
  const [stderr, [code, signal]] = await Promise.all([
    text(child.stderr),
    once(child, 'exit'),
    once(child, 'disconnect'),
  ])
  if (code !== 0 || result === undefined) {
    throw new Error(`${child.spawnargs.slice(1).join(' ')} ended with ${signal ?? code}\n${stderr}`)
  }
  return result
}

/** Returns the next message of a child process. Rejects when the child exits first. */
export function nextMessage(child) {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`${child.spawnargs.slice(1).join(' ')} ended without a message`))
    child.once('disconnect', fail)
    child.once('message', (message) => {
      child.off('disconnect', fail)
      resolve(message)
    })
  })
}

/**
 * Calls each measure once in each round, one after the other, so that other load on the machine affects all of them.
 *
 * @returns the results of each measure, by name
 */
export async function interleave(rounds, measures) {
  const results = Object.fromEntries(Object.keys(measures).map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(measures)) results[name].push(await measure())
  }
  return results
}
