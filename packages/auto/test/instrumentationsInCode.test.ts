import { expect, test } from 'vitest'
import { useViewer } from './programs.ts'

// `startTelemetry({ instrumentations })` of the application, without the preload.
const run = useViewer()

const START = `
  import { startTelemetry } from '@logbridge/core'
  import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express'
  import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
  startTelemetry({ instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()] })`
const REQUEST = `
  import { get } from 'node:http'
  const request = (server) => get({ port: server.address().port, path: '/orders/7' }, (response) => {
    response.resume().on('end', () => server.close())
  })`

test('startTelemetry instruments node:http when the same ES module imports functions of it', async () => {
  const { spans, stderr } = await run(
    `import { createServer } from 'node:http'
    ${START}
    ${REQUEST}
    const server = createServer((incoming, response) => response.end()).listen(0, () => request(server))`,
    { args: [] },
  )
  expect(spans.map(({ kind }) => kind).toSorted()).toEqual(['client', 'server'])
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  expect(stderr).toBe('')
})

test('startTelemetry instruments express when an ES module imports express later', async () => {
  const { spans } = await run(
    `${START}
    ${REQUEST}
    const { default: express } = await import('express')
    const app = express().get('/orders/:id', (incoming, response) => response.send('ok'))
    const server = app.listen(0, () => request(server))`,
    { args: [] },
  )
  expect(spans.map(({ scope }) => scope.name)).toContain('@opentelemetry/instrumentation-express')
})

test.each(['esm', 'cjs'] as const)(
  'startTelemetry warns when %s has loaded a package before its instrumentation',
  async (module) => {
    const load = module === 'esm' ? `import 'express'` : `require('express')`
    const start =
      module === 'esm' ? START : START.replaceAll(/import (.*) from (.*)/g, 'const $1 = require($2)')
    const { stderr } = await run(`${load}\n${start}`, { module, args: [] })
    expect(stderr).toMatch(/^logbridge: express was loaded before its instrumentation, .*\n$/)
  },
)
