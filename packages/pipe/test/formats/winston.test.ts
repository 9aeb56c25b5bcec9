import { conformance } from '../conformance.ts'

conformance({ format: 'winston', files: ['winston.jsonl'] })
