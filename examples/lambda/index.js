// A stand-in for AWS Lambda: freezes a process as soon as it has given its result, thaws it for the next event, and never lets it
// come to its own end.
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
