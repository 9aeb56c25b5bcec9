import { bunyan } from './bunyan.ts'
import { clef } from './clef.ts'
import { ecs } from './ecs.ts'
import type { Format } from './format.ts'
import { json } from './json.ts'
import { log4js } from './log4js.ts'
import { logback } from './logback.ts'
import { logbook } from './logbook.ts'
import { logrus } from './logrus.ts'
import { logstash } from './logstash.ts'
import { loguru } from './loguru.ts'
import { pino } from './pino.ts'
import { pythonJsonLogger } from './pythonJsonLogger.ts'
import { slog } from './slog.ts'
import { structlog } from './structlog.ts'
import { winston } from './winston.ts'
import { zap } from './zap.ts'
import { zerolog } from './zerolog.ts'

/** Formats in the order in which a line is tested for them: those with unique keys first, any JSON last. */
export const FORMATS: readonly Format[] = [
  loguru,
  clef,
  logbook,
  logstash,
  ecs,
  logback,
  bunyan,
  pino,
  zap,
  slog,
  logrus,
  log4js,
  pythonJsonLogger,
  structlog,
  zerolog,
  winston,
  json,
]
