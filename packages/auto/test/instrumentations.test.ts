import { describe, expect, test } from 'vitest'
import { type Run, useViewer } from './programs.ts'

/** Requests a path of the server itself, and ends. */
const REQUEST = `
  async function request(server, path) {
    const response = await fetch('http://127.0.0.1:' + server.address().port + path)
    await response.text()
    server.close()
    server.closeAllConnections()
  }`

/** Servers that log while they answer, without their imports. */
const SERVERS = {
  'node:http': `
    const server = createServer((incoming, response) => {
      logger.info('order')
      response.end('ok')
    })
    server.listen(0, () => request(server, '/orders/7'))`,
  express: `
    const app = express()
    app.get('/orders/:id', (incoming, response) => {
      logger.info('order')
      response.send('ok')
    })
    const server = app.listen(0, () => request(server, '/orders/7'))`,
  fastify: `
    const app = fastify()
    app.get('/orders/:id', async () => {
      logger.info('order')
      return 'ok'
    })
    app.listen({ port: 0 }).then(() => request(app.server, '/orders/7'))`,
}
type Server = keyof typeof SERVERS
const IMPORTS = {
  'node:http': `import { createServer } from 'node:http'`,
  express: `import express from 'express'`,
  fastify: `import fastify from 'fastify'`,
}
const REQUIRES = {
  'node:http': `const { createServer } = require('node:http')`,
  express: `const express = require('express')`,
  fastify: `const fastify = require('fastify')`,
}
const PACKAGES = [
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/instrumentation-express',
  '@fastify/otel',
]

function program(server: Server, module: 'esm' | 'cjs'): string {
  const load =
    module === 'esm'
      ? `${IMPORTS[server]}; import { createLogger } from 'bunyan'`
      : `${REQUIRES[server]}; const { createLogger } = require('bunyan')`
  return `${load}; ${REQUEST}; const logger = createLogger({ name: 'shop' }); ${SERVERS[server]}`
}

/** Returns the span of the request that the server has received. */
function serverSpan({ spans }: Run): Run['spans'][number] | undefined {
  return spans.find(({ kind }) => kind === 'server')
}

const ALL = (Object.keys(SERVERS) as Server[]).flatMap((server) => [
  [server, 'esm'] as const,
  [server, 'cjs'] as const,
])

describe('instrument', () => {
  const run = useViewer(PACKAGES)

  test.each(ALL)(
    'connects the request and its logs in one trace when %s is loaded as %s',
    async (server, module) => {
      const result = await run(program(server, module), { module })
      const span = serverSpan(result)
      expect(span).toMatchObject({ scope: { name: '@opentelemetry/instrumentation-http' } })
      expect(result.records.map(({ body, traceId }) => [body, traceId])).toEqual([['order', span!.traceId]])
      const framework = {
        'node:http': undefined,
        express: '@opentelemetry/instrumentation-express',
        fastify: '@fastify/otel',
      }
      const scopes = result.spans
        .filter(({ traceId }) => traceId === span!.traceId)
        .map(({ scope }) => scope.name)
      if (framework[server] !== undefined) expect(scopes).toContain(framework[server])
      expect(result.stderr).toBe('')
    },
  )

  test('instruments the requests of a command of a package when the command listens', async () => {
    const result = await run(program('node:http', 'esm'), { within: 'node_modules/framework/bin' })
    expect(result.records.map(({ traceId }) => traceId)).toEqual([serverSpan(result)?.traceId])
  })

  test.each([
    ['LOGBRIDGE_DISABLED', 'http'],
    ['OTEL_NODE_DISABLED_INSTRUMENTATIONS', 'http'],
    ['OTEL_NODE_ENABLED_INSTRUMENTATIONS', 'express'],
  ])('leaves out http when %s is %s', async (name, value) => {
    const result = await run(program('node:http', 'esm'), { env: { [name]: value } })
    expect(result.records).toHaveLength(1)
    expect(result.spans).toEqual([])
  })
})

describe('install without instrumentations', () => {
  const run = useViewer()

  test('loads no hook of another package when the application depends on no instrumentation', async () => {
    const { stdout } = await run(
      `const hooks = Object.keys(require.cache).filter((file) => /import-in-the-middle|require-in-the-middle/.test(file))
      console.log(hooks.length)`,
      { module: 'cjs' },
    )
    expect(stdout).toBe('0\n')
  })
})
