import { expect, it } from 'vitest'
import { installProject } from '@logbridge/test-support/project'
import { ONE_BY_EACH, soldOut, startReceiver } from '@logbridge/test-support/receiver'

const receiver = await startReceiver()
const project = await installProject('runners')
const vmModules = { NODE_OPTIONS: '--experimental-vm-modules' }

it('Jest runs an ES module whose records arrive', async () => {
  await project.run('npx', ['jest', 'modules.test.js'], { ...receiver.grpc, ...vmModules })
  expect(receiver.take()).toEqual(ONE_BY_EACH)
})

it('Jest runs CommonJS, and an error of another realm arrives as an exception', async () => {
  await project.run('npx', ['jest', '--testMatch', '**/*.cjs'], receiver.grpc)
  expect(receiver.take()).toEqual([
    {
      ...soldOut('winston'),
      exception: ['TypeError', expect.stringContaining('key.key')],
    },
  ])
})

it('vitest runs an ES module whose records arrive', async () => {
  await project.run('npx', ['vitest', 'run', 'modules', '--globals'], receiver.grpc)
  expect(receiver.take()).toEqual(ONE_BY_EACH)
})
