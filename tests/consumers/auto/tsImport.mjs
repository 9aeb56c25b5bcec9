import { tsImport } from 'tsx/esm/api'

await tsImport('./app.mts', import.meta.url)
