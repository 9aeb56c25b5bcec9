import { conformance } from '../conformance.ts'

conformance({
  format: 'structlog',
  files: ['structlog-iso.jsonl', 'structlog-dict.jsonl', 'structlog-unix.jsonl', 'structlog-local.jsonl'],
  repeated: ['exception.*', 'module'],
})
