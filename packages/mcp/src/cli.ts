#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { createServer } from './index.ts'

const HELP = `Usage: logbridge-mcp [--url <url>] [--token <token>]

MCP server over stdio. Answers about the logs and traces of a running logbridge viewer (npx @logbridge/viewer).

  --url <url>       address of the viewer (default: the viewer that this user started last)
  --token <token>   token of the viewer at --url
`

try {
  const { values } = parseArgs({
    options: { url: { type: 'string' }, token: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true) process.stdout.write(HELP)
  else void createServer(values).connect(new StdioServerTransport())
} catch (error) {
  process.stderr.write(`logbridge-mcp: ${(error as Error).message} See --help.\n`)
  process.exitCode = 2
}
