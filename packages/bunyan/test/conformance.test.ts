import { conformance } from '@logbridge/bridge/conformance'
import { describe, test } from 'vitest'
import { subject, subject1 } from './subject.ts'

describe('bunyan 2', () => conformance(test, subject))
describe('bunyan 1.8', () => conformance(test, subject1))
