import { conformance } from '../conformance.ts'

conformance({ format: 'ecs', files: ['ecs-pino.jsonl', 'ecs-winston.jsonl', 'ecs-nested.jsonl'] })
