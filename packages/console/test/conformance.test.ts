import { conformance } from '@logbridge/bridge/conformance'
import { test } from 'vitest'
import * as adapter from '../src/index.ts'
import { createSubject } from './subject.ts'

conformance(test, createSubject(adapter))
