import type { Format } from './format.ts'
import { json } from './json.ts'
import { loguru } from './loguru.ts'
import { pino } from './pino.ts'

/** Formats in the order in which a line is tested for them: those with unique keys first. */
export const FORMATS: readonly Format[] = [loguru, pino, json]
