// Simulates AWS Lambda: freezes the process after each result, thaws the process for the next event, and kills the process at the
// end.
import { fork } from 'node:child_process'
import { once } from 'node:events'

const sandbox = fork(new URL('sandbox.js', import.meta.url))
const ended = once(sandbox, 'exit').then(() => [])

for (const order of ['A-101', 'A-102', 'A-103']) {
  sandbox.send({ event: { order }, awsRequestId: `request-${order}` })
  sandbox.kill('SIGCONT')
  const [result] = await Promise.race([once(sandbox, 'message'), ended])
  sandbox.kill('SIGSTOP')
  console.log(result)
  if (!result) process.exitCode = 1
}
sandbox.kill('SIGKILL')
