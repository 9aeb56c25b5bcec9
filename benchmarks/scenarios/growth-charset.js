import { growth } from '../lib/growth.js'

const ALPHABETS = {
  ASCII: 'abcdefghij',
  Latin: 'äöüßéèêñçø',
  CJK: '日本語中文字漢検索',
  emoji: '😀🚀🎉🔥💡🌍🎯🧪',
}

export const { title, run } = growth({
  name: 'growth-charset',
  by: 'script',
  xLabel: 'script of the message, 100 characters, and of the text in attributes',
  xScale: 'category',
  shapes: Object.entries(ALPHABETS).map(([script, alphabet]) => [script, { alphabet, messageBytes: 100 }]),
})
