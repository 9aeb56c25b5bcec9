import { expect, it } from 'vitest'
import { installProject } from '@logbridge/test-support/project'
import { startReceiver } from '@logbridge/test-support/receiver'

const receiver = await startReceiver()
const project = await installProject('node')

it.each([
  {
    program: 'threads.mjs',
    logs: ['adapter alone', 'first thread', 'main thread', 'second thread'],
  },
  {
    program: 'cluster.cjs',
    logs: [
      'pino in primary',
      'pino in worker 1',
      'pino in worker 2',
      'winston in primary',
      'winston in worker 1',
      'winston in worker 2',
    ],
  },
])('records of each thread and process arrive from $program', async ({ program, logs }) => {
  await project.run('node', [program], receiver.grpc)
  expect(receiver.take().map(({ body }) => body)).toEqual(logs)
})
