import type { Subject } from '@logbridge/bridge/conformance'
import {
  createOldestSubject as oldestBunyan,
  createSubject as bunyan,
} from '../packages/bunyan/test/subject.ts'
import { createSubject as console } from '../packages/console/test/subject.ts'
import { createSubject as log4js } from '../packages/log4js/test/subject.ts'
import { createOldestSubject as oldestPino, createSubject as pino } from '../packages/pino/test/subject.ts'
import {
  createOldestSubject as oldestWinston,
  createSubject as winston,
} from '../packages/winston/test/subject.ts'

/** Modules of the five adapters. */
export interface Adapters {
  winston: Parameters<typeof winston>[0]
  pino: Parameters<typeof pino>[0]
  bunyan: Parameters<typeof bunyan>[0]
  log4js: Parameters<typeof log4js>[0]
  console: Parameters<typeof console>[0]
}

/** Creates the subjects of the adapters. Loads neither an adapter nor OpenTelemetry. */
export function createSubjects(adapters: Adapters): Subject[] {
  return [
    winston(adapters.winston),
    pino(adapters.pino),
    bunyan(adapters.bunyan),
    log4js(adapters.log4js),
    console(adapters.console),
  ]
}

/** Creates subjects with the oldest supported version of libraries whose newest version is another major or has more features. */
export function createOldestSubjects(adapters: Adapters): Subject[] {
  return [oldestWinston(adapters.winston), oldestPino(adapters.pino), oldestBunyan(adapters.bunyan)]
}
