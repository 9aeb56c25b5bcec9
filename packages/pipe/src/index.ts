/**
 * Parser for the log lines of programs in any language: JSON of loguru, structlog, zap, slog, logback, ECS, pino, and others, in the files of
 * container runtimes or without, becomes records of OpenTelemetry.
 */
export { createLineBridge, type LineBridgeOptions } from './adapter.ts'
export type { FieldMap, LineOptions } from './options.ts'
export { createLineParser, type LineParser, parseLine } from './parse.ts'
export { createLineReader, type LineReader, type LineReaderOptions } from './reader.ts'
export type { Fields, FormatName, OtlpLine, ParsedLine, ParsedRecord } from './types.ts'
