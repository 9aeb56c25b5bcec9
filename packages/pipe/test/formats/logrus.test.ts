import { conformance } from '../conformance.ts'

conformance({ format: 'logrus', files: ['logrus.jsonl'] })
