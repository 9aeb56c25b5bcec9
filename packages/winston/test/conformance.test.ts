import { test } from 'vitest'
import { conformance } from '@logbridge/bridge/conformance'
import winston from 'winston'
import winston30 from 'winston30'
import * as adapter from '../src/index.ts'
import { createSubject } from './subject.ts'

conformance(test, createSubject(adapter))

// The oldest of this major; its types differ in details.
const oldest = createSubject(adapter, winston30 as unknown as typeof winston, {
  name: 'winston 3.0.0',
  // Its format.splat() puts the first object on the record under this key, too.
  errorKey: 'meta',
  unsupported: { 'record.child': 'since winston 3.2' },
})
conformance(test, oldest)
