/** MCP server: a thin client of the HTTP API of a viewer, whose answers are summaries first and at most 4 KiB by default. */
import {
  connectViewer,
  counted,
  describeTrace,
  formatDuration,
  formatLogRecord,
  orderSpans,
  parseJson,
  suggestField,
  toLogRecord,
  type ClientOptions,
  type ParsedLogRow,
  type ParsedTrace,
  type ServiceSummary,
  type ViewerClient,
} from '@logbridge/viewer/client'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import packageJson from '../package.json' with { type: 'json' }
import { shorten } from './shorten.ts'

const DEFAULT_BYTES = 4096
const MAX_BYTES = 65_536

const maxBytes = z
  .number()
  .int()
  .min(256)
  .max(MAX_BYTES)
  .default(DEFAULT_BYTES)
  .describe('largest answer in bytes')
const query = z
  .string()
  .default('')
  .describe(
    'query such as: level>=warn service=shop payment.amount>10 msg~"timed out" -route=/health trace=4bf9 since=15m; ' +
      'a blank is AND, also OR, NOT, ( ); =~ /re2/; a bare word searches message and attributes; empty for all',
  )

/** Tools read alone, and see this machine alone. */
const annotations = { readOnlyHint: true, openWorldHint: false }

/**
 * Creates the server. The viewer is looked up at each call, so that the viewer can start later.
 *
 * @example await createServer().connect(new StdioServerTransport())
 */
export function createServer(options: ClientOptions = {}): McpServer {
  const server = new McpServer({ name: 'logbridge', version: packageJson.version })

  /** Answers with the lines that fit, or with the error. */
  async function answer(bytes: number, ask: (client: ViewerClient) => Promise<string[]>) {
    try {
      const text = shorten(await ask(connectViewer(options)), bytes)
      return { content: [{ type: 'text' as const, text }] }
    } catch (error) {
      return { content: [{ type: 'text' as const, text: (error as Error).message }], isError: true }
    }
  }

  server.registerTool(
    'search_logs',
    {
      title: 'Search logs',
      description: 'Counts the log records that match by level, then lists the newest of them, newest first.',
      inputSchema: {
        query,
        limit: z.number().int().min(1).max(1000).default(20).describe('records to list'),
        maxBytes,
      },
      annotations,
    },
    ({ query: q, limit, maxBytes: bytes }) =>
      answer(bytes, async (client) => {
        const counts = await client.json<Count[]>('api/count', { q, field: 'level', limit: 100 })
        const lines = [describeLevels(counts)]
        for await (const line of client.lines('api/logs', { q, limit })) {
          lines.push(formatLogRecord(toLogRecord(parseJson(line) as ParsedLogRow)))
        }
        const question = lines.length === 1 ? suggestField(q, 'logs') : undefined
        return question === undefined ? lines : [...lines, question]
      }),
  )

  server.registerTool(
    'describe_trace',
    {
      title: 'Describe a trace',
      description:
        'Describes a trace: spans, services, errors, slowest spans; then its spans as a tree, and its logs.',
      inputSchema: { traceId: z.string().describe('trace id in hex, or its beginning'), maxBytes },
      annotations,
    },
    ({ traceId, maxBytes: bytes }) =>
      answer(bytes, async (client) => {
        const { spans, logs, total } = await client.json<ParsedTrace>('api/trace', { id: traceId })
        return [
          ...describeTrace(spans, logs, total),
          ...orderSpans(spans).map(
            ({ span, depth }) =>
              `${'  '.repeat(depth)}${span.service} ${span.name} ${formatDuration(BigInt(span.duration))} ${span.status}`,
          ),
          ...logs.map((log) => formatLogRecord(toLogRecord(log))),
        ]
      }),
  )

  server.registerTool(
    'list_services',
    {
      title: 'List services',
      description: 'Lists the services with the numbers of their log records, errors, and spans.',
      inputSchema: { maxBytes },
      annotations,
    },
    ({ maxBytes: bytes }) =>
      answer(bytes, async (client) => {
        const services = await client.json<ServiceSummary[]>('api/services')
        return services.map(
          ({ service, logs, errors, spans }) =>
            `${service || '(no name)'}: ${counted(logs, 'log record')}, ${counted(errors, 'error')}, ${counted(spans, 'span')}`,
        )
      }),
  )

  server.registerTool(
    'count_by',
    {
      title: 'Count by a field',
      description:
        'Counts the log records that match by the values of a field: service, level, scope, event, body, exception, or any attribute.',
      inputSchema: {
        field: z.string().min(1).describe('field or attribute, such as service, level, or http.route'),
        query,
        limit: z.number().int().min(1).max(1000).default(20).describe('values to list'),
        maxBytes,
      },
      annotations,
    },
    ({ field, query: q, limit, maxBytes: bytes }) =>
      answer(bytes, async (client) => {
        const counts = await client.json<Count[]>('api/count', { q, field, limit })
        return counts.map(
          ({ value, count }) => `${count} ${value === null ? '(without)' : JSON.stringify(value)}`,
        )
      }),
  )
  return server
}

interface Count {
  value: string | number | boolean | object | null
  count: number
}

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

function describeLevels(counts: readonly Count[]): string {
  const byLevel = new Map<string, number>()
  let total = 0
  for (const { value, count } of counts) {
    const level = LEVELS[Math.ceil(Number(value) / 4) - 1] ?? 'no level'
    byLevel.set(level, (byLevel.get(level) ?? 0) + count)
    total += count
  }
  const parts = [...byLevel].map(([level, count]) => `${level} ${count}`)
  const verb = total === 1 ? 'matches' : 'match'
  return `${counted(total, 'log record')} ${verb}${total === 0 ? '' : `: ${parts.join(', ')}`}`
}
