import { conformance } from '../conformance.ts'

conformance({ format: 'clef', files: ['clef.jsonl'], repeated: ['@r.*'] })
