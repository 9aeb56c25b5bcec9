import type { JSX } from 'preact'
import type { Signal } from '../../src/query/fields.ts'
import { suggestField } from '../../src/query/suggestField.ts'
import { useQuery } from './queryBar.tsx'

/** Says that nothing matches the filters, and asks about a mistyped field. */
export function Nothing({ noun, signal }: { noun: string; signal: Signal }): JSX.Element {
  const question = suggestField(useQuery(), signal)
  return (
    <p class="nothing">
      No {noun} matches.{question !== undefined && ` ${question}`}
    </p>
  )
}
