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
  /** View that filters are for, when it is another one. */
  path?: string
  onClose(): void
  onAround(id: number): void
}

/** All of one record. */
export function RecordPanel({ id, path, onClose, onAround }: RecordPanelProps): JSX.Element {
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
      {record !== undefined && error === undefined && <RecordDetails record={record} path={path} />}
    </aside>
  )
}

function RecordDetails({ record, path }: { record: LogDetails; path: string | undefined }): JSX.Element {
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
            path={path}
            value={`${severityText || level.name}${severity === 0 ? '' : ` (${severity})`}`}
            class={`is-${level.name}`}
            term={severity === 0 ? '0' : level.name}
          />
          <Field name="service" path={path} value={service} term={service} column="service" />
          <Field name="scope" path={path} value={scope} term={scope} column="scope" />
          <Field name="event" path={path} value={eventName} term={eventName} column="event" />
          <Field name="trace" path={path} value={traceId} term={traceId} column="trace" />
          <Field name="span" path={path} value={spanId} term={spanId} />
        </dl>
        {traceId !== '' && (
          <p class="panel-links">
            <a
              href={hrefOf(`/traces/${traceId}`, new URLSearchParams(spanId === '' ? {} : { span: spanId }))}
              onClick={followLink}
            >
              Open trace <kbd>t</kbd>
            </a>
            <button type="button" class="link" onClick={() => addFilter(`trace=${traceId}`, path)}>
              All logs of this trace
            </button>
          </p>
        )}
      </section>
      {exceptions.length > 0 && (
        <ExceptionSection exceptions={exceptions} attributes={attributes} path={path} />
      )}
      {isObject && <BodyTable body={body as Attributes} path={path} />}
      <AttributesTable
        title="Attributes"
        attributes={others}
        source="attr"
        path={path}
        hasColumns={path === undefined}
      />
      <AttributesTable
        title="Resource"
        attributes={record.resourceAttributes}
        source="resource"
        path={path}
      />
      <AttributesTable title="Scope" attributes={record.scopeAttributes} source="scope" path={path} />
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
  path?: string | undefined
}

function Field({ name, value, term, class: className = '', column, path }: FieldProps): JSX.Element | null {
  if (value === '') return null
  return (
    <div class="value">
      <dt>{name}</dt>
      <dd>
        <span class={`value-text ${className}`}>{value}</span>
        {term !== undefined && (
          <ValueActions
            field={name}
            value={term}
            path={path}
            column={path === undefined ? column : undefined}
          />
        )}
      </dd>
    </div>
  )
}

/** Values of a body that is an object. */
function BodyTable({ body, path }: { body: Attributes; path: string | undefined }): JSX.Element {
  return (
    <section>
      <h3>Body</h3>
      <dl class="values">
        {Object.entries(body).map(([key, value]) => (
          <div class="value" key={key}>
            <dt>{key}</dt>
            <dd>
              <span class="value-text">{valueText(value)}</span>
              <ValueActions field={`body.${key}`} value={value} path={path} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

interface ExceptionSectionProps {
  exceptions: readonly Exception[]
  attributes: Attributes
  path: string | undefined
}

function ExceptionSection({ exceptions, attributes, path }: ExceptionSectionProps): JSX.Element {
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
              {index === 0 && type !== '' && (
                <ValueActions field="attr.exception.type" value={type} path={path} />
              )}
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
