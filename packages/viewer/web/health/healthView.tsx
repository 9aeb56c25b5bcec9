import type { JSX } from 'preact'

export function HealthView(_props: { id?: string }): JSX.Element {
  return <p class="nothing">This view follows.</p>
}
