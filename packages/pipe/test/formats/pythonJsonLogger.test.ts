import { conformance } from '../conformance.ts'

conformance({
  format: 'python-json-logger',
  files: ['python-json-logger.jsonl', 'python-json-logger-default.jsonl'],
  repeated: ['otelTraceSampled'],
})
