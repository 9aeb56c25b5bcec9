import type Module from 'node:module'
import { OWN_DESTINATION } from '@logbridge/bridge/internal'
import { loadAdapter, loggerCreated } from './adapters.ts'
import { injectSpan, isInjecting } from './inject.ts'
import { noteOther } from './official.ts'
import { isFirstPatch } from './patches.ts'

/** Configuration that log4js has copied, before it creates appenders. */
interface Configuration {
  appenders?: Record<string, { type?: string | { configure?: object } } | undefined>
  categories?: Record<string, { appenders?: unknown } | undefined>
}

interface ConfigurationModule {
  /** Adds a function that may change a configuration. log4js's own function, which is called first, resolves inheritance. */
  addPreProcessingListener(listener: (configuration: Configuration) => void): void
}

/** Passes events to the appenders, or to the process that has them. */
interface Clustering {
  send(event: { context: Record<string, unknown> }): void
}

/** Name of the appender among those of the application. */
const NAME = 'logbridge-auto'

/**
 * Adds an appender to every category of each configuration of a copy of log4js, also of the configuration that log4js makes when
 * the application has none.
 */
export function attachLog4js(_exports: unknown, module: Pick<Module, 'require'>): void {
  const configuration = module.require('./configuration') as ConfigurationModule
  if (!isFirstPatch(configuration)) return
  if (isInjecting) injectIntoEvents(module.require('./clustering') as Clustering)
  configuration.addPreProcessingListener(({ appenders, categories }) => {
    // log4js reports a configuration that it cannot use, as the application wrote it.
    if (!isObject(appenders) || !isObject(categories)) return
    loggerCreated()
    const used = Object.values(categories).map((category) => category?.appenders)
    if (!used.every((names) => Array.isArray(names) && names.length > 0)) return
    if (Object.values(appenders).some(isOwn)) return noteOther('log4js')
    const type = loadAdapter('log4js')?.otelAppender()
    if (!type) return
    appenders[NAME] = { type }
    // A category shares the array of its parent.
    for (const names of used as string[][]) if (!names.includes(NAME)) names.push(NAME)
  })
}

/** Adds the active span to the context of each event, which is a copy of the logger's context. */
function injectIntoEvents(clustering: Clustering): void {
  const { send } = clustering
  clustering.send = (event) => {
    injectSpan(event.context)
    send(event)
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isOwn(appender: { type?: string | { configure?: object } } | undefined): boolean {
  const { type } = appender ?? {}
  if (typeof type === 'string') return /(?:^|[\\/])@logbridge[\\/]log4js(?:$|[\\/])/.test(type)
  return type?.configure !== undefined && OWN_DESTINATION in type.configure
}
