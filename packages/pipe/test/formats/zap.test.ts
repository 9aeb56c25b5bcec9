import { conformance } from '../conformance.ts'

conformance({ format: 'zap', files: ['zap.jsonl', 'zap-development.jsonl'] })
