import { conformance } from '../conformance.ts'

conformance({ format: 'pino', files: ['pino.jsonl'] })
