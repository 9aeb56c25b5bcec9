import { describe, expect, it } from 'vitest'
import { suggestField } from '../../src/query/suggestField.ts'

describe('suggestField', () => {
  it.each([
    ['levle=error', 'level'],
    ['shop (serivce=a OR NOT severty>=warn)', 'service'],
    ['a=1 -exeption~refused', 'exception'],
    ['tarce=4bf9', 'trace'],
  ])('asks about the mistyped field of %s', (query, field) => {
    expect(suggestField(query, 'logs')).toContain(`the field ${field} instead`)
  })

  it('asks about the fields of the signal', () => {
    expect(suggestField('durration>1s', 'spans')).toContain('duration')
    expect(suggestField('durration>1s', 'logs')).toBeUndefined()
  })

  it.each(['level=error service=a', 'code=10', 'http.route=/a', 'user=1', 'levle', '', 'level>=', 'order=1'])(
    'asks nothing about %j',
    (query) => {
      expect(suggestField(query, 'logs')).toBeUndefined()
    },
  )
})
