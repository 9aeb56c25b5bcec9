import { conformance } from '@logbridge/bridge/conformance'
import bunyan1 from 'bunyan1'
import { describe, test } from 'vitest'
import * as adapter from '../src/index.ts'
import { createSubject } from './subject.ts'

describe('bunyan 2', () => conformance(test, createSubject(adapter)))
describe('bunyan 1.8', () => conformance(test, createSubject(adapter, bunyan1)))
