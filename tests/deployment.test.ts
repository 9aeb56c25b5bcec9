import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCollector } from '@logbridge/test-support/collector'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'

// The files of examples/deployment. docs/deployment.md says which of them are run.

const folder = fileURLToPath(new URL('../examples/deployment/', import.meta.url))
const files = globSync('**/*.yaml', { cwd: folder })
const collector = findCollector()

/** Reads the documents of a file. */
function read(file: string): any[] {
  const documents = parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { uniqueKeys: true })
  return documents.map((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([])
    return document.toJS()
  })
}

/** Returns the values of all fields named `key`, at any depth. */
function valuesOf(value: unknown, key: string): any[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) => [
    ...(name === key ? [item] : []),
    ...valuesOf(item, key),
  ])
}

test.each(files)('examples/deployment/%s is YAML that names each image with its version', (file) => {
  for (const image of read(file).flatMap((document) => valuesOf(document, 'image')))
    expect(image).toMatch(/^[\w./-]+:\d+\.\d+\.\d+(-[\w-]+)?$/)
})

test('examples/deployment/pipe/Dockerfile names each version', () => {
  const text = readFileSync(join(folder, 'pipe/Dockerfile'), 'utf8')
  expect(text).toMatch(/^FROM node:\d+\.\d+\.\d+-[\w-]+$/m)
  const packages = /npm install --global (.*)/.exec(text)![1]!.split(' ')
  for (const name of packages) expect(name).toMatch(/^@[\w-]+\/\w+@\d+\.\d+\.\d+$/)
})

describe.each(files.filter((file) => file.startsWith('kubernetes/')))('examples/deployment/%s', (file) => {
  test('selects its own pods, mounts its own volumes, and reads configurations that exist', () => {
    const generated = read('kustomization.yaml')[0].configMapGenerator[0]
    for (const { kind, metadata, spec } of read(file)) {
      expect(metadata.name).toMatch(/^[a-z-]+$/)
      if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(kind)) continue
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels)
      const pod = spec.template.spec
      const claims = (spec.volumeClaimTemplates ?? []).map((claim: any) => claim.metadata.name)
      const volumes = [...claims, ...(pod.volumes ?? []).map(({ name }: any) => name)]
      const containers = [...(pod.initContainers ?? []), ...pod.containers]
      const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }: any) => name))
      expect(new Set(mounts)).toEqual(new Set(volumes))
      for (const { configMap } of pod.volumes ?? []) {
        if (configMap) expect(configMap.name).toBe(generated.name)
      }
      for (const argument of containers.flatMap(({ args = [] }) => args)) {
        const config = /^--config=\/etc\/otelcol\/(.*)$/.exec(argument)?.[1]
        if (config) expect(generated.files).toContain(`collector/${config}`)
      }
    }
  })
})

test('examples/deployment/kustomization.yaml and compose.yaml name files that exist', () => {
  const { configMapGenerator, resources } = read('kustomization.yaml')[0]
  const mounted = valuesOf(read('compose.yaml'), 'volumes')
    .flat()
    .filter((volume) => typeof volume === 'string')
  const paths = mounted
    .map((volume) => volume.split(':')[0] as string)
    .filter((path) => path.startsWith('./'))
  const named = [...resources, ...configMapGenerator.flatMap(({ files: names }: any) => names), ...paths]
  expect(named.filter((path) => !existsSync(join(folder, path)))).toEqual([])
  expect(paths).not.toEqual([])
})

const configurations = files.filter((file) => dirname(file) === 'collector')

test.each(configurations)('examples/deployment/%s defines each component that its pipelines use', (file) => {
  const { receivers, processors, exporters, connectors, extensions, service } = read(file)[0]
  const sources = Object.keys({ ...receivers, ...connectors })
  const targets = Object.keys({ ...exporters, ...connectors })
  const pipelines: any[] = Object.values(service.pipelines)
  expect(new Set(pipelines.flatMap((pipeline) => pipeline.receivers))).toEqual(new Set(sources))
  expect(new Set(pipelines.flatMap((pipeline) => pipeline.processors ?? []))).toEqual(
    new Set(Object.keys(processors)),
  )
  expect(new Set(pipelines.flatMap((pipeline) => pipeline.exporters))).toEqual(new Set(targets))
  expect(service.extensions ?? []).toEqual(Object.keys(extensions ?? {}))
  for (const storage of valuesOf({ receivers, exporters }, 'storage'))
    expect(service.extensions).toContain(storage)
})

// The Collector of the tests has neither file_storage, Kafka, nor filelog.
test
  .skipIf(collector === undefined)
  .each(
    configurations.filter((file) => /(agent|gateway)(-queue)?\.yaml$/.test(file) && !file.includes('stdout')),
  )('examples/deployment/%s is valid for the Collector when its storage is left out', (file) => {
  const config = parse(readFileSync(join(folder, file), 'utf8'))
  delete config.extensions
  delete config.service.extensions
  delete config.exporters.otlp_grpc.sending_queue.storage
  const env = { ...process.env, GATEWAY: 'gateway:4317', BACKEND: 'backend:4317' }
  execFileSync(collector!, ['validate', '--config', `yaml:${stringify(config)}`], { env })
})
