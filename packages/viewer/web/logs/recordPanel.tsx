import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { addFilter, followLink, hrefOf } from '../address.ts'
import { readJson } from '../api.ts'
import { formatWholeTime, levelOf, prettyJson, valueText } from '../format.ts'
import type { Attributes, LogDetails } from '../model.ts'
import { CopyButton } from '../parts/copyButton.tsx'
import { useLoaded } from '../parts/useLoaded.ts'
import { AttributesTable, ValueActions } from '../parts/values.tsx'
import { exceptionsOf, type Exception } from './exception.ts'

export interface RecordPanelProps {
  id: number
  onClose(): void
  onAround(id: number): void
}

/** All of one record. */
export function RecordPanel({ id, onClose, onAround }: RecordPanelProps): JSX.Element {
  const { value: record, error } = useLoaded((signal) => readJson<LogDetails>('log', { id }, signal), [id])
  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    panel.current!.scrollTop = 0
  }, [id])
  return (
    <aside class="panel" aria-label="Record" ref={panel} tabIndex={0}>
      <header>
        <h2>Record</h2>
        {record !== undefined && (
          <>
            <button type="button" title="Show all records around this one" onClick={() => onAround(id)}>
              Context
            </button>
            <CopyButton label="Copy JSON" text={() => prettyJson(record)} />
          </>
        )}
        <button type="button" class="panel-close" aria-label="Close the record (Escape)" onClick={onClose}>
          ×
        </button>
      </header>
      {error !== undefined && <p class="error">{error.message}</p>}
      {record !== undefined && error === undefined && <RecordDetails record={record} />}
    </aside>
  )
}

function RecordDetails({ record }: { record: LogDetails }): JSX.Element {
  const { body, attributes, severity, severityText, service, scope, eventName, traceId, spanId } = record
  const level = levelOf(severity)
  const exceptions = exceptionsOf(attributes)
  const others = Object.fromEntries(
    Object.entries(attributes).filter(([key]) => exceptions.length === 0 || !EXCEPTION_KEYS.has(key)),
  )
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  return (
    <>
      <section>
        <pre class="message">
          {isObject ? prettyJson(body) : valueText(body) || eventName || '(no message)'}
        </pre>
        <dl class="values">
          <Field name="time" value={formatWholeTime(record.time)} />
          <Field
            name="level"
            value={`${severityText || level.name}${severity === 0 ? '' : ` (${severity})`}`}
            class={`is-${level.name}`}
            term={severity === 0 ? '0' : level.name}
          />
          <Field name="service" value={service} term={service} column="service" />
          <Field name="scope" value={scope} term={scope} column="scope" />
          <Field name="event" value={eventName} term={eventName} column="event" />
          <Field name="trace" value={traceId} term={traceId} column="trace" />
          <Field name="span" value={spanId} term={spanId} />
        </dl>
        {traceId !== '' && (
          <p class="panel-links">
            <a
              href={hrefOf(`/traces/${traceId}`, new URLSearchParams(spanId === '' ? {} : { span: spanId }))}
              onClick={followLink}
            >
              Open trace <kbd>t</kbd>
            </a>
            <button type="button" class="link" onClick={() => addFilter(`trace=${traceId}`)}>
              All logs of this trace
            </button>
          </p>
        )}
      </section>
      {exceptions.length > 0 && <ExceptionSection exceptions={exceptions} attributes={attributes} />}
      {isObject && <BodyTable body={body as Attributes} />}
      <AttributesTable title="Attributes" attributes={others} source="attr" hasColumns />
      <AttributesTable title="Resource" attributes={record.resourceAttributes} source="resource" />
      <AttributesTable title="Scope" attributes={record.scopeAttributes} source="scope" />
    </>
  )
}

const EXCEPTION_KEYS = new Set(['exception.type', 'exception.message', 'exception.stacktrace'])

interface FieldProps {
  name: string
  value: string
  /** Value in a query. */
  term?: string
  class?: string
  column?: string
}

function Field({ name, value, term, class: className = '', column }: FieldProps): JSX.Element | null {
  if (value === '') return null
  return (
    <div class="value">
      <dt>{name}</dt>
      <dd>
        <span class={`value-text ${className}`}>{value}</span>
        {term !== undefined && <ValueActions field={name} value={term} column={column} />}
      </dd>
    </div>
  )
}

/** Values of a body that is an object. */
function BodyTable({ body }: { body: Attributes }): JSX.Element {
  return (
    <section>
      <h3>Body</h3>
      <dl class="values">
        {Object.entries(body).map(([key, value]) => (
          <div class="value" key={key}>
            <dt>{key}</dt>
            <dd>
              <span class="value-text">{valueText(value)}</span>
              <ValueActions field={`body.${key}`} value={value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function ExceptionSection(props: { exceptions: readonly Exception[]; attributes: Attributes }): JSX.Element {
  const { exceptions, attributes } = props
  const stack = valueText(attributes['exception.stacktrace'] ?? '')
  return (
    <section class="exception">
      <h3>
        Exception <CopyButton label="Copy stack" text={() => stack} />
      </h3>
      <ol>
        {exceptions.map(({ type, message, frames }, index) => (
          <li key={index}>
            {index > 0 && <p class="muted">Caused by</p>}
            <p class="exception-head">
              <strong>{type}</strong>
              {index === 0 && type !== '' && <ValueActions field="attr.exception.type" value={type} />}
            </p>
            {message !== '' && <p class="exception-message">{message}</p>}
            {frames.length > 0 && (
              <pre>
                {frames.map((frame, at) => (
                  <span
                    key={at}
                    class={frame.includes('node_modules') || frame.includes('node:') ? 'is-library' : ''}
                  >
                    {frame}
                    {'\n'}
                  </span>
                ))}
              </pre>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}
