import { conformance } from '@logbridge/bridge/conformance'
import type pino from 'pino'
import pino9 from 'pino9'
import { test } from 'vitest'
import * as adapter from '../src/index.ts'
import { createSubject } from './subject.ts'

conformance(test, createSubject(adapter))
conformance(test, { ...createSubject(adapter, pino9 as unknown as typeof pino), name: 'pino 9' })
