import { traceContext } from '@logbridge/pino'
import { pino } from 'pino'
import { logByEach } from '../../../logByEach'

const inWorker = pino({ name: 'worker', ...traceContext(), transport: { target: '@logbridge/pino' } })

export function GET(): Response {
  logByEach()
  inWorker.error({ item: 7, err: new TypeError('no stock') }, 'worker sold out')
  return Response.json({ ok: true })
}
