import { conformance } from '../conformance.ts'

conformance({ format: 'bunyan', files: ['bunyan.jsonl'], repeated: ['v'] })
