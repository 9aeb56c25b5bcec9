/** Programs that call the Logs API directly, one for each pipeline. */
import { pipelines } from '../lib/pipelines.js'

export const programs = Object.fromEntries(
  Object.entries(pipelines).map(([name, { title, start }]) => [
    name,
    { title, start: (url) => open(start(url)) },
  ]),
)

async function open(started) {
  const { logger, flush, finish } = await started
  const log = (message, fields) =>
    logger.emit({ severityNumber: 9, severityText: 'info', body: message, attributes: fields })
  return { log, flush, finish }
}
