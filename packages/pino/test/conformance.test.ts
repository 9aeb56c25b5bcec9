import { conformance } from '@logbridge/bridge/conformance'
import { test } from 'vitest'
import * as adapter from '../src/index.ts'
import { createLineSubject, createOldestSubject, createSubject } from './subject.ts'

conformance(test, createSubject(adapter))
conformance(test, createOldestSubject(adapter))
conformance(test, createLineSubject(adapter))
