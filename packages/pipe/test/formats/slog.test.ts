import { conformance } from '../conformance.ts'

conformance({ format: 'slog', files: ['slog.jsonl'] })
