import { render } from 'preact'
import { App } from './app.tsx'
import { watchTheme } from './theme.ts'
import './styles/base.css'
import './styles/parts.css'
import './styles/logs.css'
import './styles/traces.css'
import './styles/metrics.css'

watchTheme()
render(<App />, document.body)
