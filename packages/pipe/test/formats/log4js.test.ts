import { conformance } from '../conformance.ts'

conformance({ format: 'log4js', files: ['log4js.jsonl'], repeated: ['level.*'] })
