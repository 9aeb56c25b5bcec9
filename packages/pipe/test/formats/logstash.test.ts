import { conformance } from '../conformance.ts'

conformance({ format: 'logstash', files: ['logstash.jsonl'], repeated: ['@version'] })
