import type { JSX } from 'preact'
import { followLink, hrefOf } from '../address.ts'
import {
  flatten,
  formatDuration,
  formatTime,
  formatWholeTime,
  levelOf,
  prettyJson,
  valueText,
} from '../format.ts'
import { messageOf } from '../logs/columns.ts'
import type { Attributes, Log, Span } from '../model.ts'
import { CopyButton } from '../parts/copyButton.tsx'
import { AttributesTable, ValueActions } from '../parts/values.tsx'
import type { Extent } from './spanTree.ts'

/** Most logs of a span in its panel. */
const MAX_LOGS = 100

export interface SpanPanelProps {
  span: Span
  /** Logs of the trace. */
  logs: readonly Log[]
  extent: Extent
  onClose(): void
}

/** All of one span, with its logs. */
export function SpanPanel({ span, logs, extent, onClose }: SpanPanelProps): JSX.Element {
  const own = logs.filter(({ spanId }) => spanId === span.spanId)
  const fields = [
    ['start', formatWholeTime(span.time)],
    ['duration', formatDuration(span.duration)],
    ['status', `${span.status}${span.statusMessage === '' ? '' : `: ${span.statusMessage}`}`],
    ['kind', span.kind],
    ['service', span.service],
    ['scope', span.scope],
    ['span', span.spanId],
    ['parent', span.parentSpanId],
  ] as const
  const terms: Readonly<Record<string, string>> = {
    status: span.status,
    kind: span.kind,
    service: span.service,
    scope: span.scope,
  }
  return (
    <aside class="panel" aria-label="Span" tabIndex={0}>
      <header>
        <h2>{span.name || '(no name)'}</h2>
        <CopyButton label="Copy JSON" text={() => prettyJson(span)} />
        <button type="button" class="panel-close" aria-label="Close the span" onClick={onClose}>
          ×
        </button>
      </header>
      <section>
        <dl class="values">
          {fields.map(
            ([name, value]) =>
              value !== '' && (
                <div class="value" key={name}>
                  <dt>{name}</dt>
                  <dd>
                    <span
                      class={`value-text ${name === 'status' && span.status === 'error' ? 'is-error' : ''}`}
                    >
                      {value}
                    </span>
                    {terms[name] !== undefined && (
                      <ValueActions field={name} value={terms[name]} path="/traces" />
                    )}
                  </dd>
                </div>
              ),
          )}
        </dl>
      </section>
      {own.length > 0 && (
        <section>
          <h3>
            Logs
            <a
              href={hrefOf('/logs', new URLSearchParams({ q: `trace=${span.traceId} span=${span.spanId}` }))}
              onClick={followLink}
            >
              Open in logs
            </a>
          </h3>
          <ul class="span-logs">
            {own.slice(0, MAX_LOGS).map((log) => (
              <li key={log.id}>
                <a href={recordLink(log)} onClick={followLink}>
                  <span class="muted">{formatTime(log.time, 'local')}</span>{' '}
                  <span class={`cell-level is-${levelOf(log.severity).name}`}>
                    {log.severityText || levelOf(log.severity).name}
                  </span>{' '}
                  {messageOf(log)}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      <AttributesTable title="Attributes" attributes={span.attributes} source="attr" path="/traces" />
      <Details
        title="Events"
        details={span.events.map(({ name, time, attributes }) => ({
          heading: (
            <p>
              <strong>{name}</strong>{' '}
              <span class="muted">+{formatDuration(BigInt(time) - extent.start)}</span>
            </p>
          ),
          attributes,
        }))}
      />
      <Details
        title="Links"
        details={span.links.map(({ traceId, spanId, attributes }) => ({
          heading: (
            <a
              href={hrefOf(`/traces/${traceId}`, new URLSearchParams({ span: spanId }))}
              onClick={followLink}
            >
              {traceId}
            </a>
          ),
          attributes,
        }))}
      />
    </aside>
  )
}

interface DetailsProps {
  title: string
  details: readonly { heading: JSX.Element; attributes: Attributes }[]
}

/** Events or links of a span, with their attributes. */
function Details({ title, details }: DetailsProps): JSX.Element | null {
  if (details.length === 0) return null
  return (
    <section>
      <h3>{title}</h3>
      <ul class="span-events">
        {details.map(({ heading, attributes }, index) => (
          <li key={index}>
            {heading}
            {flatten(attributes).map(({ key, value }) => (
              <div class="value" key={key}>
                <span class="muted">{key}</span>
                <span class="value-text">{valueText(value)}</span>
              </div>
            ))}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Returns the address of a record among the logs of its trace. */
function recordLink({ id, traceId }: Log): string {
  return hrefOf('/logs', new URLSearchParams({ q: `trace=${traceId}`, record: String(id) }))
}
