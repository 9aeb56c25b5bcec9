import { conformance } from '@logbridge/bridge/conformance'
import type pino from 'pino'
import pino9 from 'pino9'
import { describe, test } from 'vitest'
import * as adapter from '../src/index.ts'
import { createSubject } from './subject.ts'

describe('pino 10', () => conformance(test, createSubject(adapter)))
describe('pino 9', () => conformance(test, createSubject(adapter, pino9 as unknown as typeof pino)))
