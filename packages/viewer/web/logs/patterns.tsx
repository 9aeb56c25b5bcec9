import type { JSX } from 'preact'
import { addFilter, setParams } from '../address.ts'
import { readJson } from '../api.ts'
import { formatCount, formatTime, levelOf } from '../format.ts'
import type { Pattern } from '../model.ts'
import { Nothing } from '../parts/nothing.tsx'
import { useLoaded } from '../parts/useLoaded.ts'
import { settings } from '../settings.ts'
import { patternTerm } from '../terms.ts'

/** Records grouped by the pattern of their message, the most frequent first. */
export function Patterns({ query, counted }: { query: string; counted: number }): JSX.Element {
  const { value = [] } = useLoaded(
    (signal) => readJson<Pattern[]>('patterns', { q: query || undefined, limit: 200 }, signal),
    [query, counted],
  )
  const { time } = settings.value
  return (
    <section class="patterns" aria-label="Message patterns" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">
              Records
            </th>
            <th scope="col">Level</th>
            <th scope="col">Message</th>
            <th scope="col">First</th>
            <th scope="col">Last</th>
          </tr>
        </thead>
        <tbody>
          {value.map(({ pattern, count, severity, first, last, example }) => {
            const { name } = levelOf(severity)
            return (
              <tr key={pattern}>
                <td class="number">{formatCount(count)}</td>
                <td class={`cell-level is-${name}`}>{name === 'unset' ? '' : name}</td>
                <td>
                  <button
                    type="button"
                    class="link"
                    title="Only these records"
                    onClick={() => {
                      addFilter(patternTerm(pattern))
                      setParams({ group: null }, { replace: true })
                    }}
                  >
                    {pattern === '' ? '(no message)' : pattern}
                  </button>
                  <button type="button" class="quiet" onClick={() => setParams({ record: example })}>
                    example
                  </button>
                </td>
                <td>{formatTime(first, time)}</td>
                <td>{formatTime(last, time)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {value.length === 0 && <Nothing noun="record" signal="logs" />}
    </section>
  )
}
