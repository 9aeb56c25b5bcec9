import { conformance } from '../conformance.ts'

conformance({
  format: 'logbook',
  files: ['logbook.jsonl'],
  repeated: ['level', 'greenlet', 'heavy_initialized', 'information_pulled', 'frame_correction', 'time'],
  fieldsAt: 'extra',
})
