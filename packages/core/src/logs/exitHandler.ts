import type { ExitSource } from '../process/exitFlush.ts'
import { type Unsent, unsentRecords } from '../process/longWait.ts'
import type { ExitHandler } from '../process/processExit.ts'
import type { ExportTransport } from '../transport/createTransport.ts'
import type { LogPipeline } from './pipeline.ts'

/** Parts of a logs pipeline that the end of the process needs. */
export interface LogsExitHandler extends ExitHandler {
  readonly exitSources: readonly ExitSource[]
  unsent(): readonly Unsent[]
}

/** @param endpoint the receiver, without secrets, for reports */
export function createExitHandler(
  pipeline: LogPipeline,
  transport: Pick<ExportTransport, 'abandon' | 'exitRoute'>,
  endpoint: string,
): LogsExitHandler {
  const { unit } = pipeline
  return {
    forceFlush: (timeoutMillis) => pipeline.forceFlush(timeoutMillis),
    activity: () => pipeline.stats().created,
    pending: () => 0,
    unsent: () => [
      {
        ...unsentRecords(pipeline.stats(), endpoint, unit),
        ...(!pipeline.hasSpool && { announceLoss: () => pipeline.announceLoss() }),
      },
    ],
    lost() {
      const { queued, inFlight, spooled } = pipeline.stats()
      const count = queued + inFlight - spooled
      return [{ count: count === pipeline.announcedLoss ? 0 : count, unit, endpoint }]
    },
    abandon: () => transport.abandon(),
    spillSync: () => void pipeline.spillSync(),
    end: () => pipeline.end(),
    exitSources: [{ unit, route: transport.exitRoute, unsent: () => pipeline.unsent() }],
  }
}

/** Joins the exit handlers of pipelines, so that one line reports what all of them lose. */
export function joinExitHandlers(handlers: readonly LogsExitHandler[]): LogsExitHandler {
  return {
    forceFlush: (timeoutMillis) => Promise.all(handlers.map((each) => each.forceFlush(timeoutMillis))),
    activity: () => handlers.reduce((sum, each) => sum + each.activity(), 0),
    pending: () => handlers.reduce((sum, each) => sum + each.pending(), 0),
    unsent: () => handlers.flatMap((each) => each.unsent()),
    lost: () => handlers.flatMap((each) => each.lost()),
    abandon: () => handlers.forEach((each) => each.abandon()),
    spillSync: () => handlers.forEach((each) => each.spillSync()),
    end: () => handlers.forEach((each) => each.end()),
    exitSources: handlers.flatMap((each) => each.exitSources),
  }
}

/** Exit handler where no pipeline exists. */
export const IDLE_EXIT_HANDLER: LogsExitHandler = {
  forceFlush: async () => {},
  activity: () => 0,
  pending: () => 0,
  unsent: () => [],
  lost: () => [],
  abandon() {},
  spillSync() {},
  end() {},
  exitSources: [],
}
