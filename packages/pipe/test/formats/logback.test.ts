import { conformance } from '../conformance.ts'

conformance({ format: 'logback', files: ['logback.jsonl'], repeated: ['throwable.*'] })
