import { conformance } from '../conformance.ts'

conformance({ format: 'zerolog', files: ['zerolog.jsonl'] })
