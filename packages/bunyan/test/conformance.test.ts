import { conformance } from '@logbridge/bridge/conformance'
import bunyan1 from 'bunyan1'
import { test } from 'vitest'
import * as adapter from '../src/index.ts'
import { createSubject } from './subject.ts'

conformance(test, createSubject(adapter))
conformance(test, { ...createSubject(adapter, bunyan1), name: 'bunyan 1.8' })
