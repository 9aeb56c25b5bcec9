import { conformance } from '@logbridge/bridge/conformance'
import { describe, test } from 'vitest'
import { subject, subject9 } from './subject.ts'

describe('pino 10', () => conformance(test, subject))
describe('pino 9', () => conformance(test, subject9))
