import { init, use } from 'echarts/core'
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { SVGRenderer } from 'echarts/renderers'
import { figure } from './markdown.js'

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

const WIDTH = 800
/** Height of a name of three lines. */
const LABEL_HEIGHT = 54
/** Colors that are distinct with red-green color blindness. The first is logbridge's. */
const COLORS = ['#0b62c1', '#d9730d', '#767676', '#7b4ab0']
const TEXT = { color: '#24292f', fontFamily: 'sans-serif', fontSize: 13 }

/** Draws a chart of `pnpm bench --json` as SVG, with a background because a reader's page may be dark. */
export function draw(chart) {
  const { height, ...option } = chart.kind === 'bars' ? bars(chart) : lines(chart)
  const picture = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  picture.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLORS,
    textStyle: TEXT,
    title: { text: chart.title, left: 'center', top: 12, textStyle: { ...TEXT, fontSize: 16 } },
    legend: { show: chart.series.length > 1, top: 42, itemGap: 30, textStyle: TEXT },
    ...option,
  })
  const svg = picture.renderToSVGString()
  picture.dispose()
  return `${svg}\n`
}

/**
 * Builds horizontal bars, because names of programs are long. The margin for the names is fixed, because ECharts cannot measure
 * text without a font.
 */
function bars({ series, yLabel, yScale = 'linear' }) {
  const top = series.length > 1 ? 80 : 50
  const names = [...new Set(series.flatMap(({ points }) => points.map(([name]) => name)))]
  return {
    height: top + 70 + names.length * Math.max(LABEL_HEIGHT, 14 + 24 * series.length),
    grid: { left: 300, right: 90, top, bottom: 55 },
    xAxis: { type: axisType(yScale), name: yLabel, ...valueAxis },
    yAxis: {
      type: 'category',
      data: names,
      inverse: true,
      axisTick: { show: false },
      axisLabel: { ...TEXT, interval: 0, lineHeight: 16, width: 220, overflow: 'break' },
    },
    series: series.map(({ name, points }) => ({
      type: 'bar',
      name,
      silent: true,
      barMaxWidth: 22,
      data: names.map((each) => bar(each, points, series.length === 1)),
      label: { show: true, position: 'right', ...TEXT, formatter: ({ value }) => label(value) },
    })),
  }
}

/** Builds one bar. In a chart with one series, the bars of logbridge have their own color. */
function bar(name, points, isOnlySeries) {
  const value = points.find(([x]) => x === name)?.[1] ?? null
  if (!isOnlySeries) return value
  return { value, itemStyle: { color: COLORS[name.includes('@logbridge/') ? 0 : 1] } }
}

function lines({ series, xLabel, xScale = 'linear', yLabel, yScale = 'linear' }) {
  const categories = xScale === 'category' ? series[0].points.map(([x]) => String(x)) : undefined
  return {
    height: 420,
    grid: { left: 85, right: 55, top: 85, bottom: 65 },
    xAxis: { type: axisType(xScale), name: xLabel, data: categories, ...valueAxis },
    yAxis: { type: axisType(yScale), name: yLabel, ...valueAxis, nameGap: 55 },
    series: series.map(({ name, points }) => ({
      type: 'line',
      name,
      silent: true,
      symbolSize: 8,
      data: points.map(([x, y]) => (categories ? [String(x), y] : [x, y])),
    })),
  }
}

const valueAxis = {
  nameLocation: 'middle',
  nameGap: 32,
  nameTextStyle: TEXT,
  axisLabel: { ...TEXT, formatter: label },
  splitLine: { lineStyle: { color: '#e1e4e8' } },
}

function axisType(scale) {
  return scale === 'linear' ? 'value' : scale
}

function label(value) {
  return typeof value === 'number' ? figure(value) : value
}
