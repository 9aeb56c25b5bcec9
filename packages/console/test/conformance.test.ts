import { conformance } from '@logbridge/bridge/conformance'
import { test } from 'vitest'
import { subject } from './subject.ts'

conformance(test, subject)
