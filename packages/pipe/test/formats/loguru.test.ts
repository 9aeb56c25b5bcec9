import { conformance } from '../conformance.ts'

conformance({
  format: 'loguru',
  files: ['loguru.jsonl'],
  repeated: [
    'text',
    'record.elapsed.repr',
    'record.file.name',
    'record.module',
    'record.level.icon',
    'record.level.no',
    'record.exception.traceback',
    'record.time.*',
  ],
  fieldsAt: 'extra',
})
