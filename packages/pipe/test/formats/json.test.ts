import { conformance } from '../conformance.ts'

conformance({ format: 'json', files: ['json.jsonl'] })
